use redb::{Error, ReadTransaction, ReadableTable, TableDefinition, TableError, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::acknowledgement::LogId;

/// Cursors as plain text, by the text of their key.
pub(crate) const CURSORS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("cursors");
/// The epoch of the last writer, by the text of the cursor's key.
pub(crate) const FENCES: TableDefinition<'_, &str, u64> = TableDefinition::new("fences");
/// [`StreamState`], by the stream's name.
const STREAMS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("streams");
/// [`About`], under the one key that there is.
const ABOUT: TableDefinition<'_, (), &[u8]> = TableDefinition::new("about");

/// The version of this layout of tables and records.
const FORMAT: u32 = 1;

/// The name of the table that holds a stream's entries, by their index.
pub(crate) fn entries_of(stream: &str) -> String {
    format!("entries:{stream}")
}

/// The entries of a stream: index to field.
pub(crate) fn entries(name: &str) -> TableDefinition<'_, u64, &'static [u8]> {
    TableDefinition::new(name)
}

/// What the file is: a CBOR map, so that a later version can add to it.
#[derive(Debug, Serialize, Deserialize)]
struct About {
    format: u32,
    log: u64,
}

/// Where a stream of the log begins and ends: a CBOR map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamState {
    /// The index of the oldest entry; [`next`](Self::next) when there is none.
    pub(crate) first: u64,
    /// The index that the next entry gets. The first one is 1.
    pub(crate) next: u64,
    /// What the entries count together, by their [`weight`](Self::weight).
    pub(crate) bytes: u64,
}

impl StreamState {
    const EMPTY: Self = Self { first: 1, next: 1, bytes: 0 };

    /// What an entry counts: its own bytes, an eighth more, and 16. Entries of 592 bytes take 690 each in the file,
    /// since a page of 4 KiB holds six of them (measured in 2026-11).
    pub(crate) fn weight(entry: &[u8]) -> u64 {
        let len = entry.len() as u64;
        len + len / 8 + 16
    }

    /// Entries in the stream.
    pub(crate) fn len(&self) -> u64 {
        self.next.saturating_sub(self.first)
    }

    pub(crate) fn read(transaction: &ReadTransaction, stream: &str) -> Result<Self, Error> {
        match transaction.open_table(STREAMS) {
            Ok(table) => Self::of(&table, stream),
            Err(TableError::TableDoesNotExist(_)) => Ok(Self::EMPTY),
            Err(error) => Err(error.into()),
        }
    }

    /// The state as this transaction sees it.
    pub(crate) fn read_to_change(transaction: &WriteTransaction, stream: &str) -> Result<Self, Error> {
        Self::of(&transaction.open_table(STREAMS)?, stream)
    }

    pub(crate) fn write(self, transaction: &WriteTransaction, stream: &str) -> Result<(), Error> {
        let record = to_cbor(&self)?;
        transaction.open_table(STREAMS)?.insert(stream, record.as_slice())?;
        Ok(())
    }

    fn of(table: &impl ReadableTable<&'static str, &'static [u8]>, stream: &str) -> Result<Self, Error> {
        table.get(stream)?.map_or(Ok(Self::EMPTY), |record| from_cbor(record.value()))
    }
}

/// The log's id, if the file holds a log of ours; `None` in a new file.
///
/// # Errors
///
/// [`Error::UpgradeRequired`] for a format that this version does not know.
pub(crate) fn identify(transaction: &ReadTransaction) -> Result<Option<LogId>, Error> {
    let table = match transaction.open_table(ABOUT) {
        Ok(table) => table,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Some(record) = table.get(())? else { return Ok(None) };
    let about: About = from_cbor(record.value())?;
    match about.format {
        FORMAT => Ok(Some(LogId(about.log))),
        other => Err(Error::UpgradeRequired(u8::try_from(other).unwrap_or(u8::MAX))),
    }
}

/// Makes a new file a log.
pub(crate) fn found(transaction: &WriteTransaction, log: LogId) -> Result<(), Error> {
    let record = to_cbor(&About { format: FORMAT, log: log.0 })?;
    transaction.open_table(ABOUT)?.insert((), record.as_slice())?;
    transaction.open_table(STREAMS)?;
    transaction.open_table(CURSORS)?;
    transaction.open_table(FENCES)?;
    Ok(())
}

fn to_cbor(record: &impl Serialize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    ciborium::into_writer(record, &mut bytes).map_err(|error| Error::Corrupted(error.to_string()))?;
    Ok(bytes)
}

fn from_cbor<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, Error> {
    ciborium::from_reader(bytes).map_err(|error| Error::Corrupted(format!("record: {error}")))
}
