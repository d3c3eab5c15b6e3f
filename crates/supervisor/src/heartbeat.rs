use std::time::Duration;

use tokio::time::Instant;

use crate::observer::Observers;
use crate::{ChildStatus, Handle, Phase, lines};

/// A sign of life of one child, at every heartbeat period until it has ended for good.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// How the child is.
    pub status: ChildStatus,
    /// Events done since the last heartbeat.
    pub events: u64,
    /// Bytes done since the last heartbeat.
    pub bytes: u64,
    /// The time since the last heartbeat, or since the start for the first.
    pub since: Duration,
}

/// What the last heartbeats said, to tell the difference in the next.
#[derive(Debug)]
pub(crate) struct Pulse {
    told_at: Instant,
    told: Vec<Counts>,
}

#[derive(Debug, Clone, Copy)]
struct Counts {
    events: u64,
    bytes: u64,
}

impl Pulse {
    pub(crate) fn new(handle: &Handle) -> Self {
        let told = handle.status().children.iter().map(Counts::of).collect();
        Self { told_at: Instant::now(), told }
    }

    /// Tells of every child that has not ended for good.
    pub(crate) fn beat(&mut self, handle: &Handle, observers: &Observers) {
        let now = Instant::now();
        let since = now.saturating_duration_since(self.told_at);
        self.told_at = now;
        for (status, told) in handle.status().children.into_iter().zip(&mut self.told) {
            let counts = Counts::of(&status);
            let (events, bytes) = (counts.events - told.events, counts.bytes - told.bytes);
            *told = counts;
            if let Phase::Ended { .. } = status.phase {
                continue;
            }
            let heartbeat = Heartbeat { status, events, bytes, since };
            lines::heartbeat(&heartbeat);
            observers.heartbeat(&heartbeat);
        }
    }
}

impl Counts {
    fn of(status: &ChildStatus) -> Self {
        Self { events: status.events, bytes: status.bytes }
    }
}
