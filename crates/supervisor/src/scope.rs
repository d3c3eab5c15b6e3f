use std::future::Future;
use std::sync::{Arc, Weak};

use crate::tasks::Tasks;
use crate::vitals::Vitals;
use crate::{Blocking, EventTime, State, StopSignal, lines};

/// What one incarnation has of its supervisor: who it is, when to stop, where to report, and tasks of its
/// own.
///
/// Clones are cheap and speak for the same incarnation. Reporting never waits, and takes no lock but where the
/// state or the words change; a clone that outlives its incarnation reports to nobody.
///
/// # Signs of life
///
/// [`saw`](Self::saw), [`progressed`](Self::progressed), [`alive`](Self::alive) and a change of state are signs of
/// life. An incarnation that gives none for as long as [`ChildSpec::stall_after`](crate::ChildSpec::stall_after)
/// says, and whose state is no reason to wait ([`State::is_reason_to_wait`]), is ended as
/// [`Stalled`](crate::Ending::Stalled).
#[derive(Debug, Clone)]
pub struct Scope {
    pub(crate) child: Arc<str>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) incarnation: u64,
    pub(crate) stop: StopSignal,
    pub(crate) vitals: Arc<Vitals>,
    pub(crate) tasks: Weak<Tasks>,
    pub(crate) is_quiet: bool,
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

    /// Says what the child does from here on. A change is a sign of life and ends what was said by
    /// [`waiting_for`](Self::waiting_for); saying the same again is neither, and costs one atomic load.
    pub fn set_state(&self, state: State) {
        if let Some(before) = self.vitals.set_state(state) {
            let (child, host) = (&*self.child, self.host.as_deref());
            lines::state(child, host, before, state, self.is_quiet);
        }
    }

    /// Says what the child waits for, in words that go on "waiting for …", until the next change of state.
    ///
    /// Shown in the status, in heartbeats, and in the report if the child stalls. This is no sign of life and no
    /// reason to wait: those are states.
    pub fn waiting_for(&self, what: &'static str) {
        self.vitals.wait_for(what);
    }

    /// Notes a sign of life where nothing else happens: a ping was answered, a retry was tried.
    ///
    /// Costs a look at the clock and one atomic store. This is no progress: the backoff is not reset.
    pub fn alive(&self) {
        self.vitals.alive();
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
        self.tell_of_orphan(is_owned, &name);
    }

    /// Runs work that blocks its thread, such as a file's or a library's, on the runtime's threads for that. It
    /// belongs to this incarnation and begins at once, awaited or not.
    ///
    /// If it panics, the incarnation ends as [`Panicked`](crate::Ending::Panicked) with the work's name, also when
    /// nobody awaits it. While it is awaited the child gives no sign of life by itself; work that takes long calls
    /// [`alive`](Self::alive) on a clone of its own.
    ///
    /// It cannot be aborted. When the incarnation ends, work that has not begun never does; what runs is waited for,
    /// for a second, then told of at ERROR with its name and left to itself, and the next incarnation begins. Work
    /// that takes longer therefore asks [`is_stopping`](Self::is_stopping), or keeps to what bears a second one of
    /// its kind. A runtime that is dropped waits for it without a bound, unless by
    /// [`shutdown_timeout`](tokio::runtime::Runtime::shutdown_timeout).
    pub fn spawn_blocking<T, F>(&self, name: impl Into<Arc<str>>, work: F) -> Blocking<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let name = name.into();
        let (blocking, work) = Blocking::new(Arc::clone(&name), work);
        let is_owned =
            self.tasks.upgrade().is_some_and(|tasks| tasks.start_blocking(Arc::clone(&name), work));
        self.tell_of_orphan(is_owned, &name);
        blocking
    }

    fn tell_of_orphan(&self, is_owned: bool, task: &str) {
        if !is_owned {
            let (child, host) = (&*self.child, self.host.as_deref());
            tracing::debug!(child, host, task, "the incarnation has ended; the task is not started");
        }
    }
}
