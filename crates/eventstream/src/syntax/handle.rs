use super::{is_host_label, text_type};
use crate::error::SyntaxError;

/// A handle, the changeable hostname of an account.
///
/// Shape: at least two labels of 1 to 63 letters, digits and inner hyphens, 253 bytes in all, the last label
/// beginning with a letter. Letter case is kept; `handle.invalid` is valid syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle<'a>(&'a str);

text_type!(Handle);

impl<'a> Handle<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 253;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::Handle`] when it does not hold.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let Some((_, last)) = text.rsplit_once('.') else { return Err(SyntaxError::Handle) };
        let is_handle = text.len() <= Self::MAX_LEN
            && last.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
            && text.as_bytes().split(|byte| *byte == b'.').all(is_host_label);
        if is_handle { Ok(Self(text)) } else { Err(SyntaxError::Handle) }
    }
}
