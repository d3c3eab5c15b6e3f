use std::backtrace::Backtrace;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{BoxError, Trouble};

/// How a child's future ends well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Its work is done.
    Finished,
    /// It was asked to stop, and did.
    Stopped,
}

/// How one incarnation ended.
#[derive(Debug)]
pub enum Ending {
    /// Its work is done.
    Finished,
    /// It was asked to stop, and did.
    Stopped,
    /// The world's doing; tried again for ever, spends nothing.
    Lost {
        /// What broke off.
        error: BoxError,
        /// When the other side wants to be asked again, as it said it.
        retry_after: Option<Duration>,
    },
    /// Ours; spends intensity.
    Failed {
        /// What is wrong.
        error: BoxError,
    },
    /// The child, a task that it spawned, or its blocking work panicked; spends intensity.
    Panicked {
        /// The task or work by its name ([`Scope::spawn`](crate::Scope::spawn),
        /// [`Scope::spawn_blocking`](crate::Scope::spawn_blocking)); `None`: the child itself.
        task: Option<Arc<str>>,
        /// What the panic said; a fixed text where its payload is no string.
        message: String,
        /// Where it happened; `None` if the panic hook was replaced or passed by (`resume_unwind`).
        place: Option<Place>,
        /// How it came there, taken whatever `RUST_BACKTRACE` says; `None` as for `place`.
        backtrace: Option<Arc<Backtrace>>,
    },
    /// It gave no sign of life for too long and no reason to wait, and was cut off at its next `.await`; spends
    /// intensity.
    Stalled {
        /// What it was waiting for: by its own word ([`Scope::waiting_for`](crate::Scope::waiting_for)), else by its
        /// state's ([`State::waits_for`](crate::State::waits_for)).
        waiting_for: &'static str,
        /// The time since its last sign of life.
        for_how_long: Duration,
    },
    /// It did not stop when asked to, and was cut off at its next `.await`.
    Aborted {
        /// How long it was given; `None` if it was not asked, because the supervisor itself was dropped.
        grace: Option<Duration>,
    },
}

impl Ending {
    /// The word for logs and metrics: lower case, no spaces.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::Lost { .. } => "lost",
            Self::Failed { .. } => "failed",
            Self::Panicked { .. } => "panicked",
            Self::Stalled { .. } => "stalled",
            Self::Aborted { .. } => "aborted",
        }
    }

    /// Why, on one line: the whole error chain, the panic's message, what it waited for, or the grace period;
    /// `None` if it ended well.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Finished | Self::Stopped => None,
            Self::Lost { error, .. } | Self::Failed { error } => Some(chain(error.as_ref())),
            Self::Panicked { message, .. } => Some(message.clone()),
            Self::Stalled { waiting_for, for_how_long } => {
                Some(format!("no sign of life for {for_how_long:?}, waiting for {waiting_for}"))
            }
            Self::Aborted { grace: None } => Some("the supervisor was dropped".to_owned()),
            Self::Aborted { grace: Some(grace) } => Some(format!("did not stop within {grace:?}")),
        }
    }

    /// How a panic came there.
    pub(crate) fn backtrace(&self) -> Option<&Arc<Backtrace>> {
        match self {
            Self::Panicked { backtrace, .. } => backtrace.as_ref(),
            Self::Finished
            | Self::Stopped
            | Self::Lost { .. }
            | Self::Failed { .. }
            | Self::Stalled { .. }
            | Self::Aborted { .. } => None,
        }
    }

    /// Whether it counts against the child's [`Intensity`](crate::Intensity).
    #[must_use]
    pub const fn spends_intensity(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Panicked { .. } | Self::Stalled { .. } => true,
            Self::Finished | Self::Stopped | Self::Lost { .. } | Self::Aborted { .. } => false,
        }
    }
}

impl From<Result<Done, Trouble>> for Ending {
    fn from(result: Result<Done, Trouble>) -> Self {
        match result {
            Ok(Done::Finished) => Self::Finished,
            Ok(Done::Stopped) => Self::Stopped,
            Err(Trouble::Lost { error, retry_after }) => Self::Lost { error, retry_after },
            Err(Trouble::Failed { error }) => Self::Failed { error },
        }
    }
}

impl fmt::Display for Ending {
    /// The kind, and the cause where there is one: `lost: connection reset by peer`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self.cause() {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

/// A place in the source: `src/pump.rs:70:9`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as the compiler knows it.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Tells an error and all its sources on one line, outermost first, joined by `: `.
///
/// A source whose text its parent already ends with is not told twice.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !told.ends_with(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        source = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("reading from {host}")]
    struct Reading {
        host: &'static str,
        #[source]
        source: io::Error,
    }

    #[derive(Debug, thiserror::Error)]
    #[error("subscription: {0}")]
    struct Subscription(#[source] Reading);

    #[test]
    fn a_chain_is_told_whole_and_nothing_of_it_twice() {
        let error = Subscription(Reading { host: "relay", source: io::Error::other("reset by peer") });
        assert_eq!(chain(&error), "subscription: reading from relay: reset by peer");
        let ending = Ending::from(Err(Trouble::lost(error)));
        assert_eq!(ending.to_string(), "lost: subscription: reading from relay: reset by peer");
    }
}
