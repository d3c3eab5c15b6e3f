use tokio::sync::watch;

/// Tells an incarnation that it shall stop.
///
/// Once given it stays given. A child that learns of it delivers what it holds and returns
/// [`Done::Stopped`](crate::Done::Stopped) within its grace period. Clones are cheap and tell the same.
#[derive(Debug, Clone)]
pub struct StopSignal {
    given: watch::Receiver<bool>,
}

impl StopSignal {
    /// Whether the signal has been given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        *self.given.borrow()
    }

    /// Waits until the signal is given; at once if it has been.
    ///
    /// A loop that asks for every item does better to pin one such future outside of it than to make one a
    /// turn.
    ///
    /// # Cancel safety
    ///
    /// Cancel-safe: the signal is a state, not an event, and cannot be missed.
    pub async fn given(&self) {
        let mut given = self.given.clone();
        // An error says that the sender is gone, which gives the signal before it goes.
        let _ = given.wait_for(|given| *given).await;
    }
}

/// The other end of a child's [`StopSignal`]s.
#[derive(Debug)]
pub(crate) struct Stopper {
    given: watch::Sender<bool>,
}

impl Stopper {
    pub(crate) fn new() -> Self {
        Self { given: watch::Sender::new(false) }
    }

    pub(crate) fn signal(&self) -> StopSignal {
        StopSignal { given: self.given.subscribe() }
    }

    pub(crate) fn give(&self) {
        self.given.send_replace(true);
    }
}
