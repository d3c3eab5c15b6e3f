use std::time::Duration;

use standpipe_eventstream::StreamError;
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

/// How often a held host is tried again. It may come back with its old state.
const HELD_RETRY: Duration = Duration::from_mins(5);

/// How long a peer is left alone that does not speak the protocol.
const BABBLE_RETRY: Duration = Duration::from_mins(5);

/// A reader that was cut off as too slow waits this long: it would only be slower at once.
const TOO_SLOW_RETRY: Duration = Duration::from_secs(1);

/// The most characters of a host's words that are quoted.
const QUOTED: usize = 200;

/// Why a host cannot be read on over this connection. Always the peer's doing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Halt {
    /// A frame that cannot be read, met for the first time. A new connection cures damage on the way; if the same
    /// frame comes again, it is skipped.
    #[error("frame is unreadable ({reason}); it is skipped if it comes again")]
    UnreadableFrame {
        /// What is wrong, as a stable label.
        reason: &'static str,
    },
    /// Many different unreadable frames within a minute.
    #[error("{count} different unreadable frames within a minute: the host does not speak this protocol")]
    Babble {
        /// How many.
        count: usize,
    },
    /// The host cut us off because we read too slowly.
    #[error("the host says that we read too slowly")]
    ConsumerTooSlow,
    /// The host ended the stream with another error.
    #[error("the host ended the stream with {name:?}: {message:?}")]
    HostError {
        /// The error's name, cut to 200 characters.
        name: String,
        /// The host's sentence, cut to 200 characters.
        message: String,
    },
    /// The host says that the cursor lies ahead of all that it has.
    #[error(
        "our cursor is ahead of the host, it says so; the host is held until it is back or an operator decides"
    )]
    FutureCursor,
    /// The host sent only what lies behind the cursor that it was given.
    #[error(
        "our cursor {cursor} is ahead of the host, which sends {seq}; the host is held until it is back or an operator decides"
    )]
    CursorAhead {
        /// What was asked for.
        cursor: u64,
        /// What came last.
        seq: u64,
    },
    /// Frames that go on to be older than what was read already.
    #[error("the host went back from seq {last} to {seq} and stays there")]
    WentBack {
        /// The highest seq read.
        last: u64,
        /// What came last.
        seq: u64,
    },
}

impl Halt {
    /// What an error frame means.
    pub(crate) fn of_stream_error(error: &StreamError<'_>) -> Self {
        let quoted = |text: &str| text.chars().take(QUOTED).collect();
        match error.name {
            "ConsumerTooSlow" => Self::ConsumerTooSlow,
            "FutureCursor" => Self::FutureCursor,
            name => {
                Self::HostError { name: quoted(name), message: quoted(error.message.unwrap_or_default()) }
            }
        }
    }

    /// A stable word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::UnreadableFrame { .. } => "unreadable_frame",
            Self::Babble { .. } => "babble",
            Self::ConsumerTooSlow => "consumer_too_slow",
            Self::HostError { .. } => "host_error",
            Self::FutureCursor => "future_cursor",
            Self::CursorAhead { .. } => "cursor_ahead",
            Self::WentBack { .. } => "went_back",
        }
    }
}

impl Transient for Halt {
    fn remedy(&self) -> Remedy {
        match self {
            Self::UnreadableFrame { .. } | Self::HostError { .. } | Self::WentBack { .. } => Remedy::Retry,
            Self::Babble { .. } => Remedy::RetryAfter(BABBLE_RETRY),
            Self::ConsumerTooSlow => Remedy::RetryAfter(TOO_SLOW_RETRY),
            Self::FutureCursor | Self::CursorAhead { .. } => Remedy::Hold(HELD_RETRY),
        }
    }
}
