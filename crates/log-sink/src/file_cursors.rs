use std::fs;
use std::io;
use std::path::Path;

use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};

use crate::blocking::{Interrupted, blocking};
use crate::{StateFolder, durable_file};

/// Cursors as small text files, one for each host, in the state folder: for sinks without transactions.
///
/// A file holds the cursor's text and a newline. It is replaced as a whole: written beside, synced, renamed, and the
/// folder synced, so a crash leaves the one cursor or the other.
#[derive(Clone, Debug)]
pub struct FileCursors {
    folder: StateFolder,
}

impl FileCursors {
    /// The cursors of this folder.
    #[must_use]
    pub fn new(folder: StateFolder) -> Self {
        Self { folder }
    }
}

impl CursorStore for FileCursors {
    async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        let path = self.folder.cursor_file(key);
        blocking(move || read(&path)).await.map_err(interrupted)?
    }

    async fn save(&self, key: &CursorKey, cursor: &Cursor) -> Result<(), CursorError> {
        let path = self.folder.cursor_file(key);
        let text = format!("{cursor}\n");
        blocking(move || durable_file::replace(&path, &text)).await.map_err(interrupted)?.map_err(judge)
    }

    async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        let path = self.folder.cursor_file(key);
        blocking(move || remove(&path)).await.map_err(interrupted)?.map_err(judge)
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn read(path: &Path) -> Result<Option<Cursor>, CursorError> {
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(judge(error)),
        Ok(bytes) => bytes,
    };
    match str::from_utf8(&bytes) {
        Ok(text) => Cursor::parse(text.strip_suffix('\n').unwrap_or(text)).map(Some),
        Err(_) => Err(CursorError::unreadable(&String::from_utf8_lossy(&bytes))),
    }
}

fn judge(error: io::Error) -> CursorError {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the standard library's enum is not exhaustive")]
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::InvalidFilename => CursorError::Refused(error.into()),
        _ => CursorError::Unavailable(error.into()),
    }
}

fn interrupted(_: Interrupted) -> CursorError {
    CursorError::Unavailable("the process is ending".into())
}
