//! Frames that production hosts sent, against what independent implementations made of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use standpipe_eventstream::{Checker, Frame, HashScope, RepoMessage};

use crate::fixture::{foreign, frames, json as parse, json_lines, sha256, text};
use crate::outcome::{Outcome, outcome};

/// 2026-07-04T14:40:00Z, just after the relay's frames were taken.
const NOW_MICROS: u64 = 1_783_176_000_000_000;

#[test]
fn every_event_of_a_relay_is_what_jetstream_emitted_none_missing_none_extra() {
    let (Some(file), Some(expected), Some(manifest)) = (
        foreign("real-frames/frames.bin"),
        foreign("real-frames/expected_v1.jsonl"),
        foreign("real-frames/manifest.json"),
    ) else {
        return;
    };
    let manifest = parse(&manifest);
    let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
    for event in json_lines(&expected) {
        let kind = text(&event, "kind").to_owned();
        let (key, value) = match kind.as_str() {
            "commit" => {
                let commit = &event["commit"];
                let place = ["rev", "collection", "rkey", "operation"].map(|key| text(commit, key));
                (format!("{} {}", text(&event, "did"), place.join(" ")), commit.clone())
            }
            kind => (format!("{} {}", text(&event, "did"), event[kind]["seq"]), event[kind].clone()),
        };
        assert!(wanted.insert(key, value).is_none());
    }
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut seqs = BTreeSet::new();
    let frames = frames(&file);
    for bytes in &frames {
        let Ok(Frame::Message(message)) = Frame::parse(bytes) else { panic!("a message") };
        let message = RepoMessage::parse(&message).expect("a sound message");
        seqs.insert(message.seq().expect("a seq"));
        for (kind, key, value) in events(&message, bytes) {
            assert_eq!(wanted.remove(&key), Some(value), "{key}");
            *counts.entry(kind).or_default() += 1;
        }
    }
    assert!(wanted.is_empty(), "missing: {wanted:?}");
    let count = |kind: &str| Some(counts[kind]);
    assert_eq!(frames.len(), 150);
    assert_eq!(count("create"), manifest["creates"].as_u64());
    assert_eq!(count("update"), manifest["updates"].as_u64());
    assert_eq!(count("delete"), manifest["deletes"].as_u64());
    assert_eq!(count("identity"), manifest["identity"].as_u64());
    assert_eq!(count("account"), manifest["account"].as_u64());
    assert_eq!(Some(counts.values().sum()), manifest["v1_events"].as_u64());
    assert_eq!(seqs.first().copied(), manifest["seq_first"].as_u64());
    assert_eq!(seqs.last().copied(), manifest["seq_last"].as_u64());
}

/// The events of one message: kind, the key that finds them, and what Jetstream says of them.
fn events(message: &RepoMessage<'_>, bytes: &[u8]) -> Vec<(String, String, Value)> {
    match message {
        RepoMessage::Commit(commit) => {
            let Outcome::Commit { legacy: false, written, dropped } = outcome(bytes, NOW_MICROS) else {
                panic!("{} is refused", commit.seq);
            };
            assert!(dropped.is_empty(), "{} {dropped:?}", commit.seq);
            assert!(Checker::new(HashScope::All).commit(commit, NOW_MICROS).is_ok(), "every block is sound");
            let event = |mut op: Value| {
                let action = op["action"].as_str().expect("action").to_owned();
                let fields = op.as_object_mut().expect("op");
                fields.remove("action");
                fields.remove("prev");
                fields.insert("operation".to_owned(), action.as_str().into());
                fields.insert("rev".to_owned(), commit.rev.into());
                let place = ["rev", "collection", "rkey", "operation"].map(|key| text(&op, key));
                let key = format!("{} {}", commit.repo, place.join(" "));
                (action, key, op)
            };
            written.into_iter().map(event).collect()
        }
        RepoMessage::Identity(identity) => {
            let value = json!({"did": identity.did.as_str(), "seq": identity.seq, "time": identity.time});
            vec![("identity".to_owned(), format!("{} {}", identity.did, identity.seq), value)]
        }
        RepoMessage::Account(account) => {
            let value = json!({
                "active": account.active, "did": account.did.as_str(), "seq": account.seq, "time": account.time,
            });
            vec![("account".to_owned(), format!("{} {}", account.did, account.seq), value)]
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_real_commits_that_indigo_keeps_come_out_as_its_records() {
    let (Some(file), Some(expected)) =
        (foreign("indigo-firehose/frames.bin"), foreign("indigo-firehose/frames.expected.jsonl"))
    else {
        return;
    };
    let (frames, expected) = (frames(&file), json_lines(&expected));
    assert_eq!((frames.len(), expected.len()), (4, 4));
    let mut records = 0;
    for (bytes, expected) in frames.into_iter().zip(expected) {
        assert_eq!(text(&expected, "sha256"), sha256(bytes));
        let Outcome::Commit { written, dropped, .. } = outcome(bytes, NOW_MICROS) else {
            panic!("{} is refused", text(&expected, "name"));
        };
        assert!(dropped.is_empty());
        let ops = expected["ops"].as_array().expect("ops");
        assert_eq!(written.len(), ops.len());
        for (ours, theirs) in written.iter().zip(ops) {
            for key in ["action", "collection", "rkey", "cid", "record", "prev"] {
                let theirs = theirs.get(key).filter(|value| !value.is_null());
                assert_eq!(ours.get(key), theirs, "{key}");
            }
            records += usize::from(ours.get("record").is_some());
        }
    }
    assert_eq!(records, 45);
}
