use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::{Backpressure, Batch, Observation, Observer};
use standpipe_supervisor::{EventTime, Scope, State};

/// What is waited for during a delivery that tells of no backpressure.
const SINK: &str = "the sink to take a batch";

/// Tells the supervisor what an incarnation does and how far it is, and passes everything on to the host's observer.
pub(super) struct Reporting {
    scope: Scope,
    next: Arc<dyn Observer>,
    link: Mutex<Link>,
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
}

impl Reporting {
    pub(super) fn new(scope: Scope, next: Arc<dyn Observer>) -> Self {
        Self { scope, next, link: Mutex::new(Link::Untried) }
    }

    fn set_link(&self, link: Link, state: State) {
        *self.link() = link;
        self.scope.set_state(state);
    }

    /// What the sink says is the state while the host is connected, or was not tried yet because of it.
    fn backpressure(&self, backpressure: Backpressure<'_>) {
        let link = *self.link();
        let state = match (backpressure, link) {
            (_, Link::Parked) => return,
            (Backpressure::Flowing, Link::Up) => State::Streaming,
            (Backpressure::Flowing, Link::Untried | Link::Connecting) => State::Connecting,
            (Backpressure::Full { .. }, _) => State::Full,
            (Backpressure::Unavailable { .. }, _) => State::Unavailable,
        };
        self.scope.set_state(state);
    }

    fn delivered(&self, batch: &Batch) {
        self.saw(batch);
        self.scope.progressed(batch.len() as u64, batch.tally().frame_bytes);
        self.scope.waiting_for(State::Streaming.waits_for());
    }

    fn saw(&self, batch: &Batch) {
        let seq = Cursor::seq(batch.through()).map(Seq::number);
        let time = batch.event_time().parse::<jiff::Timestamp>().ok();
        self.scope.saw(seq, time.map(|time| EventTime::from_unix_micros(time.as_microsecond())));
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Reporting {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Connecting => self.set_link(Link::Connecting, State::Connecting),
            Observation::Connected { .. } => self.set_link(Link::Up, State::Streaming),
            Observation::Alive | Observation::Answered { .. } => self.scope.alive(),
            Observation::Waiting { reason, .. } => {
                self.scope.alive();
                self.scope.waiting_for(reason);
            }
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
