//! What of a run outlives the process: the incident log, fed and closed.

mod copier;
mod recent;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use standpipe_incidents::{Farewell, IncidentLog, LastRun, LogSettings, RunStarted, What};
use standpipe_log_sink::StateFolder;
use standpipe_supervisor::{ExitReport, Heartbeat, Verdict, chain};

use crate::chronicle::Chronicle;
use crate::gaps::Gap;
use crate::settings::{Plan, SinkPlan};
use crate::{StartError, exit};

pub(crate) use copier::Copier;
use copier::Intake;
use recent::Recent;

/// How long the last records may take to reach the disk.
const LAST_RECORDS: Duration = Duration::from_secs(2);
/// The same for a process that is about to die of a signal.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Where a state folder keeps its incidents.
pub(crate) fn folder(state: &StateFolder) -> PathBuf {
    state.path().join("incidents")
}

/// The journal of one run. Nothing of it ever waits but its end.
#[derive(Debug)]
pub(crate) struct Journal {
    log: IncidentLog,
    recent: Recent,
    copies: Intake,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    over_intensity: HashSet<Arc<str>>,
    given_up: Option<String>,
    asked_by: Option<&'static str>,
}

impl Journal {
    /// Opens the log, writes that the run began, and tells how the last one ended. What is to be copied elsewhere
    /// comes out of the copier.
    pub(crate) fn open(daemon: &'static str, plan: &Plan) -> (Arc<Self>, Copier) {
        let redis = match &plan.sink {
            SinkPlan::Redis(redis) => Some(redis),
            SinkPlan::Log(_) | SinkPlan::Stdout => None,
        };
        let (intake, copier) = copier::channel(redis);
        let recent = Recent::default();
        let settings =
            LogSettings { bytes: plan.incidents_bytes, ..LogSettings::new(folder(&plan.state), daemon) };
        let hosts: Vec<_> = plan.hosts.iter().map(|host| host.name().to_owned()).collect();
        let (to_copy, to_show) = (intake.clone(), recent.clone());
        let copy = move |line: &str| {
            to_show.take(line);
            to_copy.offer(line);
        };
        let (log, started) = IncidentLog::open(settings, env!("CARGO_PKG_VERSION"), &hosts, copy);
        tell(&started);
        (Arc::new(Self { log, recent, copies: intake, known: Mutex::default() }), copier)
    }

    /// The name of this run.
    pub(crate) fn run(&self) -> &str {
        self.log.run()
    }

    /// A signal asked the process to stop; the first is who asked.
    pub(crate) fn asked_by(&self, signal: &'static str) {
        self.known().asked_by.get_or_insert(signal);
    }

    /// Says how the run ends. Only the first farewell counts.
    pub(crate) fn farewell(&self, outcome: &Result<u8, StartError>) {
        let Known { given_up, asked_by, .. } = &*self.known();
        let farewell = match outcome {
            Ok(exit::STOPPED) => Farewell::Clean { reason: asked_by.map(str::to_owned) },
            Ok(code) => {
                let cause = given_up.clone().unwrap_or_else(|| "it gave up".to_owned());
                Farewell::Fatal { cause, code: *code }
            }
            Err(error) => Farewell::Fatal { cause: chain(error), code: exit::COULD_NOT_START },
        };
        self.log.say_farewell(farewell);
    }

    /// Waits a little until everything is on the disk.
    pub(crate) fn flush(&self) {
        if !self.log.flush(LAST_RECORDS) {
            tracing::warn!("the last incidents did not reach the disk in time");
        }
    }

    /// What a process says that dies of a signal: its name. Waits a little until that is on the disk.
    pub(crate) fn last_word(&self) -> impl Fn(&'static str) + Send + 'static {
        let log = self.log.clone();
        move |signal| {
            log.say_farewell(Farewell::Signal { signal: signal.to_owned() });
            let _ = log.flush(LAST_WORD);
            tracing::error!(signal, "ended by a signal");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    /// A process that panics outside of its children says so at last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let cause = "the process panicked outside of its children; its log has the place".to_owned();
            self.log.say_farewell(Farewell::Fatal { cause, code: exit::PANICKED });
            let _ = self.log.flush(LAST_WORD);
        }
    }
}

/// Writes down what the supervisor has to tell.
pub(crate) struct Exits(pub(crate) Arc<Journal>);

impl standpipe_supervisor::Observer for Exits {
    fn exited(&self, report: &Arc<ExitReport>) {
        let Self(journal) = self;
        journal.log.record(report);
        let mut known = journal.known();
        match report.verdict {
            Verdict::RestartAtCap { .. } => {
                if known.over_intensity.insert(Arc::clone(&report.child)) {
                    let (child, host) = (report.child.to_string(), report.host.as_deref().map(str::to_owned));
                    journal.log.record(What::OverIntensity { child, host });
                }
            }
            Verdict::Restart { .. } => {
                known.over_intensity.remove(&report.child);
            }
            Verdict::GaveUp => {
                known.given_up.get_or_insert_with(|| format!("{} gave up: {}", report.child, report.ending));
            }
            Verdict::Finished | Verdict::Stopped => {}
        }
    }

    fn heartbeat(&self, _: &Heartbeat) {
        self.0.log.breathe();
    }
}

impl Chronicle for Journal {
    fn held(&self, host: &Arc<str>, cause: &str, last_seq: Option<u64>) {
        self.log.record(What::Held { host: host.to_string(), cause: Some(cause.to_owned()), last_seq });
    }

    fn released(&self, host: &Arc<str>) {
        self.log.record(What::Released { host: host.to_string() });
    }

    fn gap(&self, host: &Arc<str>, gap: &Gap) {
        self.log.record(What::Gap {
            host: host.to_string(),
            reason: gap.reason.to_owned(),
            from: gap.from,
            from_time: gap.from_time.map(|time| time.to_string()),
            to: gap.to,
            to_time: gap.to_time.map(|time| time.to_string()),
        });
    }

    fn recent(&self) -> Vec<Value> {
        self.recent.newest_first()
    }

    fn written(&self) -> u64 {
        self.log.written()
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        let copies = ("copy", self.copies.dropped());
        self.log.lost().into_iter().chain([copies]).collect()
    }
}

/// Tells how the last run ended: in the INFO line of an ordinary start, or in a WARN line.
fn tell(started: &RunStarted) {
    let RunStarted { last_run, restarts_last_hour, restarts_last_day, oom_kills, .. } = started;
    let LastRun { run, ending, uptime_ms, seen_at } = last_run;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                last_run = run,
                how = ending.as_str(),
                uptime_ms,
                seen_at = seen_at.as_ref().map(tracing::field::display::<&Timestamp>),
                restarts_last_hour,
                restarts_last_day,
                oom_kills,
                what = %ending,
                "how the last run ended"
            )
        };
    }
    if ending.is_in_order() { line!(info) } else { line!(warn) }
}
