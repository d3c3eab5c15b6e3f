use std::fmt::Write;
use std::path::{Path, PathBuf};

use standpipe_cursor::CursorKey;

use crate::ReaderName;

/// The folder in which a daemon keeps what must outlive it, and the one layout of it.
///
/// ```text
/// log.redb                  the embedded log: entries, cursors, fences
/// acks/{stream}/{reader}    how far a named reader has acknowledged
/// cursors/{stream}/{host}   cursors of sinks without transactions
/// lines.lock                held by the process that writes lines
/// ```
///
/// Streams and hosts are written with every byte outside `A-Za-z0-9._-` as `%XX`, and a leading dot too. A file whose
/// name ends in `~` is one that was being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateFolder(PathBuf);

impl StateFolder {
    /// The folder at this path. It is created when something is first stored in it.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The file of the embedded log.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.0.join("log.redb")
    }

    /// The file in which a reader of a stream says how far it has acknowledged.
    #[must_use]
    pub fn acknowledgement_file(&self, stream: &str, reader: &ReaderName) -> PathBuf {
        self.acknowledgements(stream).join(reader.as_str())
    }

    /// The file of a host's cursor, for sinks without transactions.
    #[must_use]
    pub fn cursor_file(&self, key: &CursorKey) -> PathBuf {
        self.0.join("cursors").join(file_name(key.stream())).join(file_name(key.host()))
    }

    pub(crate) fn acknowledgements(&self, stream: &str) -> PathBuf {
        self.0.join("acks").join(file_name(stream))
    }

    pub(crate) fn lines_lock(&self) -> PathBuf {
        self.0.join("lines.lock")
    }
}

/// The text as a file name that no other text shares and no system reads otherwise.
fn file_name(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (at, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'.' && at > 0);
        if plain {
            name.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(file_name(text), expected);
    }

    #[test]
    fn a_name_stays_inside_its_folder_and_readable() {
        check("firehose_live", "firehose_live");
        check("relay1.us-east.bsky.network", "relay1.us-east.bsky.network");
        check("127.0.0.1:7777", "127.0.0.1%3A7777");
        check("[::1]:80", "%5B%3A%3A1%5D%3A80");
        check("..", "%2E.");
        check("a/b%2F~", "a%2Fb%252F%7E");
    }
}
