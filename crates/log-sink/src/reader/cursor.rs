use std::io;

use redb::{Error, ReadableDatabase, TableError};
use standpipe_cursor::{Cursor, CursorError, CursorKey};

use super::snapshot;
use crate::blocking::blocking;
use crate::log::read_cursor;
use crate::tables::CURSORS;
use crate::{ReadError, StateFolder};

/// What the embedded log has stored under the key, read beside the process that writes it; `None` where nothing is, or
/// where there is no log.
///
/// Waits up to a minute for a process that is opening the file. Cancel-safe: it only reads.
///
/// # Errors
///
/// See [`CursorError`]; an error never means "nothing is stored".
pub async fn stored_cursor(folder: &StateFolder, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
    let database = match snapshot::open(folder.log_file()).await {
        Ok(database) => database,
        Err(ReadError::Open { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(CursorError::Refused(error.into())),
    };
    let name = key.to_string();
    let stored = blocking(move || -> Result<_, Error> {
        match database.begin_read()?.open_table(CURSORS) {
            Ok(cursors) => Ok(cursors.get(name.as_str())?.map(|text| text.value().to_vec())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    });
    let stored = stored.await.map_err(|_| CursorError::Unavailable("the process is ending".into()))?;
    read_cursor(stored.map_err(|error| CursorError::Refused(error.into()))?)
}
