use standpipe_cursor::Cursor;

/// One page of a host's list of repositories as the host gave it: whole, parsed, its rows unjudged.
///
/// What a source of pages yields. A decoder makes one frame of it, so that the page's entries and
/// [`through`](Self::through) are stored in one step.
///
/// `through` differs from `sent`: a page that leads nowhere (the host repeats the cursor that it was asked with) is
/// trouble of the source's, not a page. A sink could not tell its second delivery from its first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoPage {
    /// The cursor that the page was asked for with; `None` asks for the beginning of the list.
    pub sent: Option<Cursor>,
    /// What is stored once the page's entries are durable: the host's own cursor for the next page, to the byte; or,
    /// with the last page, the source's mark for the end of the list.
    pub through: Cursor,
    /// The rows in the host's order; none is legal.
    pub rows: Vec<RepoRow>,
    /// Bytes of the page's body as received.
    pub bytes: usize,
}

/// One row of a host's list of repositories, with what the host says of it and no more.
///
/// The row's `head` is not kept: it is stale by nature, and no entry holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepoRow {
    /// The account, perhaps not a DID at all.
    pub did: String,
    /// The repo's revision, perhaps not a TID; empty where the host gives none (a list by collection has no
    /// revisions).
    pub rev: String,
    /// Why the account is not active, or in what state it is active.
    pub status: Option<String>,
    /// Whether the account is active; `None` where the host does not say, which means that it is.
    pub active: Option<bool>,
}
