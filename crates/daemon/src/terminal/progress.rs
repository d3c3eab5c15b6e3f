use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use standpipe_supervisor::{Phase, State};

use crate::enumeration::{Enumeration, Listed};
use crate::metrics::Metrics;

/// How far the lists of all hosts are at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Progress {
    /// How many hosts there are.
    pub(super) hosts: usize,
    /// Those whose list was begun, in the order of the settings.
    pub(super) begun: Vec<HostProgress>,
}

/// How far the list of one host is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HostProgress {
    pub(super) host: Arc<str>,
    pub(super) round: &'static str,
    /// What this round has listed; where it is over, the whole of the last.
    pub(super) listed: Listed,
    /// Repos a second.
    pub(super) rate: f64,
    /// How many repos the host may have.
    pub(super) estimate: Option<u64>,
    /// What it waits for, if it does not read.
    pub(super) obstacle: Option<&'static str>,
    /// Whether everything that it has is listed, up to what is new.
    pub(super) is_done: bool,
}

impl Progress {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let supervisor = metrics.watched().supervisor.get();
        let children = supervisor.map(|handle| handle.status().children).unwrap_or_default();
        let phases: HashMap<_, _> =
            children.iter().filter_map(|child| Some((&**child.host.as_ref()?, child.phase))).collect();
        let ledgers = metrics.ledgers();
        let begun = ledgers.iter().filter_map(|ledger| {
            let phase = phases.get(&**ledger.host()).copied();
            ledger
                .enumerates(|enumeration| Some(HostProgress::of(ledger.host(), enumeration.as_ref()?, phase)))
        });
        Self { hosts: ledgers.len(), begun: begun.collect() }
    }
}

impl HostProgress {
    fn of(host: &Arc<str>, enumeration: &Enumeration, phase: Option<Phase>) -> Self {
        let done = enumeration.done.as_ref();
        let is_done = enumeration.round == "new"
            || done.is_some_and(|done| done.began_at == enumeration.began_at)
            || matches!(phase, Some(Phase::Ended { .. }));
        let listed = done.filter(|_| is_done).map_or(enumeration.listed, |done| done.listed);
        Self {
            host: Arc::clone(host),
            round: enumeration.round,
            listed,
            rate: enumeration.rate(),
            estimate: enumeration.estimate.filter(|estimate| *estimate > 0),
            obstacle: phase.and_then(obstacle),
            is_done,
        }
    }

    /// How much of the estimate is listed, in percent.
    pub(super) fn percent(&self) -> Option<f64> {
        Some(percent(self.listed.repos, self.estimate?))
    }

    /// How long the rest of the estimate takes at this rate.
    pub(super) fn time_left(&self) -> Option<Duration> {
        time_left(self.listed.repos, self.estimate?, self.rate)
    }
}

/// All hosts together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Total {
    pub(super) done: usize,
    pub(super) listed: Listed,
    pub(super) rate: f64,
    pub(super) percent: Option<f64>,
    pub(super) time_left: Option<Duration>,
}

impl Total {
    pub(super) fn of(progress: &Progress) -> Self {
        let mut total = Self::default();
        let mut estimate = (progress.begun.len() == progress.hosts).then_some(0_u64);
        for host in &progress.begun {
            total.listed.repos += host.listed.repos;
            total.listed.pages += host.listed.pages;
            let of_host = if host.is_done {
                total.done += 1;
                Some(host.listed.repos)
            } else {
                total.rate += host.rate;
                host.estimate
            };
            estimate = estimate.zip(of_host).map(|(sum, more)| sum.saturating_add(more));
        }
        let estimate = estimate.filter(|estimate| *estimate > 0);
        total.percent = estimate.map(|estimate| percent(total.listed.repos, estimate));
        total.time_left = estimate.and_then(|estimate| time_left(total.listed.repos, estimate, total.rate));
        total
    }
}

/// What stands in the way of a list, in a word or two.
fn obstacle(phase: Phase) -> Option<&'static str> {
    match phase {
        Phase::Running { state: State::Starting | State::Connecting | State::Streaming, .. }
        | Phase::NotStarted
        | Phase::Ended { .. } => None,
        Phase::Running { state: State::Full | State::Parked, .. } => Some("stream full"),
        Phase::Running { state: State::Unavailable, .. } => Some("sink away"),
        Phase::Running { state: State::Held, .. } => Some("held"),
        Phase::Running { state: State::Waiting, .. } => Some("waiting"),
        Phase::BackingOff { .. } => Some("trying again"),
    }
}

fn percent(repos: u64, estimate: u64) -> f64 {
    100.0 * float(repos) / float(estimate)
}

fn time_left(repos: u64, estimate: u64, rate: f64) -> Option<Duration> {
    let left = estimate.checked_sub(repos).filter(|left| *left > 0 && rate > 0.0)?;
    Duration::try_from_secs_f64(float(left) / rate).ok()
}

fn float(count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let float = count as f64;
    float
}
