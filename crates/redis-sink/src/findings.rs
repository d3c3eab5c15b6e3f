use std::fmt;

/// What a check found out about a server that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// The server and its version, such as `redis 7.0.15`; `None` where it may not be asked.
    pub server: Option<String>,
    /// What an operator ought to know. Each reads as a sentence.
    pub concerns: Vec<Concern>,
    /// Settings that this user may not read, as on servers that others run; they were not checked.
    pub unread: Vec<&'static str>,
}

/// A reason why what was acknowledged may be lost after all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Concern {
    /// The server may not be asked for its settings.
    Unreadable {
        /// The server's words.
        reply: String,
    },
    /// A server older than any that this was tried with.
    Old {
        /// Its version.
        version: String,
    },
    /// Keys may be evicted when memory runs out: events, or a cursor without its events.
    Evicts {
        /// The policy.
        policy: String,
    },
    /// The memory ends before the high-water mark: the server then refuses what it has no room for, and entries wait.
    Small {
        /// What it may use, in bytes.
        maxmemory: u64,
        /// What a stream of that many entries takes, in bytes, as it was measured for commits of the firehose.
        needed: u64,
        /// The high-water mark, in entries.
        high_water: u64,
    },
    /// What is acknowledged does not survive the server's process.
    NotPersistent,
    /// What is acknowledged is written to the disk when the system pleases.
    NeverSyncs,
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { reply } => {
                write!(f, "the server's settings cannot be read and were not checked ({reply})")
            }
            Self::Old { version } => {
                write!(f, "version {version} is older than 6.2, the oldest that was tried")
            }
            Self::Evicts { policy } => write!(
                f,
                "maxmemory-policy {policy} may evict events, or a cursor alone; set it to noeviction"
            ),
            Self::Small { maxmemory, needed, high_water } => write!(
                f,
                "maxmemory of {} MB ends before the high-water mark of {high_water} entries, which take some {} MB; \
                 raise the one or lower the other",
                maxmemory / 1_000_000,
                needed / 1_000_000
            ),
            Self::NotPersistent => {
                f.write_str("appendonly is off, so a crash of the server loses events; set it to yes")
            }
            Self::NeverSyncs => f.write_str(
                "appendfsync is no, so a crash of the machine loses what was acknowledged in the last half minute \
                 or more; set it to everysec or always",
            ),
        }
    }
}
