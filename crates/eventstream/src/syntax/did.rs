use super::{all, text_type};
use crate::error::SyntaxError;

/// How a DID is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DidMethod {
    /// `did:plc:…`, by the PLC directory.
    Plc,
    /// `did:web:…`, by the host that it names.
    Web,
    /// A method that the network does not use.
    Other,
}

/// A decentralised identifier, the permanent name of an account.
///
/// Shape: `did:`, a method of `[a-z]+`, `:`, and up to 2048 bytes in all of `[A-Za-z0-9._:%-]` that do not end
/// in `:` or `%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Did<'a>(&'a str);

text_type!(Did);

impl<'a> Did<'a> {
    /// The longest accepted, in bytes.
    pub const MAX_LEN: usize = 2048;

    /// Checks the grammar.
    ///
    /// # Errors
    /// [`SyntaxError::Did`] when it does not hold.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let is_did = text.len() <= Self::MAX_LEN && text.strip_prefix("did:").is_some_and(is_did_rest);
        if is_did { Ok(Self(text)) } else { Err(SyntaxError::Did) }
    }

    /// How it is resolved.
    #[must_use]
    #[inline]
    pub fn method(self) -> DidMethod {
        if self.0.starts_with("did:plc:") {
            DidMethod::Plc
        } else if self.0.starts_with("did:web:") {
            DidMethod::Web
        } else {
            DidMethod::Other
        }
    }
}

#[inline]
fn is_did_rest(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let Some(method_len) = bytes.iter().position(|byte| *byte == b':') else { return false };
    let (method, identifier) = bytes.split_at(method_len);
    let Some((last, _)) = identifier[1..].split_last() else { return false };
    !method.is_empty()
        && method.iter().all(u8::is_ascii_lowercase)
        && !matches!(last, b':' | b'%')
        && all(identifier, |byte| {
            byte.is_ascii_alphanumeric() | matches!(byte, b'.' | b'_' | b':' | b'%' | b'-')
        })
}
