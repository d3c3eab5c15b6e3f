use std::error::Error;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{CursorKey, Endpoint};
use standpipe_log_sink::StateFolder;
use standpipe_supervisor::{BoxError, ChildSpec, chain};
use tokio::runtime::Runtime;

use crate::deaths::Deaths;
use crate::host::Host;
use crate::ingest::{Ingest, Reader};
use crate::journal::Journal;
use crate::settings::{
    CommandLine, Config, Effective, Plan, SettingsError, SinkPlan, StorePlan, Task, Upstream, Whereabouts,
};
use crate::telemetry::Telemetry;
use crate::terminal::{Audience, Output, Terminal};
use crate::{
    CursorCommand, Incidents, Lookups, Newcomers, Prober, StartError, Tail, cursor_command, exit,
    healthcheck, incidents, run, tail,
};

/// How long blocking work may hold up the end of the process, such as a file that is being synced.
const LINGERING_WORK: Duration = Duration::from_secs(1);

/// What a collector may take of the grace period for the last telemetry: the part that the children leave.
const EXPORTS_PART_OF_GRACE: f32 = 0.1;

/// What one daemon is: what it reads, where that goes, and how a host's frames become entries.
pub trait Daemon: Send + Sync + 'static {
    /// Whom it reads.
    type Host: Host;
    /// What the child of one host does.
    type Reader: Reader;

    /// The program's name.
    const NAME: &'static str;
    /// What it does, in a sentence for its help.
    const ABOUT: &'static str;
    /// Which hosts it reads.
    const UPSTREAM: Upstream;
    /// The stream that it writes to.
    const STREAM: &'static str;
    /// The field of each entry.
    const FIELD: &'static str;

    /// Makes ready what all hosts share. May read files that the plan names.
    ///
    /// # Errors
    ///
    /// What keeps the daemon from starting.
    fn new(plan: &Plan) -> Result<Self, BoxError>
    where
        Self: Sized;

    /// The hosts that the settings name.
    fn hosts(plan: &Plan) -> Vec<Self::Host>;

    /// How this host is read.
    fn reader(&self, host: &Self::Host, setup: HostSetup<'_, Self::Host>) -> Self::Reader;

    /// Children that read no host, but work for those that do.
    fn attendants(&self) -> Vec<ChildSpec> {
        Vec::new()
    }

    /// Who looks identities up, if that is done.
    fn lookups(&self) -> Option<Arc<dyn Lookups>> {
        None
    }
}

/// What a daemon knows of a host before it reads it.
#[derive(Debug)]
pub struct HostSetup<'p, H = Endpoint> {
    /// All settings.
    pub plan: &'p Plan,
    /// Under which name the host's cursor is stored.
    pub key: CursorKey,
    /// Looks at both sides before the host is tried again.
    pub prober: Prober,
    /// Takes on the hosts that this one names.
    pub newcomers: Newcomers<H>,
    /// Whether another host named it, and no settings.
    pub was_found: bool,
}

impl<H> HostSetup<'_, H> {
    /// The ingestion of a host of numbered events, as the settings have it.
    #[must_use]
    pub fn by_seq(self) -> Ingest {
        let Self { plan, key, prober, .. } = self;
        Ingest::new(key, plan.start, plan.on_future_cursor, plan.limits).probing(prober)
    }
}

/// The whole of a daemon's `main`: settings, then what was asked for, then the exit code.
///
/// It reads the command line and the environment, speaks on standard output and standard error, takes over SIGTERM and
/// SIGINT, and installs the process's subscriber of log lines.
#[must_use]
pub fn main<D: Daemon>() -> ExitCode {
    let command_line = match CommandLine::parse(D::NAME, D::ABOUT, std::env::args_os()) {
        Ok(command_line) => command_line,
        Err(word) => {
            // Nobody is left to tell when this fails.
            let _ = word.print();
            return if word.use_stderr() { exit::CONFIGURATION } else { exit::STOPPED }.into();
        }
    };
    let environment: Vec<_> = std::env::vars_os().collect();
    let config = Config::gather(&command_line, &environment, Path::new(""));
    let outcome = match command_line.task {
        Task::Run => Plan::read(config, D::UPSTREAM).map(|(plan, _)| {
            let terminal = Terminal::find(plan.log.format, output(&plan), &environment);
            work::<D>(plan, &terminal)
        }),
        Task::Check => Plan::read(config, D::UPSTREAM).map(|(_, effective)| show(&effective)),
        Task::Healthcheck => Whereabouts::read(config).map(|found| healthcheck(&found)),
        Task::Cursor(command) => StorePlan::read(config).map(|plan| do_with_cursor::<D>(command, plan)),
        Task::Incidents(asked) => Whereabouts::read(config)
            .map(|found| tell::<D>(asked, Audience::find(asked.form, &environment), &found.state)),
        Task::Tail(tail) => Whereabouts::read(config)
            .map(|found| show_log::<D>(tail, Audience::find(tail.form, &environment), found.state)),
    };
    outcome.unwrap_or_else(|error| refuse_settings::<D>(&error))
}

fn refuse_settings<D: Daemon>(error: &SettingsError) -> ExitCode {
    let problems: Vec<_> = error.problems.iter().map(|problem| format!("  {problem}")).collect();
    complain(&format!("{}: the settings are not sound:\n{}", D::NAME, problems.join("\n")));
    exit::CONFIGURATION.into()
}

fn show(effective: &Effective) -> ExitCode {
    say(effective.to_string().trim_end());
    exit::STOPPED.into()
}

fn healthcheck(found: &Whereabouts) -> ExitCode {
    match briefly(healthcheck::ask(found.admin)).map_err(|error| error.to_string()).flatten() {
        Ok(line) => {
            say(&line);
            exit::STOPPED.into()
        }
        Err(line) => {
            complain(&line);
            exit::NOT_READY.into()
        }
    }
}

fn show_log<D: Daemon>(tail: Tail, audience: Audience, state: StateFolder) -> ExitCode {
    let shown = tail::show(tail, audience, state, D::STREAM, io::stdout().lock(), complain);
    match briefly(shown) {
        Ok(Ok(())) => exit::STOPPED.into(),
        Ok(Err(error)) => could_not_start::<D>(&error),
        Err(error) => could_not_start::<D>(&error),
    }
}

fn do_with_cursor<D: Daemon>(command: CursorCommand, plan: StorePlan) -> ExitCode {
    let names = (D::NAME, D::STREAM, D::FIELD);
    match briefly(cursor_command::run(command, plan, names, say)) {
        Ok(Ok(())) => exit::STOPPED.into(),
        Ok(Err(error)) => not_done::<D>(&error),
        Err(error) => not_done::<D>(&error),
    }
}

fn not_done<D: Daemon>(error: &(dyn Error + 'static)) -> ExitCode {
    complain(&format!("{}: nothing was changed: {}", D::NAME, chain(error)));
    exit::NOT_DONE.into()
}

fn tell<D: Daemon>(asked: Incidents, audience: Audience, state: &StateFolder) -> ExitCode {
    match incidents::show(asked.selection, audience, D::NAME, state, io::stdout().lock()) {
        Ok(()) => exit::STOPPED.into(),
        Err(error) => could_not_start::<D>(&error),
    }
}

/// Does something that needs no daemon around it.
fn briefly<T>(work: impl Future<Output = T>) -> io::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work))
}

fn work<D: Daemon>(plan: Plan, terminal: &Terminal) -> ExitCode {
    let deaths = Deaths::hold_back();
    match run_with::<D>(plan, terminal, deaths) {
        Ok(code) => code.into(),
        Err(error) => could_not_start::<D>(&error),
    }
}

fn run_with<D: Daemon>(plan: Plan, terminal: &Terminal, deaths: Deaths) -> Result<u8, StartError> {
    let telemetry = Telemetry::install(D::NAME, &plan, terminal)?;
    run::make_state_folder(&plan.state)?;
    let hosts: Vec<_> = D::hosts(&plan).iter().map(|host| host.name().to_owned()).collect();
    let (journal, copier) = Journal::open(D::NAME, &hosts, &plan);
    deaths.watch(journal.last_word());
    let last_export = plan.grace.mul_f32(EXPORTS_PART_OF_GRACE);
    let outcome = runtime().and_then(|runtime| {
        let code = runtime.block_on(run::run::<D>(plan, &telemetry, terminal, &journal, copier));
        runtime.shutdown_timeout(LINGERING_WORK);
        code
    });
    journal.farewell(&outcome);
    journal.flush();
    telemetry.close(last_export);
    outcome
}

fn could_not_start<D: Daemon>(error: &(dyn Error + 'static)) -> ExitCode {
    complain(&format!("{}: could not start: {}", D::NAME, chain(error)));
    exit::COULD_NOT_START.into()
}

/// Where log lines go: not where entries go.
fn output(plan: &Plan) -> Output {
    match plan.sink {
        SinkPlan::Stdout => Output::Stderr,
        SinkPlan::Redis(_) | SinkPlan::Log(_) => Output::Stdout,
    }
}

fn runtime() -> Result<Runtime, StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("standpipe").enable_all().build();
    runtime.map_err(StartError::Process)
}

/// A line for whoever called. Nobody is left to tell when it cannot be written.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
