use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use redb::{Error, ReadOnlyDatabase, ReadableDatabase, TableError};
use tokio::time::{Instant, sleep};

use crate::acknowledgement::LogId;
use crate::blocking::blocking;
use crate::log::builder;
use crate::tables::{StreamState, entries, entries_of, identify};
use crate::{Entry, ReadError};

/// The most that is fetched at once.
const FETCH_ENTRIES: usize = 1_000;
const FETCH_BYTES: usize = 1 << 20;
/// Memory for pages of the file.
const CACHE_BYTES: usize = 8 << 20;
/// How long a process is waited for that opens, and perhaps repairs, the file.
const HELD: Duration = Duration::from_mins(1);
const HELD_RETRY: Duration = Duration::from_millis(100);

/// What one committed state of the log holds of a stream, from an index on.
pub(super) struct Snapshot {
    pub(super) log: LogId,
    pub(super) state: StreamState,
    pub(super) entries: VecDeque<Entry>,
}

impl Snapshot {
    pub(super) fn take(database: &ReadOnlyDatabase, stream: &str, from: u64) -> Result<Self, Error> {
        let transaction = database.begin_read()?;
        let Some(log) = identify(&transaction)? else {
            return Err(Error::Corrupted("the file is no log".to_owned()));
        };
        let state = StreamState::read(&transaction, stream)?;
        let mut fetched = VecDeque::new();
        let name = entries_of(stream);
        match transaction.open_table(entries(&name)) {
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(table) => {
                let mut bytes = 0;
                for entry in table.range(from.max(state.first)..)? {
                    let (index, payload) = entry?;
                    let payload = Bytes::copy_from_slice(payload.value());
                    bytes += payload.len();
                    fetched.push_back(Entry { index: index.value(), payload });
                    if fetched.len() == FETCH_ENTRIES || bytes >= FETCH_BYTES {
                        break;
                    }
                }
            }
        }
        Ok(Self { log, state, entries: fetched })
    }
}

/// Opens the file for reading beside a writer, repairing it where a writer that died has left it.
pub(super) async fn open(path: PathBuf) -> Result<Arc<ReadOnlyDatabase>, ReadError> {
    let give_up_at = Instant::now() + HELD;
    loop {
        let file = path.clone();
        match blocking(move || open_or_repair(&file)).await? {
            Ok(Some(database)) => return Ok(Arc::new(database)),
            Ok(None) if Instant::now() < give_up_at => sleep(HELD_RETRY).await,
            Ok(None) => return Err(ReadError::Unrepaired { path }),
            Err(Error::Io(source)) if source.kind() != io::ErrorKind::InvalidData => {
                return Err(ReadError::Open { path, source });
            }
            Err(error) => return Err(ReadError::Log { path, source: Box::new(error) }),
        }
    }
}

/// `None` while another process holds the file and may be repairing it.
fn open_or_repair(path: &Path) -> Result<Option<ReadOnlyDatabase>, Error> {
    match builder(CACHE_BYTES).open_read_only(path).map_err(Error::from) {
        Ok(database) => return Ok(Some(database)),
        Err(Error::DatabaseAlreadyOpen) => return Ok(None),
        Err(Error::RepairAborted) => {}
        Err(error) => return Err(error),
    }
    // Only who opens for writing may repair, and only while nobody else writes.
    match builder(CACHE_BYTES).open(path).map_err(Error::from) {
        Ok(repaired) => repaired.close()?,
        Err(Error::DatabaseAlreadyOpen) => return Ok(None),
        Err(error) => return Err(error),
    }
    builder(CACHE_BYTES).open_read_only(path).map(Some).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::found;

    #[test]
    fn i7_a_snapshot_holds_a_bounded_part_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.redb");
        let database = builder(CACHE_BYTES).create(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        found(&transaction, LogId(7)).unwrap();
        for (stream, count, len) in [("many", 3000, 1), ("large", 30, 100_000)] {
            let mut table = transaction.open_table(entries(&entries_of(stream))).unwrap();
            for index in 1..=count {
                table.insert(index, vec![b'x'; len].as_slice()).unwrap();
            }
            StreamState { first: 1, next: count + 1, bytes: 0 }.write(&transaction, stream).unwrap();
        }
        transaction.commit().unwrap();
        let reader = open_or_repair(&path).unwrap().unwrap();
        for (stream, fetched) in [("many", FETCH_ENTRIES), ("large", 11)] {
            let snapshot = Snapshot::take(&reader, stream, 1).unwrap();
            assert_eq!((snapshot.log, snapshot.entries.len()), (LogId(7), fetched));
        }
    }
}
