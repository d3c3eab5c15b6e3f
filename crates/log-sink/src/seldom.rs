use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets something be said at once, and then at most once a minute.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    const INTERVAL: Duration = Duration::from_mins(1);

    /// Whether it is time to say it. If so, it counts as said.
    pub(crate) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let due = last.is_none_or(|last| now.duration_since(last) >= Self::INTERVAL);
        if due {
            *last = Some(now);
        }
        due
    }
}
