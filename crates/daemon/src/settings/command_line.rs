mod cursor;
mod form;
mod incidents;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches};

use super::Preset;
use super::keys::KEYS;
use crate::{CursorCommand, Incidents, Tail, TailFrom};

/// What a daemon was told on its command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// What to do.
    pub task: Task,
    /// The settings file that was named.
    pub config: Option<PathBuf>,
    /// Settings, by their path.
    pub flags: Vec<(&'static str, String)>,
}

/// What a daemon is asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Its work.
    #[default]
    Run,
    /// To look at its settings and show them.
    Check,
    /// To ask the daemon that runs with these settings whether it is ready.
    Healthcheck,
    /// To tell what the incident log of these settings has.
    Incidents(Incidents),
    /// To show the embedded log of these settings.
    Tail(Tail),
    /// To show or change the stored cursor of a host.
    Cursor(CursorCommand),
}

impl CommandLine {
    /// Understands the arguments, the first of which is the program's own name.
    ///
    /// # Errors
    ///
    /// Clap's word, which is also how help and version come: [`clap::Error::use_stderr`] tells them apart.
    pub fn parse(
        name: &'static str,
        about: &'static str,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, clap::Error> {
        let matches = command(name, about).try_get_matches_from(arguments)?;
        Ok(Self::of(&matches))
    }

    fn of(matches: &ArgMatches) -> Self {
        let task = match matches.subcommand() {
            Some(("incidents", matches)) => Task::Incidents(incidents::asked_by(matches)),
            Some(("tail", matches)) => Task::Tail(tail_of(matches)),
            Some(("cursor", matches)) => cursor::command_of(matches).map_or(Task::Run, Task::Cursor),
            Some(_) => Task::Healthcheck,
            None if matches.get_flag("check") => Task::Check,
            None => Task::Run,
        };
        let text = |key: &super::Key| matches.get_one::<String>(key.path).cloned();
        let flags = KEYS.iter().filter_map(|key| Some((key.path, text(key)?))).collect();
        Self { task, config: matches.get_one::<PathBuf>("config").cloned(), flags }
    }
}

impl fmt::Debug for CommandLine {
    /// Shows no flag's value, since one may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags: Vec<_> = self.flags.iter().map(|(path, _)| path).collect();
        f.debug_struct("CommandLine")
            .field("task", &self.task)
            .field("config", &self.config)
            .field("flags", &flags)
            .finish()
    }
}

fn command(name: &'static str, about: &'static str) -> clap::Command {
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("The settings file [default: standpipe.toml, where there is one]");
    let check = Arg::new("check")
        .long("check")
        .action(ArgAction::SetTrue)
        .help("Check the settings, show what holds and where it was written, and leave");
    let settings = KEYS
        .iter()
        .map(|key| Arg::new(key.path).long(key.flag()).value_name(key.takes).global(true).help(help(key)));
    clap::Command::new(name)
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .arg(config)
        .arg(check)
        .args(settings)
        .subcommand(
            clap::Command::new("healthcheck")
                .about("Ask the daemon that runs with these settings whether it is ready"),
        )
        .subcommand(incidents::command())
        .subcommand(tail())
        .subcommand(cursor::command())
}

fn tail() -> clap::Command {
    let from = Arg::new("from")
        .long("from")
        .value_name("oldest|newest|INDEX")
        .value_parser(parse_from)
        .help("Where to begin [default: oldest; newest with --follow]");
    let follow = Arg::new("follow")
        .long("follow")
        .short('f')
        .action(ArgAction::SetTrue)
        .help("Wait for what comes after the end");
    clap::Command::new("tail")
        .about(
            "Show the entries of the embedded log, while a daemon writes it or after",
        )
        .args([from, follow])
        .args(form::arguments(
            "A line for people, no longer than the terminal is wide, and a summary at the end [default on a terminal]",
            "Entries as they stand in the log, one JSON object a line [default elsewhere]",
        ))
}

fn tail_of(matches: &ArgMatches) -> Tail {
    let follow = matches.get_flag("follow");
    let unsaid = if follow { TailFrom::Newest } else { TailFrom::Oldest };
    Tail { from: matches.get_one("from").copied().unwrap_or(unsaid), follow, form: form::asked_by(matches) }
}

fn parse_from(text: &str) -> Result<TailFrom, &'static str> {
    match text {
        "oldest" => Ok(TailFrom::Oldest),
        "newest" => Ok(TailFrom::Newest),
        index => {
            index.parse().map(TailFrom::Index).map_err(|_| "write oldest, newest or the number of an entry")
        }
    }
}

fn help(key: &super::Key) -> String {
    let meaning = key.meaning.replace('`', "");
    let default = match key.default {
        Preset::Is(text) => format!(" [default: {text}]"),
        Preset::Follows(text) => format!(" [default: {}]", text.replace('`', "")),
        Preset::Absent => String::new(),
    };
    format!("{meaning}{default} [env: {}]", key.variable())
}
