use super::{Nsid, RecordKey};
use crate::error::SyntaxError;

/// Where a record lives in its repository: a collection and a record key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath<'a> {
    /// The collection.
    pub collection: Nsid<'a>,
    /// The key in it.
    pub rkey: RecordKey<'a>,
}

impl<'a> RepoPath<'a> {
    /// Splits `collection/rkey` at its one slash and checks both parts.
    ///
    /// # Errors
    /// [`SyntaxError::RepoPath`] without exactly one slash, else the error of the part that is wrong.
    #[inline]
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let slash = text.bytes().position(|byte| byte == b'/').ok_or(SyntaxError::RepoPath)?;
        let (collection, rkey) = (&text[..slash], &text[slash + 1..]);
        match (Nsid::parse(collection), RecordKey::parse(rkey)) {
            (Ok(collection), Ok(rkey)) => Ok(Self { collection, rkey }),
            _ if rkey.contains('/') => Err(SyntaxError::RepoPath),
            (Err(error), _) | (_, Err(error)) => Err(error),
        }
    }
}
