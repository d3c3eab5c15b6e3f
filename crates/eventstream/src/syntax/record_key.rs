use super::{all, text_type};
use crate::error::SyntaxError;

/// A record key, the name of a record in its collection.
///
/// Shape: 1 to 512 bytes of `[A-Za-z0-9._:~-]`, neither `.` nor `..`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey<'a>(&'a str);

text_type!(RecordKey);

impl<'a> RecordKey<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 512;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::RecordKey`] when it does not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let is_key = (1..=Self::MAX_LEN).contains(&text.len())
            && !matches!(text, "." | "..")
            && all(text.as_bytes(), |byte| {
                byte.is_ascii_alphanumeric() | matches!(byte, b'.' | b'_' | b':' | b'~' | b'-')
            });
        if is_key { Ok(Self(text)) } else { Err(SyntaxError::RecordKey) }
    }
}
