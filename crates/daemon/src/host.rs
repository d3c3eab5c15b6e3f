use std::fmt;

use standpipe_cursor::{CursorKey, Endpoint};

/// Whom a child reads: what is named in lines, metrics and cursors.
pub trait Host: Clone + Send + Sync + 'static {
    /// The canonical name.
    fn name(&self) -> &str;

    /// Under which name its cursor for this stream is stored.
    fn key(&self, stream: &str) -> CursorKey;

    /// Where it is, if that follows from how it was written.
    fn endpoint(&self) -> Option<&Endpoint>;
}

impl Host for Endpoint {
    fn name(&self) -> &str {
        self.name()
    }

    fn key(&self, stream: &str) -> CursorKey {
        CursorKey::new(stream, self)
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        Some(self)
    }
}

/// A labeler, as people write it: where it is, or who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Labeler {
    /// It is at this place. Its cursor belongs to that place.
    At(Endpoint),
    /// It is wherever the document of this DID says. Its cursor belongs to the labeler, who may move.
    Did(String),
}

impl Host for Labeler {
    fn name(&self) -> &str {
        match self {
            Self::At(endpoint) => endpoint.name(),
            Self::Did(did) => did,
        }
    }

    fn key(&self, stream: &str) -> CursorKey {
        match self {
            Self::At(endpoint) => CursorKey::new(stream, endpoint),
            Self::Did(did) => CursorKey::of_account(stream, did),
        }
    }

    fn endpoint(&self) -> Option<&Endpoint> {
        match self {
            Self::At(endpoint) => Some(endpoint),
            Self::Did(_) => None,
        }
    }
}

impl fmt::Display for Labeler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
