use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::{Backpressure, Batch, Observation, Observer};
use standpipe_supervisor::{EventTime, Scope, State};

use crate::ledger::HostLedger;

/// A wait that is shorter is no state of its own: it changes with every page.
const SHORT_WAIT: Duration = Duration::from_secs(5);

/// What is waited for during a delivery that tells of no backpressure.
const SINK: &str = "the sink to take a batch";

/// Tells the supervisor what an incarnation does and how far it is, and passes everything on to the host's observer.
pub(super) struct Reporting {
    scope: Scope,
    next: Arc<dyn Observer>,
    standing: Mutex<Standing>,
}

/// How we stand with both sides.
#[derive(Clone, Copy)]
struct Standing {
    link: Link,
    /// What the sink last said, where it takes nothing.
    blocked: Option<State>,
}

/// How we stand with the host.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    /// It was not tried yet.
    Untried,
    Connecting,
    Up,
    /// Given back until the sink takes something again.
    Parked,
    /// It is asked again at a time that is known.
    Waiting,
}

/// What tells the supervisor of an incarnation that pumps nothing, and the host's ledger: the one of a host that is only
/// asked.
#[must_use]
pub fn reporting(scope: &Scope, ledger: Arc<HostLedger>) -> Arc<dyn Observer> {
    Arc::new(Reporting::new(scope.clone(), ledger))
}

impl Reporting {
    pub(super) fn new(scope: Scope, next: Arc<dyn Observer>) -> Self {
        Self { scope, next, standing: Mutex::new(Standing { link: Link::Untried, blocked: None }) }
    }

    fn set_link(&self, link: Link, state: State) {
        self.standing().link = link;
        self.scope.set_state(state);
    }

    /// What the sink says is the state while the host is connected, or was not tried yet because of it.
    fn backpressure(&self, backpressure: Backpressure<'_>) {
        let mut standing = self.standing();
        let blocked = match backpressure {
            Backpressure::Flowing => None,
            Backpressure::Full { .. } => Some(State::Full),
            Backpressure::Unavailable { .. } => Some(State::Unavailable),
        };
        standing.blocked = blocked;
        let link = standing.link;
        drop(standing);
        let state = match (blocked, link) {
            (_, Link::Parked) => return,
            (Some(blocked), _) => blocked,
            (None, Link::Up) => State::Streaming,
            (None, Link::Waiting) => State::Waiting,
            (None, Link::Untried | Link::Connecting) => State::Connecting,
        };
        self.scope.set_state(state);
    }

    /// A page came.
    fn answered(&self) {
        self.scope.alive();
        let mut standing = self.standing();
        if standing.link == Link::Up {
            return;
        }
        standing.link = Link::Up;
        let state = standing.blocked.unwrap_or(State::Streaming);
        drop(standing);
        self.scope.set_state(state);
    }

    /// The host is left alone for a while. Where the sink takes nothing either, that is what is said.
    fn waits(&self, reason: &'static str, wait: Duration) {
        self.scope.alive();
        let mut standing = self.standing();
        if wait >= SHORT_WAIT && standing.blocked.is_none() {
            standing.link = Link::Waiting;
            drop(standing);
            self.scope.set_state(State::Waiting);
        } else {
            drop(standing);
        }
        self.scope.waiting_for(reason);
    }

    fn delivered(&self, batch: &Batch) {
        self.saw(batch);
        self.scope.progressed(batch.len() as u64, batch.tally().frame_bytes);
        if self.standing().link == Link::Up {
            self.scope.waiting_for(State::Streaming.waits_for());
        }
    }

    fn saw(&self, batch: &Batch) {
        let seq = Cursor::seq(batch.through()).map(Seq::number);
        let time = batch.event_time().parse::<jiff::Timestamp>().ok();
        self.scope.saw(seq, time.map(|time| EventTime::from_unix_micros(time.as_microsecond())));
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Reporting {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Connecting => self.set_link(Link::Connecting, State::Connecting),
            Observation::Connected { .. } => self.set_link(Link::Up, State::Streaming),
            Observation::Alive => self.scope.alive(),
            Observation::Answered { .. } => self.answered(),
            Observation::Waiting { reason, wait, .. } => self.waits(reason, wait),
            Observation::Parked => self.set_link(Link::Parked, State::Parked),
            Observation::Delivering { .. } => self.scope.waiting_for(SINK),
            Observation::Delivered { batch, .. } => self.delivered(batch),
            Observation::Backpressure(backpressure) => self.backpressure(backpressure),
            Observation::Quarantined { seq, .. } => self.scope.saw(seq, None),
            Observation::Began { .. }
            | Observation::Leftover { .. }
            | Observation::Retired { .. }
            | Observation::Gap { .. }
            | _ => {}
        }
        self.next.observe(observation);
    }
}
