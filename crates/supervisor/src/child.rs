use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::{Backoff, Done, Intensity, Scope, SetupError, Trouble};

/// The longest wait that may be asked for.
pub(crate) const A_YEAR: Duration = Duration::from_hours(365 * 24);

/// The least patience that may be asked for.
const SHORTEST_STALL: Duration = Duration::from_secs(1);

/// What the future of a child answers.
pub type ChildResult = Result<Done, Trouble>;

pub(crate) type ChildFuture = Pin<Box<dyn Future<Output = ChildResult> + Send>>;
pub(crate) type Factory = Arc<dyn Fn(Scope) -> ChildFuture + Send + Sync>;

/// When a child is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// After every ending, also after it finished.
    Always,
    /// After it was lost, failed, panicked or stalled; not after it finished.
    #[default]
    OnTrouble,
    /// Never. An ending in trouble then gives the child up.
    Never,
}

/// A child to supervise: a name, a factory of futures, and how it is restarted.
///
/// ```
/// use std::time::Duration;
/// use standpipe_supervisor::{Backoff, ChildSpec, Done};
///
/// let spec = ChildSpec::new("relay-1", |scope| async move {
///     scope.stopped().await;
///     Ok(Done::Stopped)
/// })
/// .host("relay1.us-east.bsky.network")
/// .backoff(Backoff::new(Duration::from_secs(1), Duration::from_secs(30)))
/// .grace(Duration::from_secs(5));
/// ```
#[derive(Clone)]
pub struct ChildSpec {
    pub(crate) name: Arc<str>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) factory: Factory,
    pub(crate) restart: Restart,
    pub(crate) backoff: Backoff,
    pub(crate) intensity: Intensity,
    pub(crate) grace: Duration,
    pub(crate) stall_after: Option<Duration>,
    pub(crate) stage: u8,
    pub(crate) is_quiet: bool,
}

impl ChildSpec {
    /// A child with a name of its own among its siblings, restarted on trouble, with a grace period of 10 s, that is
    /// stalled after 5 minutes without a sign of life.
    ///
    /// The factory is called inside the task of each new incarnation, so a panic in it is that incarnation's.
    /// It begins every time from durable state and shares nothing with the incarnation before.
    pub fn new<F, Fut>(name: impl Into<Arc<str>>, factory: F) -> Self
    where
        F: Fn(Scope) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ChildResult> + Send + 'static,
    {
        Self {
            name: name.into(),
            host: None,
            factory: Arc::new(move |scope| Box::pin(factory(scope))),
            restart: Restart::default(),
            backoff: Backoff::default(),
            intensity: Intensity::default(),
            grace: Duration::from_secs(10),
            stall_after: Some(Duration::from_mins(5)),
            stage: 0,
            is_quiet: false,
        }
    }

    /// Names the host that the child speaks with, for reports.
    #[must_use]
    pub fn host(mut self, host: impl Into<Arc<str>>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Sets when it is restarted.
    #[must_use]
    pub fn restart(mut self, restart: Restart) -> Self {
        self.restart = restart;
        self
    }

    /// Sets how long it waits before a restart.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Sets how many endings of its own doing are borne.
    #[must_use]
    pub fn intensity(mut self, intensity: Intensity) -> Self {
        self.intensity = intensity;
        self
    }

    /// Sets how long it may take to stop when asked to, before it is aborted.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets after how long without a [sign of life](Scope#signs-of-life) it is ended as
    /// [`Stalled`](crate::Ending::Stalled), at least 1 s and at most a year; `None`: never.
    ///
    /// It should be longer than the longest wait of the child's own: a dial's deadline, the time between two pings.
    #[must_use]
    pub fn stall_after(mut self, stall_after: Option<Duration>) -> Self {
        self.stall_after = stall_after;
        self
    }

    /// Sets when it is stopped: the supervisor stops its children stage by stage, lowest first, and the next stage
    /// when all of the one before have ended. 0 unless set.
    ///
    /// What others need to stop in good order has a higher stage than they. Until its turn it is kept as ever,
    /// restarts included.
    #[must_use]
    pub fn stage(mut self, stage: u8) -> Self {
        self.stage = stage;
        self
    }

    /// Sets whether what happens to it day by day is told at DEBUG only: that it begins, changes its state, stops,
    /// finishes or is lost. For one of thousands, of whom observers tell in sum. Not so unless set.
    #[must_use]
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.is_quiet = quiet;
        self
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let child = || Arc::clone(&self.name);
        let Backoff { base, cap, .. } = self.backoff;
        let window = self.intensity.window;
        if base < Duration::from_millis(1) {
            return Err(SetupError::BackoffBase { child: child(), base });
        }
        if cap < base {
            return Err(SetupError::BackoffCap { child: child(), base, cap });
        }
        if window <= cap {
            return Err(SetupError::IntensityWindow { child: child(), window, cap });
        }
        let stall_after = self.stall_after.unwrap_or(SHORTEST_STALL);
        if stall_after < SHORTEST_STALL {
            return Err(SetupError::StallAfter { child: child(), stall_after });
        }
        let waits = [("backoff cap", cap), ("intensity window", window), ("stall limit", stall_after)];
        for (setting, value) in waits {
            if value > A_YEAR {
                return Err(SetupError::BeyondAYear { child: child(), setting, value });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ChildSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildSpec")
            .field("name", &self.name)
            .field("host", &self.host)
            .field("restart", &self.restart)
            .field("backoff", &self.backoff)
            .field("intensity", &self.intensity)
            .field("grace", &self.grace)
            .field("stall_after", &self.stall_after)
            .field("stage", &self.stage)
            .field("is_quiet", &self.is_quiet)
            .finish_non_exhaustive()
    }
}
