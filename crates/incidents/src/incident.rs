use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use standpipe_supervisor::{Ending, ExitReport};

use crate::{Farewell, LastRun};

/// The most bytes of one backtrace that are kept.
pub const BACKTRACE_BYTES: usize = 16 << 10;
/// The most bytes of one other text that are kept, such as a cause.
pub const TEXT_BYTES: usize = 4 << 10;
/// The most hosts that a run names; the number of all is kept besides.
const HOSTS: usize = 64;

/// One record of the log: something that happened, and when, and in which run.
///
/// As text it is one JSON object on one line, with the fields of [`What`] beside these:
/// `{"at":"2026-03-01T06:57:29.000125Z","run":"…","daemon":"firehose","kind":"child_ended",…}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When it happened, by this machine's clock.
    pub at: Timestamp,
    /// The run that it happened in: one life of the process.
    pub run: String,
    /// The program.
    pub daemon: String,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. Fields that have nothing to say are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum What {
    /// The process began.
    RunStarted(RunStarted),
    /// One incarnation of a child ended.
    ChildEnded(Box<ChildEnded>),
    /// A host waits for an operator's decision.
    Held {
        /// The host.
        host: String,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
        /// The last seq that is known of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seq: Option<u64>,
    },
    /// A held host goes on.
    Released {
        /// The host.
        host: String,
    },
    /// A host is at another place.
    Moved {
        /// The host.
        host: String,
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
    /// Events of a host are missing.
    Gap {
        /// The host.
        host: String,
        /// How it was noticed.
        reason: String,
        /// The last seq before it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<u64>,
        /// The time of an event shortly before it, as the host wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from_time: Option<String>,
        /// The first seq after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<u64>,
        /// The time of the event after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to_time: Option<String>,
    },
    /// A child fails more often than its intensity allows.
    OverIntensity {
        /// The child.
        child: String,
        /// The host that it speaks with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// Records that could not be kept.
    Omitted {
        /// How many.
        records: u64,
        /// `queue` when they came faster than the disk took them, `disk` when it refused them.
        reason: String,
    },
    /// The process says farewell.
    RunEnded(RunEnded),
    /// Something that a newer version writes.
    #[serde(other)]
    Unknown,
}

/// The beginning of a run, and how the one before it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The process.
    pub pid: u32,
    /// The program's version.
    pub version: String,
    /// The hosts that it reads, the first 64 of them.
    pub hosts: Vec<String>,
    /// How many hosts it reads.
    pub hosts_total: u64,
    /// Which boot of the machine this is, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// How often the kernel killed for memory in this control group, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// How the run before ended.
    pub last_run: LastRun,
    /// How often the process was started again within the last hour, this time included.
    pub restarts_last_hour: u64,
    /// How often within the last 24 hours.
    pub restarts_last_day: u64,
}

/// One ending: the fields of [`ExitReport`], by the names that its log line has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildEnded {
    /// The child.
    pub child: String,
    /// The host that it speaks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Which life of this child ended, from 1.
    pub incarnation: u64,
    /// Which ending of this run it was, from 1.
    pub ordinal: u64,
    /// How long it ran.
    pub ran_for_ms: u64,
    /// What it was doing at last.
    pub state: String,
    /// How it ended: `finished`, `stopped`, `lost`, `failed`, `panicked`, `stalled`, `aborted` or a newer word.
    pub ending: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The spawned task that panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Where it panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// How it came there, cut to [`BACKTRACE_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backtrace: Option<String>,
    /// The last seq that it saw, in this life or an earlier one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
    /// The time that the last event carried, as the host wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_event_time: Option<String>,
    /// Events done in this life.
    pub events: u64,
    /// Bytes done in this life.
    pub bytes: u64,
    /// What followed: `restart`, `restart_at_cap`, `finished`, `stopped` or `gave_up`.
    pub verdict: String,
    /// After which wait it was to be started again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart_in_ms: Option<u64>,
}

/// The end of a run, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    /// How it ended.
    #[serde(flatten)]
    pub farewell: Farewell,
    /// How long the process ran.
    pub uptime_ms: u64,
}

impl RunStarted {
    /// Names the hosts, as many as a record may.
    pub(crate) fn name_hosts(hosts: &[String]) -> (Vec<String>, u64) {
        let named = hosts.iter().take(HOSTS).map(|host| cut(host, TEXT_BYTES)).collect();
        (named, hosts.len() as u64)
    }
}

impl From<&ExitReport> for ChildEnded {
    fn from(report: &ExitReport) -> Self {
        let mut told = Self {
            child: cut(&report.child, TEXT_BYTES),
            host: report.host.as_deref().map(|host| cut(host, TEXT_BYTES)),
            incarnation: report.incarnation,
            ordinal: report.ordinal,
            ran_for_ms: millis(report.ran_for),
            state: report.state.as_str().to_owned(),
            ending: report.ending.kind().to_owned(),
            cause: report.ending.cause().map(|cause| cut(&cause, TEXT_BYTES)),
            task: None,
            place: None,
            backtrace: None,
            last_seq: report.last_seq,
            last_event_time: report.last_event_time.map(|time| time.to_string()),
            events: report.events,
            bytes: report.bytes,
            verdict: report.verdict.as_str().to_owned(),
            restart_in_ms: report.verdict.restart_in().map(millis),
        };
        if let Ending::Panicked { task, message: _, place, backtrace } = &report.ending {
            told.task = task.as_deref().map(|task| cut(task, TEXT_BYTES));
            told.place = place.as_ref().map(ToString::to_string);
            told.backtrace = backtrace.as_ref().map(|backtrace| cut(&backtrace.to_string(), BACKTRACE_BYTES));
        }
        told
    }
}

impl From<&Arc<ExitReport>> for What {
    fn from(report: &Arc<ExitReport>) -> Self {
        Self::ChildEnded(Box::new(report.as_ref().into()))
    }
}

/// The text, or as many of its first whole characters as fit, marked as cut.
pub(crate) fn cut(text: &str, bytes: usize) -> String {
    const MARK: &str = " …";
    if text.len() <= bytes {
        return text.to_owned();
    }
    format!("{}{MARK}", &text[..text.floor_char_boundary(bytes.saturating_sub(MARK.len()))])
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RunEnding;

    fn incident(what: What) -> Incident {
        Incident {
            at: "2026-03-01T06:57:29.000125Z".parse().unwrap(),
            run: "20260301T065700.000Z-7".to_owned(),
            daemon: "firehose".to_owned(),
            what,
        }
    }

    #[track_caller]
    fn check(what: What, rest: &str) {
        let expected = format!(
            r#"{{"at":"2026-03-01T06:57:29.000125Z","run":"20260301T065700.000Z-7","daemon":"firehose",{rest}}}"#
        );
        let incident = incident(what);
        assert_eq!(serde_json::to_string(&incident).unwrap(), expected);
        assert_eq!(serde_json::from_str::<Incident>(&expected).unwrap(), incident);
    }

    #[test]
    fn every_kind_of_record_comes_back_from_its_line() {
        let report = ChildEnded {
            child: "relay.example".to_owned(),
            host: Some("relay.example".to_owned()),
            incarnation: 2,
            ordinal: 3,
            ran_for_ms: 29_000,
            state: "streaming".to_owned(),
            ending: "panicked".to_owned(),
            cause: Some("a contradiction\nof ours".to_owned()),
            task: Some("decode".to_owned()),
            place: Some("src/a.rs:1:2".to_owned()),
            backtrace: Some("0: main".to_owned()),
            last_seq: Some(u64::MAX),
            last_event_time: Some("2026-03-01T06:57:28.000000Z".to_owned()),
            events: 5,
            bytes: 6,
            verdict: "restart".to_owned(),
            restart_in_ms: Some(700),
        };
        let line = concat!(
            r#""kind":"child_ended","child":"relay.example","host":"relay.example","incarnation":2,"ordinal":3,"#,
            r#""ran_for_ms":29000,"state":"streaming","ending":"panicked","cause":"a contradiction\nof ours","#,
            r#""task":"decode","place":"src/a.rs:1:2","backtrace":"0: main","last_seq":18446744073709551615,"#,
            r#""last_event_time":"2026-03-01T06:57:28.000000Z","events":5,"bytes":6,"verdict":"restart","#,
            r#""restart_in_ms":700"#
        );
        check(What::ChildEnded(Box::new(report)), line);
        let started = RunStarted {
            pid: 7,
            version: "0.1.0".to_owned(),
            hosts: vec!["relay.example".to_owned()],
            hosts_total: 1,
            boot_id: None,
            oom_kills: Some(1),
            last_run: LastRun {
                run: Some("before".to_owned()),
                ending: RunEnding::OutOfMemory { kills: 1, on_machine: false },
                uptime_ms: Some(9),
                seen_at: None,
            },
            restarts_last_hour: 1,
            restarts_last_day: 2,
        };
        let line = concat!(
            r#""kind":"run_started","pid":7,"version":"0.1.0","hosts":["relay.example"],"hosts_total":1,"#,
            r#""oom_kills":1,"last_run":{"run":"before","how":"out_of_memory","kills":1,"uptime_ms":9},"#,
            r#""restarts_last_hour":1,"restarts_last_day":2"#
        );
        check(What::RunStarted(started), line);
        let held = What::Held { host: "a".to_owned(), cause: None, last_seq: Some(4) };
        check(held, r#""kind":"held","host":"a","last_seq":4"#);
        check(What::Released { host: "a".to_owned() }, r#""kind":"released","host":"a""#);
        let moved =
            What::Moved { host: "a".to_owned(), from: "https://b".to_owned(), to: "https://c".to_owned() };
        check(moved, r#""kind":"moved","host":"a","from":"https://b","to":"https://c""#);
        let gap = What::Gap {
            host: "a".to_owned(),
            reason: "outdated_cursor".to_owned(),
            from: Some(1),
            from_time: None,
            to: Some(9),
            to_time: Some("2026-03-01T06:57:28Z".to_owned()),
        };
        let line = concat!(
            r#""kind":"gap","host":"a","reason":"outdated_cursor","from":1,"to":9,"#,
            r#""to_time":"2026-03-01T06:57:28Z""#
        );
        check(gap, line);
        let over = What::OverIntensity { child: "a".to_owned(), host: None };
        check(over, r#""kind":"over_intensity","child":"a""#);
        let omitted = What::Omitted { records: 3, reason: "queue".to_owned() };
        check(omitted, r#""kind":"omitted","records":3,"reason":"queue""#);
        let signal = Farewell::Signal { signal: "SIGSEGV".to_owned() };
        let ended = RunEnded { farewell: signal, uptime_ms: 5 };
        check(What::RunEnded(ended), r#""kind":"run_ended","how":"signal","signal":"SIGSEGV","uptime_ms":5"#);
        let fatal = Farewell::Fatal { cause: "no port".to_owned(), code: 71 };
        check(
            What::RunEnded(RunEnded { farewell: fatal, uptime_ms: 5 }),
            r#""kind":"run_ended","how":"fatal","cause":"no port","code":71,"uptime_ms":5"#,
        );
    }

    #[test]
    fn what_a_newer_version_writes_is_read_and_passed_over() {
        let line = r#"{"at":"2026-03-01T06:57:29Z","run":"r","daemon":"d","kind":"moved_house","to":[1,{}]}"#;
        assert_eq!(serde_json::from_str::<Incident>(line).unwrap().what, What::Unknown);
        let line =
            r#"{"at":"2026-03-01T06:57:29Z","run":"r","daemon":"d","kind":"released","host":"a","by":"me"}"#;
        let released = What::Released { host: "a".to_owned() };
        assert_eq!(serde_json::from_str::<Incident>(line).unwrap().what, released);
        let line = r#"{"at":"2026-03-01T06:57:29Z","run":"r","daemon":"d","kind":"run_ended","how":"melted","uptime_ms":1}"#;
        let melted = What::RunEnded(RunEnded { farewell: Farewell::Unknown, uptime_ms: 1 });
        assert_eq!(serde_json::from_str::<Incident>(line).unwrap().what, melted);
    }

    #[test]
    fn i7_a_long_text_is_cut_between_characters() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("äöüäöü", 8), "äö …");
        assert!(cut(&"ü".repeat(BACKTRACE_BYTES), BACKTRACE_BYTES).len() <= BACKTRACE_BYTES);
    }
}
