use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use thiserror::Error;

use crate::durable_file;

/// The name under which a reader acknowledges entries: 1 to 64 of `a-z`, `A-Z`, `0-9`, `_`, `-` and `.`, the first
/// one not a dot. One reader, one name: two processes under the same name acknowledge for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReaderName(String);

impl ReaderName {
    /// The longest name in bytes.
    pub const MAX_LEN: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReaderName {
    type Err = ReaderNameError;

    fn from_str(text: &str) -> Result<Self, ReaderNameError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if text.is_empty() || text.len() > Self::MAX_LEN || text.starts_with('.') || !text.bytes().all(plain)
        {
            return Err(ReaderNameError { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that names no reader.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "reader name {text:?} is not 1 to 64 letters, digits, dots, dashes and underscores with no dot in front"
)]
pub struct ReaderNameError {
    /// The text as written.
    pub text: String,
}

/// What tells one log from another that was begun in its place: indexes of the one mean nothing in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogId(pub(crate) u64);

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How far a reader has acknowledged: everything up to and including an index of one log.
///
/// Stored as one line, the log's id in 16 hexadecimal digits and the index in decimal: `9f3a…c1 31527`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) log: LogId,
    pub(crate) index: u64,
}

impl Acknowledgement {
    /// What is stored in the file, or `None` when there is no file.
    pub(crate) fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(text) => match Self::parse(&text) {
                Some(acknowledgement) => Ok(Some(acknowledgement)),
                None => Err(io::ErrorKind::InvalidData.into()),
            },
        }
    }

    /// Stores it durably in the place of what was there.
    pub(crate) fn write(self, path: &Path) -> io::Result<()> {
        durable_file::replace(path, &format!("{} {}\n", self.log, self.index))
    }

    fn parse(text: &str) -> Option<Self> {
        let (log, index) = text.strip_suffix('\n')?.split_once(' ')?;
        let exact = log.len() == 16 && index.bytes().all(|byte| byte.is_ascii_digit());
        let log = LogId(u64::from_str_radix(log, 16).ok()?);
        exact.then_some(Self { log, index: index.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_name_is_a_plain_file_name() {
        for name in ["indexer", "A.b-c_9", &"x".repeat(64)] {
            assert_eq!(name.parse::<ReaderName>().unwrap().as_str(), name);
        }
        for name in ["", ".hidden", "..", "a/b", "a~", "a b", "é", &"x".repeat(65)] {
            assert!(name.parse::<ReaderName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn an_acknowledgement_is_read_back_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("acks/firehose_live/indexer");
        assert_eq!(Acknowledgement::read(&path).unwrap(), None);
        let stored = Acknowledgement { log: LogId(0x9f), index: 31_527 };
        stored.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "000000000000009f 31527\n");
        assert_eq!(Acknowledgement::read(&path).unwrap(), Some(stored));
        for torn in ["", "000000000000009f", "000000000000009f 31", "9f 31527\n", "000000000000009f +1\n"] {
            std::fs::write(&path, torn).unwrap();
            assert_eq!(
                Acknowledgement::read(&path).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{torn:?}"
            );
        }
    }
}
