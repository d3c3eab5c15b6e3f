use std::path::{Path, PathBuf};

/// Where one daemon's log lies. Several daemons can share a folder.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    pub(crate) folder: PathBuf,
    /// What is written to.
    pub(crate) current: PathBuf,
    /// What was written before that.
    pub(crate) older: PathBuf,
    /// The sign of life, and the lock.
    pub(crate) alive: PathBuf,
}

impl Paths {
    pub(crate) fn new(folder: &Path, daemon: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            current: folder.join(format!("{daemon}.jsonl")),
            older: folder.join(format!("{daemon}.older.jsonl")),
            alive: folder.join(format!("{daemon}.alive")),
        }
    }
}
