//! The hosts that others named, in sum: thousands are not told one by one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use standpipe_supervisor::{Ending, ExitReport, Heartbeat, Observer, Phase};
use tokio::time::Instant;

use crate::Metrics;
use crate::ledger::{add, as_map};
use crate::metrics::Watched;

/// Heartbeats of one beat come at once, and no two beats within a second.
const ONE_BEAT: Duration = Duration::from_millis(500);

/// What a host is in whose child is about to be added.
const NOT_STARTED: &str = Phase::NotStarted.as_str();

/// How the hosts are that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct FoundHosts {
    /// How many there are.
    pub(crate) hosts: u64,
    /// How many of them are in this state; no state without a host.
    #[serde(serialize_with = "as_map")]
    pub(crate) states: Vec<(&'static str, u64)>,
    /// How many were enumerated whole.
    pub(crate) done: u64,
    /// Repos that they listed, in the rounds that they are in.
    pub(crate) repos: u64,
    /// How many they may have, as far as anybody says.
    pub(crate) estimated_repos: u64,
}

impl FoundHosts {
    /// `None` where no host was found.
    pub(crate) fn of(watched: &Watched) -> Option<Self> {
        let children = watched.supervisor.get().map(|handle| handle.status().children).unwrap_or_default();
        let states: HashMap<_, _> =
            children.iter().filter_map(|child| Some((child.host.as_ref()?, child.phase.as_str()))).collect();
        let mut found = Self::default();
        watched.each_host(|ledger| {
            if !ledger.is_found() {
                return;
            }
            found.hosts += 1;
            add(&mut found.states, states.get(ledger.host()).copied().unwrap_or(NOT_STARTED), 1);
            if let Some(enumeration) = ledger.enumeration() {
                found.done += u64::from(enumeration.done.is_some());
                found.repos += enumeration.listed.repos;
                found.estimated_repos += enumeration.estimated_repos.unwrap_or_default();
            }
        });
        found.states.sort_unstable();
        (found.hosts > 0).then_some(found)
    }

    fn tell(&self) {
        let states: Vec<_> = self.states.iter().map(|(state, hosts)| format!("{state} {hosts}")).collect();
        tracing::info!(
            hosts = self.hosts,
            states = states.join(", "),
            done = self.done,
            repos = self.repos,
            estimated_repos = self.estimated_repos,
            "heartbeat of the hosts that were found"
        );
    }
}

/// Sees to it that each beat tells of them once.
#[derive(Debug, Default)]
pub(crate) struct Beats(Mutex<Option<Instant>>);

impl Beats {
    pub(crate) fn beat(&self, watched: &Watched) {
        let mut told_at = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told_at.is_some_and(|at| at.elapsed() < ONE_BEAT) {
            return;
        }
        *told_at = Some(Instant::now());
        drop(told_at);
        if let Some(found) = FoundHosts::of(watched) {
            found.tell();
        }
    }
}

/// Passes on what matters of children: not how hosts that were found end day by day. Thousands of such endings would push
/// all else out of the incident log. They are counted, and the last one of each is on the status page.
pub(crate) struct OfNote<O> {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) next: O,
}

impl<O: Observer> Observer for OfNote<O> {
    fn exited(&self, report: &Arc<ExitReport>) {
        let is_daily = match report.ending {
            Ending::Finished | Ending::Stopped | Ending::Lost { .. } => true,
            Ending::Failed { .. }
            | Ending::Panicked { .. }
            | Ending::Stalled { .. }
            | Ending::Aborted { .. } => false,
        };
        if !is_daily || report.host.as_ref().is_none_or(|host| !self.metrics.is_found(host)) {
            self.next.exited(report);
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) {
        self.next.heartbeat(heartbeat);
    }
}
