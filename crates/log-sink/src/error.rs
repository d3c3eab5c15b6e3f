use std::io;
use std::path::PathBuf;

use standpipe_cursor::{CursorError, CursorKey};
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

use crate::blocking::Interrupted;

/// Why the embedded log cannot be written.
///
/// A disk that is full or fails is none of these: deliveries wait for it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another process writes this log.
    #[error(
        "open the log {}: another process writes it; stop that one, or give this one a state folder of its own",
        path.display()
    )]
    InUse {
        /// The log's file.
        path: PathBuf,
    },
    /// The file cannot be had: permissions, a missing mount, a file system without locks.
    #[error("open the log {}", path.display())]
    Open {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no log of ours, or of a version that this program does not know.
    #[error("open the log {}: it is not a log that this version can read; move it away to begin a new one", path.display())]
    Foreign {
        /// The log's file.
        path: PathBuf,
        /// What was found instead.
        #[source]
        source: Box<redb::Error>,
    },
    /// The file's content contradicts itself. An operator has to look; nothing is repaired by guessing.
    #[error("use the log {}: it is damaged", path.display())]
    Damaged {
        /// The log's file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Box<redb::Error>,
    },
    /// Another writer of this process took over the host.
    #[error("deliver to {key}: another writer took over (epoch {current}, ours {ours})")]
    Fenced {
        /// The host's cursor.
        key: CursorKey,
        /// This writer's epoch.
        ours: u64,
        /// The epoch that is stored.
        current: u64,
    },
    /// The batch does not follow what is stored. A new writer goes on from what is.
    #[error("deliver to {key}: the batch follows {expected:?}, stored is {stored:?}")]
    Mismatch {
        /// The host's cursor.
        key: CursorKey,
        /// The cursor that the batch follows.
        expected: Option<String>,
        /// The cursor that is stored.
        stored: Option<String>,
    },
    /// The stored cursor is unreadable.
    #[error("go on from {key}")]
    Cursor {
        /// The host's cursor.
        key: CursorKey,
        /// What is stored.
        #[source]
        source: CursorError,
    },
    /// The runtime ends. Nothing was stored by this call.
    #[error("use the log: the process is ending")]
    Interrupted,
}

impl Transient for LogError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Mismatch { .. } | Self::Interrupted => Remedy::Retry,
            Self::InUse { .. }
            | Self::Open { .. }
            | Self::Foreign { .. }
            | Self::Damaged { .. }
            | Self::Fenced { .. }
            | Self::Cursor { .. } => Remedy::Fail,
        }
    }
}

impl From<Interrupted> for LogError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Why a log cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is no log, or it cannot be opened.
    #[error("open the log {}", path.display())]
    Open {
        /// The log's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no log of ours, is damaged, or fails to be read.
    #[error("read the log {}", path.display())]
    Log {
        /// The log's file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: Box<redb::Error>,
    },
    /// The log was not closed, and it cannot be repaired while another process holds it.
    #[error("read the log {}: it was not closed, and the process that holds it does not repair it", path.display())]
    Unrepaired {
        /// The log's file.
        path: PathBuf,
    },
    /// The place to begin is after the end: the log was begun anew, or the index is another stream's.
    #[error("read {stream} from index {index}: the next entry will be {next}")]
    Beyond {
        /// The stream.
        stream: String,
        /// Where reading was to begin.
        index: u64,
        /// The index that the next entry will have.
        next: u64,
    },
    /// What is acknowledged belongs to a log that was here before this one.
    #[error("go on after the acknowledgement {}: it is of another log; remove it to begin anew", path.display())]
    OtherLog {
        /// The acknowledgement's file.
        path: PathBuf,
    },
    /// The acknowledgement cannot be read or stored.
    #[error("use the acknowledgement {}", path.display())]
    Acknowledgement {
        /// Its file.
        path: PathBuf,
        /// What the system said; invalid data where it is no acknowledgement.
        #[source]
        source: io::Error,
    },
    /// The runtime ends.
    #[error("read the log: the process is ending")]
    Interrupted,
}

impl From<Interrupted> for ReadError {
    fn from(_: Interrupted) -> Self {
        Self::Interrupted
    }
}

/// Why lines cannot be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LinesError {
    /// Another process writes lines with the cursors of this folder.
    #[error(
        "lock {}: another process writes lines from these cursors; stop that one, or give this one a state folder of its own",
        path.display()
    )]
    InUse {
        /// The lock's file.
        path: PathBuf,
    },
    /// The state folder cannot be used.
    #[error("lock {}", path.display())]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody reads the lines any more. There is nothing left to do for this process: it should end.
    #[error("write lines: nobody reads them any more")]
    ReaderGone,
    /// The lines could not be written. They are written again from the stored cursor; what was cut is ended by a
    /// newline first.
    #[error("write lines")]
    Write(#[source] io::Error),
    /// Another writer of this process took over the host.
    #[error("write lines of {key}: another writer took over")]
    Fenced {
        /// The host's cursor.
        key: CursorKey,
    },
    /// The batch does not follow what is stored. A new writer goes on from what is.
    #[error("write lines of {key}: the batch follows {expected:?}, stored is {stored:?}")]
    Mismatch {
        /// The host's cursor.
        key: CursorKey,
        /// The cursor that the batch follows.
        expected: Option<String>,
        /// The cursor that is stored.
        stored: Option<String>,
    },
    /// The stored cursor is unreadable, or cannot be had.
    #[error("go on from {key}")]
    Cursor {
        /// The host's cursor.
        key: CursorKey,
        /// What is stored.
        #[source]
        source: CursorError,
    },
}

impl Transient for LinesError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Write(_) | Self::Mismatch { .. } => Remedy::Retry,
            Self::InUse { .. }
            | Self::Lock { .. }
            | Self::ReaderGone
            | Self::Fenced { .. }
            | Self::Cursor { .. } => Remedy::Fail,
        }
    }
}
