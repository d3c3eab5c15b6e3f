//! What becomes of one websocket message at this layer, as one word that a table can hold.

use std::collections::BTreeMap;

use serde_json::Value;
use standpipe_eventstream::{
    Change, CheckError, CheckedCommit, Checker, Commit, Frame, HandleClaim, HashScope, MessageError,
    RepoMessage,
};

/// What a message comes to, with everything that a table of expectations distinguishes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Not a frame.
    Frame(&'static str),
    /// A frame with an unusable body: field, fault, and the `seq` that could be read.
    Schema(String, Option<u64>),
    /// An `op` or `t` to skip.
    Skipped(String),
    /// An error frame, by name.
    StreamError(String),
    /// `#info`, by name.
    Info(String),
    /// `#identity`, with its handle.
    Identity(String),
    /// `#account`, with its status.
    Account(String),
    /// A `#commit` or `#sync` that was refused, or failed by a record's hash.
    Refused(CheckError),
    /// `#sync`, over the lexicon's length or not.
    Sync(bool),
    /// `#commit`: what was written, and the reasons for what was not.
    Commit { legacy: bool, written: Vec<Value>, dropped: Vec<&'static str> },
}

impl Outcome {
    pub(crate) fn summary(&self) -> String {
        match self {
            Self::Frame(label) => format!("frame {label}"),
            Self::Schema(what, seq) => {
                format!("schema {what} seq {}", seq.map_or("unread".to_owned(), |seq| seq.to_string()))
            }
            Self::Skipped(what) => format!("skipped {what}"),
            Self::StreamError(name) => format!("error {name}"),
            Self::Info(name) => format!("info {name}"),
            Self::Identity(handle) => format!("identity {handle}"),
            Self::Account(status) => format!("account {status}"),
            Self::Refused(error) => format!("refused {}", error.label()),
            Self::Sync(is_long) => format!("sync{}", if *is_long { " long" } else { "" }),
            Self::Commit { legacy, written, dropped } => {
                let mut reasons = BTreeMap::new();
                for reason in dropped {
                    *reasons.entry(reason).or_insert(0) += 1;
                }
                let legacy = if *legacy { " legacy" } else { "" };
                let mut summary = format!("commit{legacy} written={}", written.len());
                for (reason, count) in reasons {
                    summary.extend([" ", *reason, "=", &count.to_string()]);
                }
                summary
            }
        }
    }
}

/// Takes one message the whole way that this layer goes.
pub(crate) fn outcome(bytes: &[u8], now_micros: u64) -> Outcome {
    outcome_with(&mut Checker::new(HashScope::Used), bytes, now_micros)
}

pub(crate) fn outcome_with(checker: &mut Checker, bytes: &[u8], now_micros: u64) -> Outcome {
    let message = match Frame::parse(bytes) {
        Ok(Frame::Message(message)) => message,
        Ok(Frame::Error(error)) => return Outcome::StreamError(error.name.to_owned()),
        Ok(Frame::Unknown(unknown)) => return Outcome::Skipped(unknown.label().to_owned()),
        Err(error) => return Outcome::Frame(error.label()),
    };
    match RepoMessage::parse(&message) {
        Err(MessageError::Frame(error)) => Outcome::Frame(error.label()),
        Err(MessageError::Schema(error)) => {
            Outcome::Schema(format!("{} {}", error.field, error.fault.label()), error.seq)
        }
        Ok(RepoMessage::Commit(commit)) => commit_outcome(checker, &commit, now_micros),
        Ok(RepoMessage::Sync(sync)) => match checker.sync(&sync, now_micros) {
            Ok(consistent) => Outcome::Sync(consistent.is_over_spec_len),
            Err(error) => Outcome::Refused(error),
        },
        Ok(RepoMessage::Identity(identity)) => Outcome::Identity(match identity.handle {
            HandleClaim::Absent => "without handle".to_owned(),
            HandleClaim::Handle(handle) => handle.to_string(),
            HandleClaim::Malformed(_) => "malformed handle".to_owned(),
        }),
        Ok(RepoMessage::Account(account)) => {
            let word = if account.active { "active" } else { "inactive" };
            Outcome::Account(format!("{word} {}", account.status.unwrap_or("-")))
        }
        Ok(RepoMessage::Info(info)) => Outcome::Info(info.name.to_owned()),
        Ok(RepoMessage::Legacy { kind, seq }) => Outcome::Skipped(format!("{} {seq:?}", kind.label())),
        Ok(RepoMessage::Unknown { kind, seq }) => Outcome::Skipped(format!("{kind} {seq:?}")),
    }
}

fn commit_outcome(checker: &mut Checker, commit: &Commit<'_>, now_micros: u64) -> Outcome {
    match checker.commit(commit, now_micros).and_then(|consistent| written(&consistent)) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Refused(error),
    }
}

fn written(checked: &CheckedCommit<'_, '_>) -> Result<Outcome, CheckError> {
    let (mut written, mut dropped) = (Vec::new(), Vec::new());
    for op in checked.ops() {
        let op = match op {
            Ok(op) => op,
            Err(bad) => {
                dropped.push(bad.error.label());
                continue;
            }
        };
        let mut entry = serde_json::json!({
            "action": op.change.action(),
            "collection": op.path.collection.as_str(),
            "rkey": op.path.rkey.as_str(),
        });
        if let Some(cid) = op.change.cid() {
            entry["cid"] = cid.to_string().into();
            let mut text = b"before".to_vec();
            match checked.record(cid)?.write_json(&mut text) {
                Ok(_) => entry["record"] = serde_json::from_slice(&text[6..]).expect("json that can be read"),
                Err(error) => {
                    assert_eq!(text, b"before", "an error leaves nothing behind");
                    dropped.push(error.label());
                    continue;
                }
            }
        }
        if let Change::Update { prev: Some(prev), .. } | Change::Delete { prev: Some(prev) } = op.change {
            entry["prev"] = prev.to_string().into();
        }
        written.push(entry);
    }
    let legacy = checked.induction() == standpipe_eventstream::Induction::Legacy;
    Ok(Outcome::Commit { legacy, written, dropped })
}
