use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// How the stream that all hosts share is, as their deliveries and a look at the sink last said. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream(Arc<Mutex<Condition>>);

/// What is known of the sink.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    /// Entries in the stream.
    pub(crate) backlog: Option<u64>,
    /// What the last look came back with, if the sink did not answer.
    pub(crate) trouble: Option<String>,
    /// When it was last looked at, or spoke by itself.
    pub(crate) heard_at: Option<Timestamp>,
    /// The last delivery.
    pub(crate) last_delivery: Option<Delivery>,
}

/// One delivery that was acknowledged.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// Whose.
    pub(crate) host: Arc<str>,
    /// When it was acknowledged.
    pub(crate) at: Timestamp,
    /// From the first try to the answer.
    pub(crate) took: Duration,
}

impl Stream {
    /// All that is known.
    pub(crate) fn condition(&self) -> Condition {
        self.lock().clone()
    }

    /// Entries in the stream.
    pub(crate) fn backlog(&self) -> Option<u64> {
        self.lock().backlog
    }

    /// What the last look at the sink came back with, if it did not answer.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// The sink says how much is in it.
    pub(crate) fn has(&self, backlog: u64) {
        let mut condition = self.lock();
        condition.backlog = Some(backlog);
        condition.trouble = None;
        condition.heard_at = Some(Timestamp::now());
    }

    /// The sink did not answer when it was looked at.
    pub(crate) fn is_silent(&self, trouble: String) {
        let mut condition = self.lock();
        condition.trouble = Some(trouble);
        condition.heard_at = Some(Timestamp::now());
    }

    /// A batch is durable.
    pub(crate) fn delivered(&self, host: &Arc<str>, took: Duration, backlog: Option<u64>) {
        let at = Timestamp::now();
        let mut condition = self.lock();
        condition.last_delivery = Some(Delivery { host: Arc::clone(host), at, took });
        condition.backlog = backlog.or(condition.backlog);
        condition.trouble = None;
        condition.heard_at = Some(at);
    }

    fn lock(&self) -> MutexGuard<'_, Condition> {
        // What it guards is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
