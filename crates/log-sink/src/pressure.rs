use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use standpipe_pipeline::{Backpressure, Observation, Observer};

/// Tells the observer of one host whether its sink takes batches: changes only.
pub(crate) struct Pressure {
    observer: Arc<dyn Observer>,
    said: Option<Said>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Flowing,
    Full,
    Unavailable,
}

impl Pressure {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, said: None }
    }

    pub(crate) fn flowing(&mut self) {
        if self.turns(Said::Flowing) {
            self.observe(Backpressure::Flowing);
        }
    }

    pub(crate) fn full(&mut self, backlog: u64) {
        if self.turns(Said::Full) {
            self.observe(Backpressure::Full { backlog });
        }
    }

    pub(crate) fn unavailable(&mut self, cause: &(dyn Error + 'static)) {
        if self.turns(Said::Unavailable) {
            self.observe(Backpressure::Unavailable { cause });
        }
    }

    pub(crate) fn retired(&self, entries: u64, unread: u64) {
        self.observer.observe(Observation::Retired { entries, unread });
    }

    fn turns(&mut self, now: Said) -> bool {
        self.said.replace(now) != Some(now)
    }

    fn observe(&self, backpressure: Backpressure<'_>) {
        self.observer.observe(Observation::Backpressure(backpressure));
    }
}

/// How long to wait before a failing disk is tried again: from 100 ms, doubled up to 5 s. One process has one disk,
/// so there is no herd to spread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(5);

    pub(crate) fn new() -> Self {
        Self(Self::FIRST)
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LONGEST);
        wait
    }
}
