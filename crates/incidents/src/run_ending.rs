use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a process says of itself when it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Farewell {
    /// It was asked to stop and did, or its work is done.
    Clean {
        /// Who or what asked: a signal's name, or a sentence.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It could not start, or could not go on.
    Fatal {
        /// Why.
        cause: String,
        /// The exit code.
        code: u8,
    },
    /// A signal that ends a process was sent to it.
    Signal {
        /// Its name, such as `SIGSEGV`.
        signal: String,
    },
    /// A newer version's word.
    #[serde(other)]
    Unknown,
}

/// How a run ended, as it is known afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEnding {
    /// There was no run before.
    FirstRun,
    /// It has not ended: a process writes this log at this moment.
    StillRunning,
    /// It was asked to stop and did, or its work was done.
    Clean {
        /// Who or what asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It could not start, or could not go on, and said why.
    Fatal {
        /// Why.
        cause: String,
        /// The exit code.
        code: u8,
    },
    /// A signal ended it, and it said which.
    Signal {
        /// Its name.
        signal: String,
    },
    /// It said nothing, and the kernel has killed for memory since it was last seen: in its control group or, where that
    /// has gone with it, on the machine.
    OutOfMemory {
        /// How often.
        kills: u64,
        /// Whether they are those of the whole machine. Its control group was made anew and counts from nothing, as that
        /// of a container does; another process may have been meant.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        on_machine: bool,
    },
    /// It said nothing, and the machine was started again.
    MachineRestarted,
    /// It said nothing: SIGKILL, or a crash that left no word.
    Killed {
        /// Bytes that its control group used when it was last seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_used_bytes: Option<u64>,
        /// Bytes that its control group may use.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory_limit_bytes: Option<u64>,
    },
    /// A newer version's word.
    #[serde(other)]
    Unknown,
}

/// The run before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    /// Which run it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How it ended.
    #[serde(flatten)]
    pub ending: RunEnding,
    /// How long it ran; without a farewell, until it was last seen alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_ms: Option<u64>,
    /// When it said farewell, or was last seen alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_at: Option<Timestamp>,
}

impl LastRun {
    pub(crate) const NONE: Self =
        Self { run: None, ending: RunEnding::FirstRun, uptime_ms: None, seen_at: None };
}

impl RunEnding {
    /// The word for logs: lower case, no spaces.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::FirstRun => "first_run",
            Self::StillRunning => "still_running",
            Self::Clean { .. } => "clean",
            Self::Fatal { .. } => "fatal",
            Self::Signal { .. } => "signal",
            Self::OutOfMemory { .. } => "out_of_memory",
            Self::MachineRestarted => "machine_restarted",
            Self::Killed { .. } => "killed",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing about it needs a look.
    #[must_use]
    pub const fn is_in_order(&self) -> bool {
        match self {
            Self::FirstRun | Self::Clean { .. } => true,
            Self::StillRunning
            | Self::Fatal { .. }
            | Self::Signal { .. }
            | Self::OutOfMemory { .. }
            | Self::MachineRestarted
            | Self::Killed { .. }
            | Self::Unknown => false,
        }
    }
}

impl From<Farewell> for RunEnding {
    fn from(farewell: Farewell) -> Self {
        match farewell {
            Farewell::Clean { reason } => Self::Clean { reason },
            Farewell::Fatal { cause, code } => Self::Fatal { cause, code },
            Farewell::Signal { signal } => Self::Signal { signal },
            Farewell::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for RunEnding {
    /// In plain words, as the end of a sentence that begins with "it".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstRun => f.write_str("was the first"),
            Self::StillRunning => f.write_str("is running"),
            Self::Clean { reason: None } => f.write_str("ended cleanly"),
            Self::Clean { reason: Some(reason) } => write!(f, "ended cleanly ({reason})"),
            Self::Fatal { cause, code } => write!(f, "ended with exit code {code}: {cause}"),
            Self::Signal { signal } => write!(f, "was ended by {signal}"),
            Self::OutOfMemory { kills, on_machine: true } => write!(
                f,
                "said no farewell, its control group has gone, and the kernel has killed for memory on this machine \
                 within moments (oom_kill rose by {kills}): out of memory"
            ),
            Self::OutOfMemory { kills, on_machine: false } => write!(
                f,
                "said no farewell, and the kernel has killed for memory in its control group since \
                 (oom_kill rose by {kills}): out of memory"
            ),
            Self::MachineRestarted => f.write_str("said no farewell: the machine was started again"),
            Self::Killed { memory_used_bytes, memory_limit_bytes } => {
                f.write_str("said no farewell: it was killed (SIGKILL, or a crash that left no word)")?;
                match (memory_used_bytes, memory_limit_bytes) {
                    (Some(used), Some(limit)) => {
                        write!(
                            f,
                            "; when last seen, its control group used {} of {} MiB",
                            used >> 20,
                            limit >> 20
                        )
                    }
                    (Some(_) | None, _) => Ok(()),
                }
            }
            Self::Unknown => f.write_str("ended in a way that only a newer version knows"),
        }
    }
}
