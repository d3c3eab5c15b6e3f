use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Number;
use serde_json::value::RawValue;

use super::{Account, Entry, Event, Identity, Kind, RecordDelete, RecordWrite, RepoState};
use crate::EntryError;
use crate::json_text::Text;

/// An entry as it lies in the stream: the keys of all types side by side.
///
/// serde's internally tagged enums buffer the object to find the tag, which copies every string and cannot hold a
/// [`RawValue`]. Reading all keys flat and sorting them by type afterwards takes one pass and copies nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    seq: Option<Number>,
    #[serde(borrow)]
    time: Option<Text<'a>>,
    #[serde(borrow)]
    did: Option<Text<'a>>,
    #[serde(borrow)]
    commit: Option<Text<'a>>,
    #[serde(borrow)]
    rev: Option<Text<'a>>,
    #[serde(borrow)]
    collection: Option<Text<'a>>,
    #[serde(borrow)]
    rkey: Option<Text<'a>>,
    #[serde(borrow)]
    cid: Option<Text<'a>>,
    #[serde(borrow)]
    record: Option<&'a RawValue>,
    #[serde(borrow)]
    handle: Option<Text<'a>>,
    active: Option<bool>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow, rename = "hostStatus", default, deserialize_with = "present")]
    host_status: Present<Text<'a>>,
}

/// Tells a key with `null` from a key that is not there.
#[derive(Debug, Default)]
enum Present<T> {
    #[default]
    No,
    Yes(Option<T>),
}

fn present<'de, D, T>(deserializer: D) -> Result<Present<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Present::Yes)
}

impl<'a> TryFrom<Wire<'a>> for Entry<'a> {
    type Error = EntryError;

    fn try_from(wire: Wire<'a>) -> Result<Self, EntryError> {
        let Some(kind) = Kind::from_word(&wire.kind.0) else {
            return Err(EntryError::UnknownType { name: wire.kind.0.into_owned() });
        };
        let text = |field, value| required(kind, field, value).map(|Text(text)| text);
        let event = match kind {
            Kind::Create | Kind::Update => {
                let write = RecordWrite {
                    commit: text("commit", wire.commit)?,
                    rev: text("rev", wire.rev)?,
                    collection: text("collection", wire.collection)?,
                    rkey: text("rkey", wire.rkey)?,
                    cid: text("cid", wire.cid)?,
                    record: required(kind, "record", wire.record)?.into(),
                };
                if kind == Kind::Create { Event::Create(write) } else { Event::Update(write) }
            }
            Kind::Delete => Event::Delete(RecordDelete {
                commit: text("commit", wire.commit)?,
                rev: text("rev", wire.rev)?,
                collection: text("collection", wire.collection)?,
                rkey: text("rkey", wire.rkey)?,
            }),
            Kind::Identity => Event::Identity(Identity { handle: wire.handle.map(|Text(handle)| handle) }),
            Kind::Account => Event::Account(Account {
                active: required(kind, "active", wire.active)?,
                status: said_by_host(wire.status, wire.host_status).map(Into::into),
            }),
            Kind::Sync | Kind::Repo => {
                let state = RepoState { commit: text("commit", wire.commit)?, rev: text("rev", wire.rev)? };
                if kind == Kind::Sync { Event::Sync(state) } else { Event::Repo(state) }
            }
        };
        Ok(Self { seq: seq(wire.seq)?, time: text("time", wire.time)?, did: text("did", wire.did)?, event })
    }
}

fn required<T>(kind: Kind, field: &'static str, value: Option<T>) -> Result<T, EntryError> {
    value.ok_or(EntryError::MissingField { kind, field })
}

/// Backfillers write -1 where there is no seq.
fn seq(number: Option<Number>) -> Result<Option<u64>, EntryError> {
    let Some(number) = number else { return Ok(None) };
    match (number.as_u64(), number.as_i64()) {
        (Some(seq), _) => Ok(Some(seq)),
        (None, Some(-1)) => Ok(None),
        (None, _) => Err(EntryError::Seq { number }),
    }
}

/// Undoes the substitution of the compatible profile.
fn said_by_host<'a>(status: Option<Text<'a>>, host_status: Present<Text<'a>>) -> Option<Cow<'a, str>> {
    let said = match host_status {
        Present::Yes(said) => said,
        Present::No => status,
    };
    said.map(|Text(word)| word)
}
