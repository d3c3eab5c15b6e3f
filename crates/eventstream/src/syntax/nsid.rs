use super::text_type;
use crate::error::SyntaxError;

/// A namespaced identifier, the name of a collection.
///
/// Shape: at least three segments joined by dots, 317 bytes in all; the authority (all but the last) is a
/// reversed hostname whose first segment begins with a letter; the last is a letter and up to
/// 62 letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nsid<'a>(&'a str);

text_type!(Nsid);

impl<'a> Nsid<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 317;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::Nsid`] when it does not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        if text.len() <= Self::MAX_LEN && is_nsid(text.as_bytes()) {
            Ok(Self(text))
        } else {
            Err(SyntaxError::Nsid)
        }
    }
}

/// Walks the segments in one pass.
#[inline]
fn is_nsid(bytes: &[u8]) -> bool {
    let (mut segments, mut start) = (1, 0);
    let (mut has_hyphen, mut last) = (false, b'.');
    for (position, &byte) in bytes.iter().enumerate() {
        match byte {
            b'.' if is_segment_len(position - start) && last != b'-' => {
                segments += 1;
                start = position + 1;
                has_hyphen = false;
            }
            b'-' if last != b'.' => has_hyphen = true,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => {}
            _ => return false,
        }
        last = byte;
    }
    let is_letter = |position: usize| bytes.get(position).is_some_and(u8::is_ascii_alphabetic);
    segments >= 3 && is_segment_len(bytes.len() - start) && !has_hyphen && is_letter(0) && is_letter(start)
}

#[inline]
fn is_segment_len(len: usize) -> bool {
    (1..=63).contains(&len)
}
