use std::sync::Arc;
use std::time::Duration;

use crate::{EventTime, ExitReport, State, Verdict};

/// Where a child is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The supervisor has not started it.
    NotStarted,
    /// An incarnation runs.
    Running {
        /// What it is doing, in its own words.
        state: State,
        /// How long this incarnation has run.
        running_for: Duration,
        /// How long it has been in that state.
        state_for: Duration,
        /// What it waits for when nothing happens: by its own word, else by its state's.
        waiting_for: &'static str,
        /// How long it has been connected without a break; `None` where it is not.
        connected_for: Option<Duration>,
    },
    /// It ended, and is started again.
    BackingOff {
        /// After this time.
        restart_in: Duration,
    },
    /// It ended for good.
    Ended {
        /// The last verdict.
        verdict: Verdict,
    },
}

impl Phase {
    /// The word for logs and metrics: the incarnation's [`State`] while one runs, else `not_started`,
    /// `backing_off` or
    /// `ended`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Running { state, .. } => state.as_str(),
            Self::BackingOff { .. } => "backing_off",
            Self::Ended { .. } => "ended",
        }
    }
}

/// Whether a child keeps within its [`Intensity`](crate::Intensity).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Sound,
    /// It does not, and is restarted at the backoff's cap.
    OverIntensity {
        /// For how long it stays so, if it does not fail again.
        for_another: Duration,
    },
}

impl Standing {
    /// The word for logs and metrics: lower case, no spaces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::OverIntensity { .. } => "over_intensity",
        }
    }
}

/// How one child is at the moment.
#[derive(Debug, Clone)]
pub struct ChildStatus {
    /// The child's name.
    pub child: Arc<str>,
    /// The host that it speaks with.
    pub host: Option<Arc<str>>,
    /// Where it is in its life.
    pub phase: Phase,
    /// Whether it fails too often.
    pub standing: Standing,
    /// Which life this is, from 1; 0 before the first.
    pub incarnation: u64,
    /// How often it was started again.
    pub restarts: u64,
    /// The last sequence number that it saw, in any incarnation.
    pub last_seq: Option<u64>,
    /// The time that the last event carried.
    pub last_event_time: Option<EventTime>,
    /// Events done in all incarnations; never falls.
    pub events: u64,
    /// Bytes done in all incarnations; never falls.
    pub bytes: u64,
    /// The last ending.
    pub last_exit: Option<Arc<ExitReport>>,
}

/// How a supervisor's children are at one moment.
#[derive(Debug, Clone)]
pub struct SupervisorStatus {
    /// Every child, in the order in which they were added.
    pub children: Vec<ChildStatus>,
}

impl SupervisorStatus {
    /// The children that fail too often to be called sound.
    pub fn over_intensity(&self) -> impl Iterator<Item = &ChildStatus> {
        self.children.iter().filter(|child| child.standing != Standing::Sound)
    }
}
