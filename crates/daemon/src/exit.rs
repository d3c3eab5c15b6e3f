//! The exit codes of every daemon.
//!
//! A process manager can act on them: 64 and 71 need a human, 70 may be restarted, 0 was asked for. Another code
//! comes from outside, such as 137 for SIGKILL or the out-of-memory killer.

/// It was asked to stop and did, or its work is done.
pub const STOPPED: u8 = 0;

/// A health check found the daemon not ready, or not there.
pub const NOT_READY: u8 = 1;

/// A command for operators did nothing, and said why.
pub const NOT_DONE: u8 = 1;

/// Settings are missing, unknown or wrong; nothing was started. `EX_USAGE` of sysexits.
pub const CONFIGURATION: u8 = 64;

/// A child failed too often, and `on_give_up = "exit"` says to leave then. `EX_SOFTWARE` of sysexits.
pub const GAVE_UP: u8 = 70;

/// The settings are sound, but what they name cannot be had: a port is taken, a folder cannot be written, the sink
/// refuses. `EX_OSERR` of sysexits.
pub const COULD_NOT_START: u8 = 71;

/// The process panicked outside of its children: the code of the standard library.
pub const PANICKED: u8 = 101;
