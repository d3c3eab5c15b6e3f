//! What of a run outlives the process: the incident log, fed and closed.

mod copier;
mod recent;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
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
/// How long its last line may take.
const LAST_LINE: Duration = Duration::from_millis(100);

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
    last_run: &'static str,
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
    pub(crate) fn open(daemon: &'static str, hosts: &[String], plan: &Plan) -> (Arc<Self>, Copier) {
        let redis = match &plan.sink {
            SinkPlan::Redis(redis) => Some(redis),
            SinkPlan::Log(_) | SinkPlan::Stdout => None,
        };
        let (intake, copier) = copier::channel(redis);
        let recent = Recent::recalled(&folder(&plan.state), daemon);
        let settings =
            LogSettings { bytes: plan.incidents_bytes, ..LogSettings::new(folder(&plan.state), daemon) };
        let (to_copy, to_show) = (intake.clone(), recent.clone());
        let copy = move |line: &str| {
            to_show.take(line);
            to_copy.offer(line);
        };
        let (log, started) = IncidentLog::open(settings, env!("CARGO_PKG_VERSION"), hosts, copy);
        tell(&started);
        let last_run = started.last_run.ending.as_str();
        (Arc::new(Self { log, recent, copies: intake, last_run, known: Mutex::default() }), copier)
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
            // Nobody may read the lines, and then writing one never ends.
            let (said, is_said) = mpsc::channel();
            let line = move || {
                tracing::error!(signal, "ended by a signal");
                said.send(())
            };
            if thread::Builder::new().spawn(line).is_ok() {
                let _ = is_said.recv_timeout(LAST_LINE);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Journal {
    /// A process that panics outside of its children says so at last.
    fn drop(&mut self) {
        if thread::panicking() {
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

    fn moved(&self, host: &Arc<str>, from: &str, to: &str) {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.log.record(What::Moved { host: host.to_string(), from, to });
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

    fn last_run(&self) -> Option<&'static str> {
        Some(self.last_run)
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

#[cfg(test)]
mod tests {
    use standpipe_incidents::{Kept, RunEnded};
    use standpipe_supervisor::{Ending, Observer, State};
    use tempfile::TempDir;

    use super::*;

    fn journal() -> (TempDir, Arc<Journal>) {
        let folder = tempfile::tempdir().unwrap();
        let settings = LogSettings::new(folder.path(), "firehose");
        let (log, started) = IncidentLog::open(settings, "1.0.0", &[], |_| {});
        let (copies, _) = copier::channel(None);
        let last_run = started.last_run.ending.as_str();
        let journal = Journal { log, recent: Recent::default(), copies, last_run, known: Mutex::default() };
        (folder, Arc::new(journal))
    }

    fn kept(folder: &TempDir, journal: &Journal) -> Vec<What> {
        journal.flush();
        let kept = Kept::read(folder.path(), "firehose").unwrap();
        kept.records.into_iter().map(|record| record.incident.what).collect()
    }

    fn report(ordinal: u64, verdict: Verdict) -> Arc<ExitReport> {
        Arc::new(ExitReport {
            child: "relay.example".into(),
            host: Some("relay.example".into()),
            incarnation: ordinal,
            ordinal,
            ran_for: Duration::ZERO,
            state: State::Starting,
            ending: Ending::Failed { error: "refused".into() },
            last_seq: None,
            last_event_time: None,
            events: 0,
            bytes: 0,
            verdict,
        })
    }

    #[track_caller]
    fn check(before: impl FnOnce(&Arc<Journal>), outcome: &Result<u8, StartError>, expected: &Farewell) {
        let (folder, journal) = journal();
        before(&journal);
        journal.farewell(outcome);
        journal.farewell(&Ok(exit::STOPPED));
        let Some(What::RunEnded(RunEnded { farewell, .. })) = kept(&folder, &journal).pop() else {
            panic!("there is no farewell")
        };
        assert_eq!(farewell, *expected);
    }

    #[test]
    fn i9_every_way_out_has_its_farewell() {
        let clean = |reason: Option<&str>| Farewell::Clean { reason: reason.map(str::to_owned) };
        check(|_| {}, &Ok(exit::STOPPED), &clean(None));
        let asked_twice = |journal: &Arc<Journal>| {
            journal.asked_by("SIGTERM");
            journal.asked_by("SIGINT");
        };
        check(asked_twice, &Ok(exit::STOPPED), &clean(Some("SIGTERM")));
        let gave_up = |journal: &Arc<Journal>| Exits(Arc::clone(journal)).exited(&report(1, Verdict::GaveUp));
        let cause = "relay.example gave up: failed: refused".to_owned();
        check(gave_up, &Ok(exit::GAVE_UP), &Farewell::Fatal { cause, code: 70 });
        let cause = "set up the process: no more threads".to_owned();
        let error = StartError::Process(std::io::Error::other("no more threads"));
        check(|_| {}, &Err(error), &Farewell::Fatal { cause, code: 71 });
        let signal = |journal: &Arc<Journal>| journal.last_word()("SIGSEGV");
        check(signal, &Ok(exit::STOPPED), &Farewell::Signal { signal: "SIGSEGV".to_owned() });
    }

    #[test]
    fn i9_a_panic_outside_of_the_children_says_so() {
        let (folder, journal) = journal();
        let log = journal.log.clone();
        let panicked = thread::spawn(move || {
            let _journal = journal;
            panic!("a contradiction");
        });
        assert!(panicked.join().is_err());
        assert!(log.flush(LAST_RECORDS));
        let kept = Kept::read(folder.path(), "firehose").unwrap();
        let last = kept.records.last().unwrap();
        assert!(last.line.contains(r#""how":"fatal""#) && last.line.contains("101"), "{}", last.line);
    }

    #[test]
    fn a_child_that_fails_too_often_is_told_once_each_time() {
        let (folder, journal) = journal();
        let exits = Exits(Arc::clone(&journal));
        let after = Duration::from_secs(1);
        let (over, sound) = (Verdict::RestartAtCap { after }, Verdict::Restart { after });
        for (ordinal, verdict) in (1..).zip([over, over, sound, over]) {
            exits.exited(&report(ordinal, verdict));
        }
        let told =
            kept(&folder, &journal).into_iter().filter(|what| matches!(what, What::OverIntensity { .. }));
        assert_eq!(told.count(), 2);
    }
}
