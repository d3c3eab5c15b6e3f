use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::{Backpressure, Batch, Observation, Observer};
use standpipe_supervisor::{EventTime, Scope, State};

/// Tells the supervisor what an incarnation does and how far it is, and passes everything on to the host's observer.
pub(super) struct Reporting {
    scope: Scope,
    next: Arc<dyn Observer>,
    is_connected: AtomicBool,
}

impl Reporting {
    pub(super) fn new(scope: Scope, next: Arc<dyn Observer>) -> Self {
        Self { scope, next, is_connected: AtomicBool::new(false) }
    }

    fn set_connected(&self, is_connected: bool, state: State) {
        self.is_connected.store(is_connected, Ordering::Relaxed);
        self.scope.set_state(state);
    }

    fn delivered(&self, batch: &Batch) {
        let seq = Cursor::seq(batch.through()).map(Seq::number);
        let time = batch.event_time().parse::<jiff::Timestamp>().ok();
        self.scope.saw(seq, time.map(|time| EventTime::from_unix_micros(time.as_microsecond())));
        self.scope.progressed(batch.len() as u64, batch.tally().frame_bytes);
    }
}

impl Observer for Reporting {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Connecting => self.set_connected(false, State::Connecting),
            Observation::Connected { .. } => self.set_connected(true, State::Streaming),
            Observation::Parked => self.set_connected(false, State::Parked),
            Observation::Delivered { batch, .. } => self.delivered(batch),
            Observation::Backpressure(Backpressure::Full { .. }) => self.scope.set_state(State::Full),
            Observation::Backpressure(Backpressure::Unavailable { .. }) => {
                self.scope.set_state(State::Unavailable);
            }
            Observation::Backpressure(Backpressure::Flowing) => {
                let is_connected = self.is_connected.load(Ordering::Relaxed);
                self.scope.set_state(if is_connected { State::Streaming } else { State::Connecting });
            }
            Observation::Delivering { .. }
            | Observation::Retired { .. }
            | Observation::Quarantined { .. }
            | Observation::Gap { .. }
            | _ => {}
        }
        self.next.observe(observation);
    }
}
