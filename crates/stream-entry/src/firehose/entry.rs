use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use super::wire::Wire;
use super::{Account, Kind};
use crate::EntryError;

/// One entry, read. Its strings borrow from the entry's text, unless they had to be unescaped.
///
/// Reads what [`EntryWriter`](super::EntryWriter) writes in either profile, and the entries of the origin ingester
/// and of backfillers: a capitalised status, a handle that is `null`, `repo` entries, a seq of -1 or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The host's number for the frame: compare only within one host. `None` where the entry does not come from a
    /// host's stream (written as -1, or left out).
    pub seq: Option<u64>,
    /// When the host says that it sent the event, as it wrote it; usually RFC 3339 with milliseconds in UTC. Never
    /// order by it.
    pub time: Cow<'a, str>,
    /// The account that the event is about.
    pub did: Cow<'a, str>,
    /// What happened.
    pub event: Event<'a>,
}

/// What an entry says, by its `type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A record was created.
    Create(RecordWrite<'a>),
    /// A record was replaced.
    Update(RecordWrite<'a>),
    /// A record was deleted.
    Delete(RecordDelete<'a>),
    /// The account's handle or DID document may have changed: look them up again.
    Identity(Identity<'a>),
    /// The account's hosting status.
    Account(Account<'a>),
    /// The repo is at this state, and nothing says what changed: compare, and fetch it where it differs.
    Sync(RepoState<'a>),
    /// A whole repo was read at this state.
    Repo(RepoState<'a>),
}

/// A record that was created or replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordWrite<'a> {
    /// CID of the commit.
    pub commit: Cow<'a, str>,
    /// Revision of the commit, a TID: grows with every commit of the repo, as text too.
    pub rev: Cow<'a, str>,
    /// The record's collection, an NSID.
    pub collection: Cow<'a, str>,
    /// The record's key within its collection.
    pub rkey: Cow<'a, str>,
    /// CID of the record.
    pub cid: Cow<'a, str>,
    /// The record.
    pub record: Record<'a>,
}

/// A record that was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDelete<'a> {
    /// CID of the commit.
    pub commit: Cow<'a, str>,
    /// Revision of the commit, a TID.
    pub rev: Cow<'a, str>,
    /// The record's collection, an NSID.
    pub collection: Cow<'a, str>,
    /// The record's key within its collection.
    pub rkey: Cow<'a, str>,
}

/// A reason to look up the account's handle and DID document again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The handle as the host knows it. Whether it is there says nothing about what changed.
    pub handle: Option<Cow<'a, str>>,
}

/// The state of a repo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoState<'a> {
    /// CID of the commit.
    pub commit: Cow<'a, str>,
    /// Revision of the commit, a TID.
    pub rev: Cow<'a, str>,
}

/// A record as JSON text, in the [JSON form of the data model](https://atproto.com/specs/data-model#json-data-encoding).
///
/// Two records are equal if their texts are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a>(&'a str);

impl<'a> Record<'a> {
    /// The text, one JSON value without white space around it.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Reads the record into a type of the caller's.
    ///
    /// # Errors
    ///
    /// Those of `T`, and a nesting of more than 127 levels.
    pub fn parse<T: Deserialize<'a>>(self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0)
    }
}

impl<'a> From<&'a RawValue> for Record<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

impl<'a> Entry<'a> {
    /// Reads the value of a stream entry's one field.
    ///
    /// Keys that the contract does not know are ignored. One pass over the bytes, without copying strings or the
    /// record.
    ///
    /// # Errors
    ///
    /// See [`EntryError`]. A reader that meets an [`EntryError::UnknownType`] may acknowledge the entry and go on.
    pub fn parse(value: &'a [u8]) -> Result<Self, EntryError> {
        serde_json::from_slice::<Wire<'a>>(value).map_err(EntryError::Json)?.try_into()
    }

    /// The entry's type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match &self.event {
            Event::Create(_) => Kind::Create,
            Event::Update(_) => Kind::Update,
            Event::Delete(_) => Kind::Delete,
            Event::Identity(_) => Kind::Identity,
            Event::Account(_) => Kind::Account,
            Event::Sync(_) => Kind::Sync,
            Event::Repo(_) => Kind::Repo,
        }
    }
}

/// Reads from JSON text held in memory (`serde_json::from_slice`, `from_str`); other sources cannot be borrowed from.
impl<'de: 'a, 'a> Deserialize<'de> for Entry<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Wire::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}
