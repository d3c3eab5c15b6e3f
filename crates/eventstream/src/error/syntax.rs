use thiserror::Error;

/// Text that breaks the grammar of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum SyntaxError {
    /// Not a DID.
    #[error("not a did")]
    Did,
    /// Not a handle.
    #[error("not a handle")]
    Handle,
    /// Not an NSID.
    #[error("not an nsid")]
    Nsid,
    /// Not a record key.
    #[error("not a record key")]
    RecordKey,
    /// Not one NSID, one slash and one record key.
    #[error("not a collection and a record key")]
    RepoPath,
    /// Not a TID.
    #[error("not a tid")]
    Tid,
    /// Not a datetime.
    #[error("not a datetime")]
    Datetime,
    /// Not the text of a blessed CID.
    #[error("not a cid")]
    Cid,
    /// Not a URI.
    #[error("not a uri")]
    Uri,
}

impl SyntaxError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Did => "did_syntax",
            Self::Handle => "handle_syntax",
            Self::Nsid => "nsid_syntax",
            Self::RecordKey => "record_key_syntax",
            Self::RepoPath => "path_syntax",
            Self::Tid => "tid_syntax",
            Self::Datetime => "datetime_syntax",
            Self::Cid => "cid_syntax",
            Self::Uri => "uri_syntax",
        }
    }
}
