//! The page that tells everything that is known of a daemon: `/status`.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use standpipe_supervisor::{ChildStatus, ExitReport, Phase};
use tokio::time::Instant;

use crate::chronicle::Chronicle;
use crate::enumeration::Shown;
use crate::found::FoundHosts;
use crate::gaps::Gap;
use crate::health::HostHealth;
use crate::heartbeat::millis;
use crate::ledger::{Hold, HostLedger, NamedHosts};
use crate::metrics::Watched;
use crate::page::Rates;
use crate::probes::Look;
use crate::settings::{Effective, Setting};

/// How many of the last incidents are on the page.
const INCIDENTS: usize = 20;

/// What does not change while the daemon runs.
#[derive(Clone, Debug)]
pub struct About {
    began: Timestamp,
    clock: Instant,
    sink: &'static str,
    low_water: Option<u64>,
    run: Option<String>,
    settings: Effective,
}

impl About {
    /// A daemon that begins now and writes to this kind of sink. `low_water` is where delivery goes on after a wait.
    #[must_use]
    pub fn new(sink: &'static str, low_water: Option<u64>, settings: Effective) -> Self {
        Self { began: Timestamp::now(), clock: Instant::now(), sink, low_water, run: None, settings }
    }

    /// The same, with the name under which the incident log knows this run.
    #[must_use]
    pub fn run(self, run: impl Into<String>) -> Self {
        Self { run: Some(run.into()), ..self }
    }
}

/// The page. Every field is always there; what is not known, or does not apply, is `null`.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    daemon: &'static str,
    build: Build,
    run: Option<String>,
    started_at: String,
    uptime_ms: u64,
    ready: bool,
    reason: Option<String>,
    sink: Sink,
    found_hosts: Option<FoundHosts>,
    hosts: Vec<Host>,
    recent_incidents: Vec<Value>,
    settings: Vec<ShownSetting>,
}

#[derive(Debug, Serialize)]
struct Build {
    version: &'static str,
    revision: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct ShownSetting {
    key: &'static str,
    value: Option<String>,
    place: String,
}

#[derive(Debug, Serialize)]
struct Sink {
    kind: &'static str,
    stream: &'static str,
    entries: Option<u64>,
    high_water: Option<u64>,
    low_water: Option<u64>,
    answers: Option<bool>,
    trouble: Option<String>,
    heard_at: Option<String>,
    last_delivery: Option<LastDelivery>,
}

#[derive(Debug, Serialize)]
struct LastDelivery {
    host: String,
    at: String,
    took_ms: f64,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names of the page")]
struct Host {
    host: String,
    endpoint: Option<String>,
    ready: bool,
    found: bool,
    reason: Option<String>,
    state: &'static str,
    state_for_ms: Option<u64>,
    waiting_for: Option<&'static str>,
    restart_in_ms: Option<u64>,
    cursor: Option<String>,
    last_seq: Option<u64>,
    event_time: Option<String>,
    lag_ms: Option<i64>,
    since_delivery_ms: Option<u64>,
    since_sign_ms: Option<u64>,
    events: u64,
    events_per_second: Option<f64>,
    bytes: u64,
    frames: u64,
    bytes_in_flight: u64,
    connected_since: Option<String>,
    connections: u64,
    incarnation: u64,
    restarts: u64,
    restarts_last_hour: u64,
    standing: &'static str,
    hold: Option<Hold>,
    gaps: Vec<Gap>,
    gaps_owed: usize,
    enumeration: Option<Shown>,
    named_hosts: Option<NamedHosts>,
    last_look: Option<Look>,
    last_exit: Option<LastExit>,
}

#[derive(Debug, Serialize)]
struct LastExit {
    ordinal: u64,
    incarnation: u64,
    ending: &'static str,
    cause: Option<String>,
    state: &'static str,
    ran_for_ms: u64,
    last_seq: Option<u64>,
    verdict: &'static str,
    at: Option<String>,
}

impl Status {
    pub(crate) fn of(about: &About, watched: &Watched, rates: &Rates) -> Self {
        let (health, found_hosts) = (watched.health(), FoundHosts::of(watched));
        let children = watched.supervisor.get().map(|handle| handle.status().children).unwrap_or_default();
        let ledgers = watched.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let children: HashMap<_, _> =
            children.iter().filter_map(|child| Some((&**child.host.as_ref()?, child))).collect();
        let healths: HashMap<_, _> = health.hosts.iter().map(|host| (host.host.as_str(), host)).collect();
        let hosts = ledgers.iter().filter_map(|ledger| {
            let name = &**ledger.host();
            let host = Host::of(children.get(name)?, healths.get(name)?, ledger);
            Some(Host { events_per_second: rates.of(name), ..host })
        });
        Self {
            daemon: watched.daemon,
            build: Build { version: env!("CARGO_PKG_VERSION"), revision: option_env!("STANDPIPE_REVISION") },
            run: about.run.clone(),
            started_at: about.began.to_string(),
            uptime_ms: millis(about.clock.elapsed()),
            ready: health.ready,
            reason: health.reason.clone(),
            sink: Sink::of(about, watched),
            found_hosts,
            hosts: hosts.collect(),
            recent_incidents: watched.chronicle.get().map(Chronicle::recent).map_or_else(Vec::new, newest),
            settings: about.settings.settings().iter().map(ShownSetting::of).collect(),
        }
    }
}

/// The first of them.
fn newest(mut records: Vec<Value>) -> Vec<Value> {
    records.truncate(INCIDENTS);
    records
}

impl ShownSetting {
    fn of(setting: &Setting) -> Self {
        Self { key: setting.path, value: setting.value.clone(), place: setting.place.clone() }
    }
}

impl Sink {
    fn of(about: &About, watched: &Watched) -> Self {
        let known = watched.length.condition();
        Self {
            kind: about.sink,
            stream: watched.stream,
            entries: known.backlog,
            high_water: watched.high_water,
            low_water: about.low_water,
            answers: known.heard_at.map(|_| known.trouble.is_none()),
            trouble: known.trouble,
            heard_at: known.heard_at.map(|at| at.to_string()),
            last_delivery: known.last_delivery.map(|delivery| LastDelivery {
                host: delivery.host.to_string(),
                at: delivery.at.to_string(),
                took_ms: delivery.took.as_secs_f64() * 1_000.0,
            }),
        }
    }
}

impl Host {
    fn of(child: &ChildStatus, health: &HostHealth, ledger: &HostLedger) -> Self {
        let condition = ledger.condition();
        let (state_for, waiting_for, restart_in) = match child.phase {
            Phase::Running { state_for, waiting_for, .. } => (Some(state_for), Some(waiting_for), None),
            Phase::BackingOff { restart_in } => (None, None, Some(restart_in)),
            Phase::NotStarted | Phase::Ended { .. } => (None, None, None),
        };
        let last_exit_at = condition.last_exit_at.map(|at| at.to_string());
        Self {
            host: health.host.clone(),
            endpoint: condition.endpoint.clone(),
            ready: health.ready,
            found: health.found,
            reason: health.reason.clone(),
            state: health.state,
            state_for_ms: state_for.map(millis),
            waiting_for,
            restart_in_ms: restart_in.map(millis),
            cursor: health.cursor.clone(),
            last_seq: child.last_seq,
            event_time: condition.event_time.map(|time| time.to_string()),
            lag_ms: condition.lag_ms(),
            since_delivery_ms: condition.delivered_at.map(|at| millis(at.elapsed())),
            since_sign_ms: condition.sign_at.map(|at| millis(at.elapsed())),
            events: child.events,
            events_per_second: None,
            bytes: child.bytes,
            frames: ledger.frames.load(Relaxed),
            bytes_in_flight: ledger.bytes_in_flight.load(Relaxed),
            connected_since: condition.connected_since.map(|since| since.to_string()),
            connections: ledger.connections.load(Relaxed),
            incarnation: child.incarnation,
            restarts: child.restarts,
            restarts_last_hour: ledger.restarts_last_hour(),
            standing: child.standing.as_str(),
            hold: condition.hold,
            gaps: ledger.gaps(),
            gaps_owed: ledger.gaps_owed(),
            enumeration: ledger.enumeration(),
            named_hosts: ledger.named(),
            last_look: condition.look,
            last_exit: child.last_exit.as_deref().map(|report| LastExit::of(report, last_exit_at)),
        }
    }
}

impl LastExit {
    fn of(report: &ExitReport, at: Option<String>) -> Self {
        Self {
            ordinal: report.ordinal,
            incarnation: report.incarnation,
            ending: report.ending.kind(),
            cause: report.ending.cause(),
            state: report.state.as_str(),
            ran_for_ms: millis(report.ran_for),
            last_seq: report.last_seq,
            verdict: report.verdict.as_str(),
            at,
        }
    }
}
