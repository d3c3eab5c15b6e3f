use super::text_type;
use crate::error::SyntaxError;

/// The text of a CID of any kind, as the lexicon's `cid` format has it.
///
/// Shape: 8 to 256 letters, digits, `+` and `=`, and not the beginning of a CID of version 0, `Qm`. It says nothing of version, codec and hash: those that name blocks of
/// the protocol are [`CidBuf`](crate::CidBuf).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CidSyntax<'a>(&'a str);

text_type!(CidSyntax);

impl<'a> CidSyntax<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::Cid`] when it does not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let is_of_cid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'=');
        let is_cid = (8..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with("Qm")
            && text.bytes().all(is_of_cid);
        if is_cid { Ok(Self(text)) } else { Err(SyntaxError::Cid) }
    }
}
