use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use standpipe_supervisor::{ChildStatus, Ending, Handle, Phase, Standing, State, Verdict};
use tokio::time::Instant;

use crate::ledger::{Condition, HostLedger, Link, Store};

/// How long a host may be away before that makes the daemon unready. Hosts close connections as they please, and are
/// back within seconds.
pub const AWAY_FOR: Duration = Duration::from_mins(1);

/// What makes a daemon unready besides trouble, where it is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadyLimits {
    /// The oldest that the last event of a host may be, by its own time. Off by default: a catch-up after a pause is
    /// no fault, and neither is a host that says nothing.
    pub max_lag: Option<Duration>,
}

/// How a daemon is at one moment: what `/readyz` answers.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// Whether every host is.
    pub ready: bool,
    /// Why not, where it is no host's matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each host, in the order of the settings.
    pub hosts: Vec<HostHealth>,
}

/// How one host is.
#[derive(Clone, Debug, Serialize)]
pub struct HostHealth {
    /// Its canonical name.
    pub host: String,
    /// Whether it is being read, or is not for a good reason: the sink is full, or the host is held.
    pub ready: bool,
    /// Whether another host named it, and no settings. The daemon is ready without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub found: bool,
    /// What its child is doing, as in `standpipe_state`.
    pub state: &'static str,
    /// Why it is not ready, or why it is although nothing is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The seq behind which everything is in the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl Health {
    /// `trouble` is what a look at the sink came back with, when it did not answer.
    pub(crate) fn of(
        supervisor: Option<&Handle>,
        ledgers: &[Arc<HostLedger>],
        trouble: Option<String>,
        limits: ReadyLimits,
    ) -> Self {
        let Some(supervisor) = supervisor else {
            return Self { ready: false, reason: Some("starting".to_owned()), hosts: Vec::new() };
        };
        let now = Instant::now();
        let children = supervisor.status().children;
        let by_host: HashMap<_, _> = children.iter().map(|child| (child.host.as_ref(), child)).collect();
        let hosts: Vec<_> = ledgers
            .iter()
            .filter_map(|ledger| {
                let child = by_host.get(&Some(ledger.host()))?;
                let health = HostHealth::of(child, &ledger.condition(), now, limits);
                Some(HostHealth { found: ledger.is_found(), ..health })
            })
            .collect();
        let trouble = trouble.map(|trouble| format!("the sink does not answer: {trouble}"));
        let reason = trouble.or_else(|| children.iter().find_map(attendant_trouble));
        let ready = reason.is_none() && hosts.iter().all(|host| host.ready || host.found);
        Self { ready, reason, hosts }
    }

    /// The same, without the hosts that others named: there may be thousands, and the daemon is ready without them.
    pub(crate) fn without_found(mut self) -> Self {
        self.hosts.retain(|host| !host.found);
        self
    }
}

impl HostHealth {
    pub(crate) fn of(child: &ChildStatus, condition: &Condition, now: Instant, limits: ReadyLimits) -> Self {
        let (ready, state, reason) = judge(child, condition, now);
        let too_late = limits.max_lag.filter(|_| ready).and_then(|limit| lag_beyond(condition, limit));
        let (ready, reason) = too_late.map_or((ready, reason), |late| (false, Some(late)));
        let host = child.host.as_deref().unwrap_or(&child.child).to_owned();
        Self {
            host,
            ready,
            found: false,
            state,
            reason,
            cursor: condition.cursor.as_ref().map(ToString::to_string),
        }
    }
}

/// What is wrong with a child that reads no host, but works for those that do.
fn attendant_trouble(child: &ChildStatus) -> Option<String> {
    let fails = matches!(child.standing, Standing::OverIntensity { .. });
    let is_gone = matches!(child.phase, Phase::Ended { .. });
    let cause = child.last_exit.as_ref().and_then(|report| report.ending.cause());
    (child.host.is_none() && (fails || is_gone))
        .then(|| format!("{} fails: {}", child.child, cause.as_deref().unwrap_or("it is at its end")))
}

fn judge(child: &ChildStatus, condition: &Condition, now: Instant) -> (bool, &'static str, Option<String>) {
    let state = child.phase.as_str();
    let last_cause = child.last_exit.as_ref().and_then(|report| report.ending.cause());
    if let Standing::OverIntensity { .. } = child.standing {
        return (false, state, Some(format!("fails too often: {}", last_cause.unwrap_or_default())));
    }
    if let Store::Unavailable { cause } = &condition.store {
        return (false, state, Some(format!("the sink does not answer: {cause}")));
    }
    let is_back_soon = condition.connected_ago(now).is_some_and(|ago| ago < AWAY_FOR);
    match child.phase {
        Phase::NotStarted => (false, state, Some("not started".to_owned())),
        Phase::Ended { verdict: Verdict::Finished } => (true, state, None),
        Phase::Ended { .. } => (false, state, last_cause.or_else(|| Some("stopped".to_owned()))),
        Phase::BackingOff { .. } if was_held(child) => (true, State::Held.as_str(), last_cause),
        Phase::BackingOff { .. } => (is_back_soon, state, last_cause),
        Phase::Running { state: running, waiting_for, .. } => match running {
            State::Streaming => (true, state, None),
            State::Full => (true, state, Some("the stream is at its high-water mark".to_owned())),
            State::Parked => (true, state, Some("the host is left alone until there is room".to_owned())),
            State::Held => (true, state, last_cause),
            // One that was not asked yet is not away.
            State::Waiting => {
                (is_back_soon || condition.link == Link::Down, state, Some(format!("waiting: {waiting_for}")))
            }
            State::Unavailable => (false, state, Some("the sink does not answer".to_owned())),
            State::Starting | State::Connecting => {
                let reason = if is_back_soon { "connecting again" } else { "not connected" };
                let reason =
                    last_cause.map_or_else(|| reason.to_owned(), |cause| format!("{reason}: {cause}"));
                (is_back_soon, state, Some(reason))
            }
        },
    }
}

/// What is said of a host whose last event is older than it may be.
fn lag_beyond(condition: &Condition, limit: Duration) -> Option<String> {
    let lag = Duration::from_millis(u64::try_from(condition.lag_ms()?).ok()?);
    let written = |duration: Duration| humantime::format_duration(Duration::from_secs(duration.as_secs()));
    (lag > limit)
        .then(|| format!("lags by {}, more than {}", written(lag), humantime::format_duration(limit)))
}

/// A held host is left between two tries; what it said at last is why.
fn was_held(child: &ChildStatus) -> bool {
    child
        .last_exit
        .as_ref()
        .is_some_and(|report| report.state == State::Held && matches!(report.ending, Ending::Lost { .. }))
}
