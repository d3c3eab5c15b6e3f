use std::future::Future;
use std::sync::{Arc, Weak};

use crate::tasks::Tasks;
use crate::vitals::Vitals;
use crate::{EventTime, State, StopSignal};

/// What one incarnation has of its supervisor: who it is, when to stop, where to report, and tasks of its
/// own.
///
/// Clones are cheap and speak for the same incarnation. Reporting takes no lock and never waits; a clone that
/// outlives its incarnation reports to nobody.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) child: Arc<str>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) incarnation: u64,
    pub(crate) stop: StopSignal,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) tasks: Weak<Tasks>,
}

impl Scope {
    /// The child's name.
    #[must_use]
    pub fn child(&self) -> &Arc<str> {
        &self.child
    }

    /// The host that the child speaks with, if it was named.
    #[must_use]
    pub fn host(&self) -> Option<&Arc<str>> {
        self.host.as_ref()
    }

    /// Which life of the child this is, from 1.
    #[must_use]
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// The signal to stop, to be handed on to what the child runs.
    #[must_use]
    pub fn stop_signal(&self) -> StopSignal {
        self.stop.clone()
    }

    /// Waits until the child shall stop.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe, as [`StopSignal::given`] is.
    pub async fn stopped(&self) {
        self.stop.given().await;
    }

    /// Whether the child shall stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_given()
    }

    /// Says what the child does from here on. Saying the same again costs one atomic swap.
    pub fn set_state(&self, state: State) {
        if let Some(before) = self.vitals.set_state(state) {
            let (child, host) = (&*self.child, self.host.as_deref());
            tracing::info!(child, host, from = before.as_str(), state = state.as_str(), "state changed");
        }
    }

    /// Notes the last message that the child took up, by its sequence number and the time that it carries.
    ///
    /// `None` leaves what was noted. This is no progress: a message that ends every incarnation must not reset
    /// the backoff.
    pub fn saw(&self, seq: Option<u64>, time: Option<EventTime>) {
        self.vitals.saw(seq, time);
    }

    /// Notes real progress: work that need not be done again, such as a delivery that was acknowledged.
    ///
    /// `events` and `bytes` are added to the child's counts; both may be 0 where only the cursor moved.
    pub fn progressed(&self, events: u64, bytes: u64) {
        self.vitals.progressed(events, bytes);
    }

    /// Starts a task that belongs to this incarnation, such as the connection driver of a client library.
    ///
    /// It is aborted when the incarnation ends, and is gone before the next one begins, unless it blocks its
    /// thread for more than a second from then. If it panics, the incarnation ends as
    /// [`Panicked`](crate::Ending::Panicked) with the task's name. If it returns, nothing happens. When the
    /// incarnation has ended already, the future is dropped without being run.
    pub fn spawn(&self, name: impl Into<Arc<str>>, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        let is_owned = self.tasks.upgrade().is_some_and(|tasks| tasks.start_side(Arc::clone(&name), task));
        if !is_owned {
            let (child, host) = (&*self.child, self.host.as_deref());
            tracing::debug!(child, host, task = %name, "the incarnation has ended; the task is not started");
        }
    }
}
