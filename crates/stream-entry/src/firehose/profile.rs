use std::fmt;

use serde::{Deserialize, Serialize};

/// Which entries are written, and how an account's status is worded.
///
/// In settings: `compatible` or `full`. A reader of this crate reads both and sees the same account in either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Only what the existing indexer takes: no `sync` entries, and an inactive account always has one of the six
    /// known statuses. Where the host gave another or none, `status` is `deactivated`, and `hostStatus` holds what
    /// the host said.
    #[default]
    Compatible,
    /// Everything as received: `sync` entries, and every status as the host words it.
    Full,
}

impl Profile {
    /// Whether entries of type `sync` are written.
    #[must_use]
    pub const fn has_sync(self) -> bool {
        match self {
            Self::Compatible => false,
            Self::Full => true,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Compatible => "compatible",
            Self::Full => "full",
        })
    }
}
