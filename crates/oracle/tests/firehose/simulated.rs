//! What must become of a simulated world's frames, in the words of docs/events.md.

use serde_json::{Value, json};
use standpipe_oracle::{Expectation, ExpectedFrame};
use standpipe_simulator::{Change, Event, Place, World};

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The defaults: the compatible profile, and records of `app.bsky.*` and `chat.bsky.*`.
    Compatible,
    /// The full profile, and all records.
    Everything,
}

impl Wanted {
    /// The variables that ask for it.
    pub(crate) fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Compatible => &[],
            Self::Everything => &[("STANDPIPE_ENTRIES", "full"), ("STANDPIPE_COLLECTIONS", "*")],
        }
    }

    fn collection(self, nsid: &str) -> bool {
        match self {
            Self::Compatible => nsid.starts_with("app.bsky.") || nsid.starts_with("chat.bsky."),
            Self::Everything => true,
        }
    }
}

/// Expects what the world's first frames must become.
pub(crate) fn expectation(world: &World, frames: u64, wanted: Wanted) -> Expectation {
    Expectation::of((0..frames).map(|index| ExpectedFrame {
        seq: world.seq_at(index),
        did: world.did(index),
        entries: world.expected_at(index).iter().filter_map(|event| entry(event, wanted)).collect(),
    }))
}

fn entry(event: &Event, wanted: Wanted) -> Option<Value> {
    let mut entry = json!({
        "type": event.change.name(),
        "seq": event.seq,
        "time": event.time,
        "did": event.did,
    });
    match &event.change {
        Change::Create { place, cid, record } | Change::Update { place, cid, record } => {
            put_place(&mut entry, place);
            entry["cid"] = json!(cid);
            entry["record"] = record.clone();
        }
        Change::Delete { place } => put_place(&mut entry, place),
        Change::Identity { handle: None } => {}
        Change::Identity { handle: Some(handle) } => entry["handle"] = json!(handle),
        Change::Account { active, status } => {
            entry["active"] = json!(active);
            entry["status"] = json!(status);
            if wanted == Wanted::Compatible && !active && !is_known(status.as_deref()) {
                entry["status"] = json!("deactivated");
                entry["hostStatus"] = json!(status);
            }
        }
        Change::Sync { .. } if wanted == Wanted::Compatible => return None,
        Change::Sync { rev, commit } => {
            entry["rev"] = json!(rev);
            entry["commit"] = json!(commit);
        }
    }
    let is_wanted = event.change.place().is_none_or(|place| wanted.collection(&place.collection));
    is_wanted.then_some(entry)
}

fn put_place(entry: &mut Value, place: &Place) {
    entry["commit"] = json!(place.commit);
    entry["rev"] = json!(place.rev);
    entry["collection"] = json!(place.collection);
    entry["rkey"] = json!(place.rkey);
}

fn is_known(status: Option<&str>) -> bool {
    let known = ["takendown", "suspended", "deleted", "deactivated", "desynchronized", "throttled"];
    status.is_some_and(|status| known.contains(&status))
}
