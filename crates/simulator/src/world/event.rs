//! What an ingester must make of a frame.

/// One change that a frame stands for; a commit with five ops stands for five.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The frame's seq.
    pub seq: u64,
    /// The frame's time, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    pub time: String,
    /// The account.
    pub did: String,
    /// What happened.
    pub change: Change,
}

/// What happened to an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A record came to be.
    Create {
        /// Where in the repo.
        place: Place,
        /// The record's CID, in text.
        cid: String,
        /// The record in the data model's JSON form: links as `$link`, bytes as unpadded `$bytes`.
        record: serde_json::Value,
    },
    /// A record was replaced.
    Update {
        /// Where in the repo.
        place: Place,
        /// The new record's CID, in text.
        cid: String,
        /// The new record, as for `Create`.
        record: serde_json::Value,
    },
    /// A record is gone.
    Delete {
        /// Where in the repo.
        place: Place,
    },
    /// The account's DID document or handle may have changed.
    Identity {
        /// The handle, where the frame carries one.
        handle: Option<String>,
    },
    /// The account's standing at the emitting host.
    Account {
        /// Whether its content may be shown.
        active: bool,
        /// Why not, or how far, as on the wire.
        status: Option<String>,
    },
    /// The repo's state now, without saying how it came about.
    Sync {
        /// The repo's revision.
        rev: String,
        /// The CID of its commit, in text.
        commit: String,
    },
}

impl Change {
    /// The name of the change: `create`, `update`, `delete`, `identity`, `account` or `sync`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Delete { .. } => "delete",
            Self::Identity { .. } => "identity",
            Self::Account { .. } => "account",
            Self::Sync { .. } => "sync",
        }
    }

    /// Where in a repo the change happened, for the changes of records.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Create { place, .. } | Self::Update { place, .. } | Self::Delete { place } => Some(place),
            Self::Identity { .. } | Self::Account { .. } | Self::Sync { .. } => None,
        }
    }
}

/// Where in a repo, and at which revision of it, a record changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The CID of the commit, in text.
    pub commit: String,
    /// The repo's revision, a TID.
    pub rev: String,
    /// The collection, an NSID.
    pub collection: String,
    /// The record key.
    pub rkey: String,
}
