use std::sync::Arc;
use std::time::Duration;

use crate::{Ending, EventTime, State};

/// What the supervisor does after an ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The child is started again after this wait.
    Restart {
        /// The wait, by the backoff or by what the other side asked for.
        after: Duration,
    },
    /// The child is over its intensity and is started again at the backoff's cap.
    RestartAtCap {
        /// The wait.
        after: Duration,
    },
    /// Its work is done; it is not started again.
    Finished,
    /// It was stopped; it is not started again.
    Stopped,
    /// It is not started again although its work is not done: by its policy, or over its intensity with
    /// [`OnGiveUp::Exit`](crate::OnGiveUp::Exit).
    GaveUp,
}

impl Verdict {
    /// The word for logs and metrics: lower case, no spaces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Restart { .. } => "restart",
            Self::RestartAtCap { .. } => "restart_at_cap",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::GaveUp => "gave_up",
        }
    }

    /// The wait before the restart, if there is one.
    #[must_use]
    pub const fn restart_in(self) -> Option<Duration> {
        match self {
            Self::Restart { after } | Self::RestartAtCap { after } => Some(after),
            Self::Finished | Self::Stopped | Self::GaveUp => None,
        }
    }
}

/// The account of one ending: who, how, after how long, after which message, and what follows.
#[derive(Debug)]
pub struct ExitReport {
    /// The child's name.
    pub child: Arc<str>,
    /// The host that it speaks with.
    pub host: Option<Arc<str>>,
    /// Which life of this child ended, from 1.
    pub incarnation: u64,
    /// Which ending of this supervisor it was, from 1: the ending with ordinal 1 came first.
    pub ordinal: u64,
    /// How long the incarnation ran.
    pub ran_for: Duration,
    /// What it was doing at last.
    pub state: State,
    /// How it ended.
    pub ending: Ending,
    /// The last sequence number that the child saw, in this incarnation or an earlier one.
    pub last_seq: Option<u64>,
    /// The time that the last event carried, likewise.
    pub last_event_time: Option<EventTime>,
    /// Events done in this incarnation.
    pub events: u64,
    /// Bytes done in this incarnation.
    pub bytes: u64,
    /// What follows.
    pub verdict: Verdict,
}
