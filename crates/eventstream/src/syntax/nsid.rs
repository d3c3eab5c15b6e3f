use super::{is_host_label, text_type};
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
        let bytes = text.as_bytes();
        let Some(last_dot) = bytes.iter().rposition(|byte| *byte == b'.') else {
            return Err(SyntaxError::Nsid);
        };
        let (authority, name) = (&bytes[..last_dot], &bytes[last_dot + 1..]);
        if text.len() <= Self::MAX_LEN && is_authority(authority) && is_name(name) {
            Ok(Self(text))
        } else {
            Err(SyntaxError::Nsid)
        }
    }
}

#[inline]
fn is_authority(authority: &[u8]) -> bool {
    let mut segments = 0;
    authority.first().is_some_and(u8::is_ascii_alphabetic)
        && authority.split(|byte| *byte == b'.').inspect(|_| segments += 1).all(is_host_label)
        && segments >= 2
}

#[inline]
fn is_name(name: &[u8]) -> bool {
    name.len() <= 63
        && name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(u8::is_ascii_alphanumeric)
}
