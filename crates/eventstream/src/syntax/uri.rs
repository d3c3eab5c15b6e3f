use super::text_type;
use crate::error::SyntaxError;

/// A URI of any scheme, as the lexicon's `uri` format has it: what a label is about.
///
/// Shape: a scheme of a letter and letters, digits, `+`, `-` and `.`; a colon; and at least one character more, none
/// of them white space or a control character. At most 8192 bytes. What follows the scheme is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uri<'a>(&'a str);

text_type!(Uri);

impl<'a> Uri<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 8192;

    /// The longest scheme accepted, in bytes.
    const MAX_SCHEME_LEN: usize = 80;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::Uri`] when it does not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        if text.len() <= Self::MAX_LEN && is_uri(text) { Ok(Self(text)) } else { Err(SyntaxError::Uri) }
    }
}

fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.len() <= Uri::MAX_SCHEME_LEN
        && scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(is_of_scheme)
        && !rest.is_empty()
        && !rest.chars().any(|character| character.is_whitespace() || character.is_control())
}
