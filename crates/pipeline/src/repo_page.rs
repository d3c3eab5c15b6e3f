use standpipe_cursor::Cursor;

use crate::Counts;

/// One page of a host's list of repositories, for a decoder that makes one frame of it: entries and cursor of a page
/// are stored in one step.
///
/// The source that has pages and the decoder that writes entries live in crates that do not see each other.
///
/// A page never leads back to the cursor that it follows. Where a host repeats a cursor, that is the source's trouble:
/// a sink could not tell the second delivery of such a page from its first.
pub trait RepoPage: Send {
    /// What the host calls the place behind this page, to the byte; `None`: the host calls it the last page.
    fn through(&self) -> Option<&Cursor>;

    /// The rows in the host's order, unjudged; none is legal.
    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>>;

    /// Rows that the source could not make sense of, by reason.
    fn unreadable(&self) -> &Counts;

    /// Bytes of the page's body.
    fn received_bytes(&self) -> usize;
}

/// One row of a host's list of repositories, with what the host says of it and no more.
///
/// The row's `head` is not among it: it is stale by nature, and no entry holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepoRow<'a> {
    /// The account, perhaps not a DID at all.
    pub did: &'a str,
    /// The repo's revision, perhaps not a TID; empty where the host gives none (a list by collection has no
    /// revisions).
    pub rev: &'a str,
    /// Why the account is not active, or in what state it is active.
    pub status: Option<&'a str>,
    /// Whether the account is active; so where the host does not say.
    pub active: bool,
}
