use std::fs;
use std::io;
use std::path::Path;

use crate::acknowledgement::{Acknowledgement, LogId};
use crate::seldom::Seldom;
use crate::tables::StreamState;
use crate::{Block, ReaderName, StateFolder};

/// What the readers of the log have acknowledged, as the writer sees it: their files, read when it matters.
///
/// An acknowledgement that is unreadable, of another log or beyond the end acknowledges nothing.
pub(crate) struct Readers {
    folder: StateFolder,
    warned: Seldom,
}

impl Readers {
    pub(crate) fn new(folder: StateFolder) -> Self {
        Self { folder, warned: Seldom::default() }
    }

    /// The oldest index that one of the named readers still wants.
    pub(crate) fn first_wanted(&self, block: &Block, log: LogId, stream: &str, state: &StreamState) -> u64 {
        let wanted = |reader: &ReaderName| {
            self.acknowledged(&self.folder.acknowledgement_file(stream, reader), log, state)
        };
        let acknowledged_by_all = block.readers().iter().map(wanted).min().unwrap_or(0);
        state.first.max(acknowledged_by_all + 1)
    }

    /// Entries that one of the named readers still wants.
    pub(crate) fn backlog(&self, block: &Block, log: LogId, stream: &str, state: &StreamState) -> u64 {
        state.next.saturating_sub(self.first_wanted(block, log, stream, state))
    }

    /// How many of the entries between two states were unread when they left: all, where no reader is known.
    pub(crate) fn unread(&self, log: LogId, stream: &str, before: &StreamState, after: &StreamState) -> u64 {
        let acknowledged_by_all = match self.slowest(log, stream, after) {
            Ok(slowest) => slowest.unwrap_or(0),
            Err(error) => {
                self.warn(&self.folder.acknowledgements(stream), &error);
                0
            }
        };
        after.first.saturating_sub(before.first.max(acknowledged_by_all + 1))
    }

    /// The smallest index that some reader in the folder has acknowledged.
    fn slowest(&self, log: LogId, stream: &str, state: &StreamState) -> io::Result<Option<u64>> {
        let files = match fs::read_dir(self.folder.acknowledgements(stream)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            files => files?,
        };
        let mut slowest = None;
        for file in files {
            let file = file?;
            if file.file_name().to_string_lossy().parse::<ReaderName>().is_ok() {
                let acknowledged = self.acknowledged(&file.path(), log, state);
                slowest = Some(slowest.map_or(acknowledged, |least: u64| least.min(acknowledged)));
            }
        }
        Ok(slowest)
    }

    fn acknowledged(&self, path: &Path, log: LogId, state: &StreamState) -> u64 {
        match Acknowledgement::read(path) {
            Ok(None) => 0,
            Ok(Some(stored)) if stored.log == log && stored.index < state.next => stored.index,
            Ok(Some(_)) => {
                self.warn(path, &io::Error::other("it is of another log"));
                0
            }
            Err(error) => {
                self.warn(path, &error);
                0
            }
        }
    }

    fn warn(&self, path: &Path, error: &io::Error) {
        if self.warned.is_due() {
            tracing::warn!(path = %path.display(), %error, "an acknowledgement cannot be used and acknowledges nothing");
        }
    }
}
