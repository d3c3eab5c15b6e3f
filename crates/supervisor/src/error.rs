use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// Any error that a child may end with; its whole source chain is told.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Why an incarnation ended before its work was done, and whose doing that was.
///
/// The difference decides what follows: [`Lost`](Self::Lost) is tried again for ever,
/// [`Failed`](Self::Failed) spends the child's [`Intensity`](crate::Intensity).
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The world's doing: a connection reset, an idle peer, a server error, a store that is away.
    #[error("lost")]
    Lost {
        /// What broke off.
        #[source]
        error: BoxError,
        /// The earliest time to try again, where the other side named one (HTTP `Retry-After`, RFC 9110
        /// section 10.2.3). Held to between 1 second and 15 minutes.
        retry_after: Option<Duration>,
    },
    /// Ours: something that the same attempt will most likely meet again, such as refused credentials or a
    /// broken invariant.
    #[error("failed")]
    Failed {
        /// What is wrong.
        #[source]
        error: BoxError,
    },
}

impl Trouble {
    /// The world's doing, to be tried again when the backoff says so.
    pub fn lost(error: impl Into<BoxError>) -> Self {
        Self::Lost { error: error.into(), retry_after: None }
    }

    /// The world's doing, to be tried again no sooner than the other side asked for.
    pub fn lost_for(error: impl Into<BoxError>, retry_after: Duration) -> Self {
        Self::Lost { error: error.into(), retry_after: Some(retry_after) }
    }

    /// Our own doing.
    pub fn failed(error: impl Into<BoxError>) -> Self {
        Self::Failed { error: error.into() }
    }
}

/// Blocking work of an incarnation that gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockingError {
    /// It panicked; its incarnation ends by that.
    #[error("{task} panicked: {message}")]
    Panicked {
        /// The work's name.
        task: Arc<str>,
        /// What the panic said.
        message: String,
    },
    /// Its incarnation was over before the work had begun, so it never ran.
    #[error("{task} was not begun, since its incarnation is over")]
    Over {
        /// The work's name.
        task: Arc<str>,
    },
}

/// A child that was not added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// It cannot be supervised as asked.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The supervisor is stopping, has ended, or was dropped.
    #[error("{child} comes too late: the supervisor is stopping or has ended")]
    Over {
        /// Who was not added.
        child: Arc<str>,
    },
}

/// A child that was not removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoveError {
    /// No child has this name.
    #[error("no child is called {child}")]
    Unknown {
        /// The name.
        child: Arc<str>,
    },
}

/// A supervisor that cannot be built from what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Two children have one name; reports could not tell them apart.
    #[error("two children are called {child}")]
    DuplicateChild {
        /// The name that was given twice.
        child: Arc<str>,
    },
    /// The backoff's base is below 1 millisecond, so restarts would spin.
    #[error("the backoff of {child} starts at {base:?}, below 1 ms")]
    BackoffBase {
        /// Whose backoff.
        child: Arc<str>,
        /// What was asked for.
        base: Duration,
    },
    /// The backoff's cap is below its base.
    #[error("the backoff of {child} is capped at {cap:?}, below its base of {base:?}")]
    BackoffCap {
        /// Whose backoff.
        child: Arc<str>,
        /// What was asked for as the base.
        base: Duration,
        /// What was asked for as the cap.
        cap: Duration,
    },
    /// The intensity's window is not longer than the backoff's cap, so a child that fails at every restart
    /// would look sound between two of them.
    #[error("the intensity window of {child}, {window:?}, is not longer than its backoff cap of {cap:?}")]
    IntensityWindow {
        /// Whose intensity.
        child: Arc<str>,
        /// What was asked for as the window.
        window: Duration,
        /// The backoff's cap.
        cap: Duration,
    },
    /// A child would be called stalled after less than a second, which a busy machine may take by itself.
    #[error("{child} is stalled after {stall_after:?}, below 1 s")]
    StallAfter {
        /// Whose patience.
        child: Arc<str>,
        /// What was asked for.
        stall_after: Duration,
    },
    /// A wait is longer than a year, beyond which clocks may not reach.
    #[error("the {setting} of {child}, {value:?}, is longer than a year")]
    BeyondAYear {
        /// Whose setting.
        child: Arc<str>,
        /// Which setting.
        setting: &'static str,
        /// What was asked for.
        value: Duration,
    },
    /// The heartbeat's period is zero, or longer than a year.
    #[error("a heartbeat period of {period:?} is not between nothing and a year")]
    HeartbeatPeriod {
        /// What was asked for.
        period: Duration,
    },
}
