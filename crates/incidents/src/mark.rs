use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::thread::park_timeout;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Farewell;
use crate::incident::cut;
use crate::surroundings::Memory;

/// The sign of life is one write of one block, so that it is seldom torn and needs no new room on a full disk.
const BLOCK: usize = 2 << 10;
/// The most bytes of a cause in it, of which each may take six as JSON.
const CAUSE_BYTES: usize = 200;
/// A reader holds the lock for an instant, to see whether a daemon does.
const LOCK_TRIES: u32 = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// What a run says of itself all the time, for the case that it cannot say farewell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) run: String,
    pub(crate) pid: u32,
    pub(crate) started_at: Timestamp,
    pub(crate) alive_at: Timestamp,
    pub(crate) ran_for_ms: u64,
    pub(crate) boot_id: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) group_id: Option<u64>,
    pub(crate) oom_kills: Option<u64>,
    pub(crate) machine_oom_kills: Option<u64>,
    pub(crate) memory_used_bytes: Option<u64>,
    pub(crate) memory_limit_bytes: Option<u64>,
    pub(crate) farewell: Option<Farewell>,
}

impl Mark {
    /// What was written last; `None` where there is nothing, or nothing that can be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        serde_json::from_str(text.trim_end()).ok()
    }

    pub(crate) fn breathe(&mut self, ran_for_ms: u64, memory: Memory) {
        self.alive_at = Timestamp::now();
        self.ran_for_ms = ran_for_ms;
        self.group = memory.group;
        self.group_id = memory.group_id;
        self.oom_kills = memory.oom_kills;
        self.machine_oom_kills = memory.machine_oom_kills;
        self.memory_used_bytes = memory.used_bytes;
        self.memory_limit_bytes = memory.limit_bytes;
    }

    pub(crate) fn say_farewell(&mut self, farewell: &Farewell) {
        let mut farewell = farewell.clone();
        if let Farewell::Fatal { cause, .. } = &mut farewell {
            *cause = cut(cause, CAUSE_BYTES);
        }
        self.farewell = Some(farewell);
    }
}

/// The file of the mark. Whoever holds its lock writes the log.
#[derive(Debug)]
pub(crate) struct MarkFile(File);

/// Why the mark cannot be had.
#[derive(Debug)]
pub(crate) enum NoMark {
    /// Another process writes this log.
    Taken,
    /// The system refuses.
    Refused(io::Error),
}

impl MarkFile {
    pub(crate) fn open(path: &Path) -> Result<Self, NoMark> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(NoMark::Refused)?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                // A file system without locks is as good as one where nobody else has it.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => park_timeout(LOCK_PAUSE),
            }
        }
        Err(NoMark::Taken)
    }

    pub(crate) fn write(&self, mark: &Mark) -> io::Result<()> {
        let mut block = serde_json::to_vec(mark)?;
        block.resize(block.len().max(BLOCK - 1), b' ');
        block.push(b'\n');
        self.0.write_all_at(&block, 0)?;
        if block.len() > BLOCK { Ok(()) } else { self.0.set_len(BLOCK as u64) }
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Whether a process holds the lock at this moment.
pub(crate) fn is_held(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
