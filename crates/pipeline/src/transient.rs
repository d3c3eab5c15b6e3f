use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What helps against an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The world's doing: begin again after a backoff.
    Retry,
    /// The world's doing, and it said when to come back.
    RetryAfter(Duration),
    /// The host is held: what is stored is kept, a human is told, and it is tried again this rarely.
    Hold(Duration),
    /// Ours, or our operator's: beginning again will hardly help, and somebody has to know.
    Fail,
}

/// An error that says whose doing it is, so that no adapter exists without having decided that.
pub trait Transient: Error + Send + Sync + 'static {
    /// What helps against this error.
    fn remedy(&self) -> Remedy;
}

/// The error of what cannot fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Error for Never {}

impl Transient for Never {
    fn remedy(&self) -> Remedy {
        match *self {}
    }
}
