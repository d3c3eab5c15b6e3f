mod cursor;
mod snapshot;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redb::ReadOnlyDatabase;
use tokio::time::sleep;

use crate::acknowledgement::{Acknowledgement, LogId};
use crate::blocking::blocking;
use crate::{ReadError, ReaderName, StateFolder};

pub use cursor::stored_cursor;
use snapshot::Snapshot;

/// Where a reader of a stream begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// With the oldest entry that the log still has.
    Oldest,
    /// With what comes from now on.
    Newest,
    /// With the entry of this index. The first entry of a stream has index 1, and there are no holes.
    Index(u64),
    /// After what this reader has acknowledged; with the oldest entry when it has acknowledged nothing yet.
    Acknowledged(ReaderName),
}

/// What a reader finds next in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// An entry.
    Entry(Entry),
    /// The reader was overtaken: these entries left the log before they were read.
    Gap {
        /// The index of the first entry that is missing.
        first: u64,
        /// The index of the last one.
        last: u64,
    },
}

/// One entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the stream, from 1 without holes.
    pub index: u64,
    /// What was delivered: the field of the stream's entries.
    pub payload: Bytes,
}

/// Reads one stream of the embedded log, while a daemon writes it or after it died.
///
/// It sees whole batches only: at the end of what there is, the last entry ends a batch. It holds at most 1 MiB of
/// entries and one more, and never holds the writer up. A log that was left by a crash is repaired when it is
/// opened, which needs permission to write the file.
pub struct LogReader {
    folder: StateFolder,
    stream: Arc<str>,
    poll: Duration,
    database: Option<Arc<ReadOnlyDatabase>>,
    log: LogId,
    /// The index of the next entry to hand out.
    position: u64,
    fetched: VecDeque<Entry>,
}

impl LogReader {
    /// The default for [`poll_every`](Self::poll_every), 200 ms.
    pub const POLL: Duration = Duration::from_millis(200);
    const POLL_MIN: Duration = Duration::from_millis(10);

    /// Opens the log of this folder for reading a stream. A stream that nothing was delivered to yet is empty.
    ///
    /// Waits up to a minute for a process that is opening the file. Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`ReadError::Open`] when there is no log; [`ReadError::Beyond`] and [`ReadError::OtherLog`] when `from` is
    /// not in this log; [`ReadError::Acknowledgement`] when the stored acknowledgement is unreadable.
    pub async fn open(folder: StateFolder, stream: &str, from: ReadFrom) -> Result<Self, ReadError> {
        let database = snapshot::open(folder.log_file()).await?;
        let mut reader = Self {
            folder,
            stream: stream.into(),
            poll: Self::POLL,
            database: Some(database),
            log: LogId(0),
            position: 0,
            fetched: VecDeque::new(),
        };
        let snapshot = reader.snapshot(u64::MAX).await?;
        reader.log = snapshot.log;
        reader.position = match from {
            ReadFrom::Oldest => snapshot.state.first,
            ReadFrom::Newest => snapshot.state.next,
            ReadFrom::Index(index) => index.max(1),
            ReadFrom::Acknowledged(name) => match reader.acknowledged(&name).await? {
                Some(index) => index.saturating_add(1),
                None => snapshot.state.first,
            },
        };
        if reader.position > snapshot.state.next {
            return Err(reader.beyond(snapshot.state.next));
        }
        Ok(reader)
    }

    /// The same reader, looking for new entries this often while it follows; at least every 10 ms.
    #[must_use]
    pub fn poll_every(self, interval: Duration) -> Self {
        Self { poll: interval.max(Self::POLL_MIN), ..self }
    }

    /// The index of the entry that comes next.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next entry, or the gap before it; `None` at the end of what there is.
    ///
    /// Cancel-safe: nothing is lost with a cancelled call.
    ///
    /// # Errors
    ///
    /// [`ReadError::Log`] when the file cannot be read, [`ReadError::Beyond`] when the log was begun anew.
    pub async fn next(&mut self) -> Result<Option<Read>, ReadError> {
        if self.fetched.is_empty() {
            let Snapshot { state, entries, .. } = self.snapshot(self.position).await?;
            if state.next < self.position {
                return Err(self.beyond(state.next));
            }
            self.fetched = entries;
            if state.first > self.position {
                let gap = Read::Gap { first: self.position, last: state.first - 1 };
                self.position = state.first;
                return Ok(Some(gap));
            }
        }
        Ok(self.fetched.pop_front().map(|entry| {
            self.position = entry.index + 1;
            Read::Entry(entry)
        }))
    }

    /// The next entry, or the gap before it, waiting for it as long as it takes.
    ///
    /// Cancel-safe: nothing is lost with a cancelled call.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn follow(&mut self) -> Result<Read, ReadError> {
        loop {
            if let Some(read) = self.next().await? {
                return Ok(read);
            }
            sleep(self.poll).await;
        }
    }

    /// Acknowledges, durably, everything up to and including this index: a log that waits for this reader may let
    /// it go. The file is synced, so acknowledge once for many entries.
    ///
    /// Not cancel-safe: a cancelled call may or may not have stored it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Beyond`] for an index that was not read yet, [`ReadError::Acknowledgement`] when it cannot be
    /// stored.
    pub async fn acknowledge(&self, reader: &ReaderName, index: u64) -> Result<(), ReadError> {
        if index >= self.position {
            return Err(ReadError::Beyond { stream: self.stream.to_string(), index, next: self.position });
        }
        let path = self.folder.acknowledgement_file(&self.stream, reader);
        let acknowledgement = Acknowledgement { log: self.log, index };
        let file = path.clone();
        blocking(move || acknowledgement.write(&file))
            .await?
            .map_err(|source| ReadError::Acknowledgement { path, source })
    }

    async fn acknowledged(&self, reader: &ReaderName) -> Result<Option<u64>, ReadError> {
        let path = self.folder.acknowledgement_file(&self.stream, reader);
        let file = path.clone();
        match blocking(move || Acknowledgement::read(&file)).await? {
            Ok(None) => Ok(None),
            Ok(Some(stored)) if stored.log == self.log => Ok(Some(stored.index)),
            Ok(Some(_)) => Err(ReadError::OtherLog { path }),
            Err(source) => Err(ReadError::Acknowledgement { path, source }),
        }
    }

    /// What the log holds now. A handle that fails is opened anew once: a writer that crashed leaves it useless
    /// until the file is repaired.
    async fn snapshot(&mut self, from: u64) -> Result<Snapshot, ReadError> {
        let mut opened_anew = false;
        loop {
            let database = match &self.database {
                Some(database) => Arc::clone(database),
                None => Arc::clone(self.database.insert(snapshot::open(self.path()).await?)),
            };
            let stream = Arc::clone(&self.stream);
            match blocking(move || Snapshot::take(&database, &stream, from)).await? {
                Ok(snapshot) => return Ok(snapshot),
                Err(error) => {
                    self.database = None;
                    if opened_anew {
                        return Err(ReadError::Log { path: self.path(), source: Box::new(error) });
                    }
                    opened_anew = true;
                }
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.log_file()
    }

    fn beyond(&self, next: u64) -> ReadError {
        ReadError::Beyond { stream: self.stream.to_string(), index: self.position, next }
    }
}
