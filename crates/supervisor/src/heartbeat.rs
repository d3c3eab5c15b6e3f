use std::time::Duration;

use crate::ChildStatus;

/// A sign of life of one child, at every heartbeat period until it has ended for good.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    /// How the child is.
    pub status: ChildStatus,
    /// Events done since the last heartbeat.
    pub events: u64,
    /// Bytes done since the last heartbeat.
    pub bytes: u64,
    /// The time since the last heartbeat; for the first, since the supervisor took the child on.
    pub since: Duration,
}
