//! Frames of the reference implementation: everything in them is read as that implementation reads it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use standpipe_eventstream::{
    Block, Checker, Cid, Commit, CommitObject, Frame, HandleClaim, HashScope, RepoMessage, RepoOpAction, Sync,
};

use crate::fixture::{frames, json_lines, own, sha256, text};
use crate::outcome::{Outcome, outcome};

/// 2026-07-04T00:00:00Z, after the last revision in these streams.
const NOW_MICROS: u64 = 1_783_123_200_000_000;

const STREAMS: [(&str, usize); 9] = [
    ("01-basic", 61),
    ("02-ops", 116),
    ("03-records", 58),
    ("04-bigrepo", 56),
    ("05-legacy", 12),
    ("06-chain", 45),
    ("07-odd", 13),
    ("08-interleaved", 524),
    ("10-control", 8),
];

/// Records that are faithful CBOR and still no records here, with the reason.
const DROPPED: [(&str, &str); 6] = [
    ("record:link-sha512", "record_malformed"),
    ("record:ints-over-i64", "record_integer_range"),
    ("record:floats", "record_float"),
    ("record:float-integral", "record_float"),
    ("record:top-list", "record_not_map"),
    ("record:size-1.5MB", "record_too_long"),
];

/// Commits that are refused here. Both say themselves that they are incomplete.
const REFUSED: [(&str, &str); 2] =
    [("tooBig-commit-block-only", "too_big"), ("tooBig-empty-blocks", "too_big")];

/// Commits that are to be rejected by what is not known here: keys of the DID document.
const NEEDS_KEYS: [&str; 6] = [
    "rot-old-key-again",
    "doc-without-key",
    "doc-with-bad-key",
    "doc-with-ed25519-key",
    "did-not-resolvable",
    "doc-has-another-key",
];

#[test]
fn every_golden_frame_reads_as_the_reference_reads_it() {
    let (mut seen, mut messages, mut records, mut dropped, mut refused, mut needs_keys) = (0, 0, 0, 0, 0, 0);
    for (stream, count) in STREAMS {
        let file = own(&format!("frames/{stream}.bin"));
        let expected = json_lines(&own(&format!("frames/{stream}.expected.jsonl")));
        let frames = frames(&file);
        assert_eq!((frames.len(), expected.len()), (count, count), "{stream}");
        for (bytes, expected) in frames.into_iter().zip(&expected) {
            let name = text(expected, "name");
            assert_eq!(text(expected, "sha256"), sha256(bytes), "{stream} {name}");
            seen += 1;
            if check_message(bytes, expected, &format!("{stream} {name}")) {
                messages += 1;
            }
            if expected["header"]["t"] != "#commit" {
                continue;
            }
            match outcome(bytes, NOW_MICROS) {
                Outcome::Commit { written, dropped: reasons, .. } => {
                    let wanted = wanted_ops(expected, name);
                    assert_eq!(written, wanted, "{stream} {name}");
                    let reason =
                        DROPPED.iter().find(|(dropped, _)| *dropped == name).map(|(_, reason)| *reason);
                    assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>(), "{stream} {name}");
                    records += written.iter().filter(|op| op.get("record").is_some()).count();
                    dropped += reasons.len();
                }
                Outcome::Refused(error) => {
                    assert!(REFUSED.contains(&(name, error.label())), "{stream} {name}: {error}");
                    refused += 1;
                    continue;
                }
                other => panic!("{stream} {name}: {other:?}"),
            }
            if text(&expected["verdict"], "overall") == "reject" {
                assert!(NEEDS_KEYS.contains(&name), "{stream} {name} is to be rejected");
                needs_keys += 1;
            }
        }
    }
    assert_eq!((seen, messages), (893, 883));
    assert_eq!((records, dropped, refused, needs_keys), (RECORDS, 6, 2, 6));
}

/// How many records the streams hold whose JSON is compared.
const RECORDS: usize = 1871;

/// The ops that are to be written: all of them but a record that is dropped.
fn wanted_ops(expected: &Value, name: &str) -> Vec<Value> {
    if DROPPED.iter().any(|(dropped, _)| *dropped == name) {
        return Vec::new();
    }
    let ops = expected["ops"].as_array().expect("ops").iter();
    ops.map(|op| {
        let mut wanted = op.as_object().expect("op").clone();
        wanted.retain(|key, value| {
            let is_extra = ["path", "record_bytes", "record_json_by", "js_error"].contains(&key.as_str());
            !is_extra && !value.is_null()
        });
        Value::Object(wanted)
    })
    .collect()
}

/// Checks header and body of one frame, and says whether it was a message with a known body.
fn check_message(bytes: &[u8], expected: &Value, context: &str) -> bool {
    let (header, body) = (&expected["header"], &expected["body"]);
    match Frame::parse(bytes).unwrap_or_else(|error| panic!("{context}: {error}")) {
        Frame::Error(error) => {
            assert_eq!(header, &json!({"op": -1}), "{context}");
            assert_eq!(error.name, text(body, "error"), "{context}");
            assert_eq!(error.message, body.get("message").and_then(Value::as_str), "{context}");
            false
        }
        Frame::Unknown(unknown) => panic!("{context}: {unknown:?}"),
        Frame::Message(message) => {
            assert_eq!(header, &json!({"op": 1, "t": message.kind}), "{context}");
            let parsed = RepoMessage::parse(&message).unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(parsed.seq(), body.get("seq").and_then(Value::as_u64), "{context}");
            match parsed {
                RepoMessage::Commit(commit) => check_commit(&commit, expected, context),
                RepoMessage::Sync(sync) => check_sync(&sync, expected, context),
                RepoMessage::Identity(identity) => {
                    let mut ours = object(&[("did", identity.did.as_str()), ("time", identity.time)]);
                    ours.insert("seq".to_owned(), identity.seq.into());
                    if let HandleClaim::Handle(handle) = identity.handle {
                        ours.insert("handle".to_owned(), handle.as_str().into());
                    }
                    assert_eq!(ours, known_fields(body), "{context}");
                }
                RepoMessage::Account(account) => {
                    let mut ours = object(&[("did", account.did.as_str()), ("time", account.time)]);
                    ours.insert("seq".to_owned(), account.seq.into());
                    ours.insert("active".to_owned(), account.active.into());
                    if let Some(status) = account.status {
                        ours.insert("status".to_owned(), status.into());
                    }
                    assert_eq!(ours, known_fields(body), "{context}");
                }
                RepoMessage::Info(info) => {
                    assert_eq!(info.name, text(body, "name"), "{context}");
                    assert_eq!(info.message, body.get("message").and_then(Value::as_str), "{context}");
                }
                RepoMessage::Legacy { .. } | RepoMessage::Unknown { .. } => {
                    assert_eq!(text(&expected["verdict"], "overall"), "ignore", "{context}");
                    return false;
                }
            }
            true
        }
    }
}

fn object(texts: &[(&str, &str)]) -> Map<String, Value> {
    texts.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value))).collect()
}

/// The fields of a body that the lexicon has and that are looked at; a `status` of null reads as absent.
fn known_fields(body: &Value) -> Map<String, Value> {
    const KNOWN: [&str; 15] = [
        "active", "blocks", "commit", "did", "handle", "ops", "prevData", "rebase", "repo", "rev", "seq",
        "since", "status", "time", "tooBig",
    ];
    let mut fields = body.as_object().expect("body").clone();
    fields.retain(|key, value| KNOWN.contains(&key.as_str()) && (key != "status" || !value.is_null()));
    fields
}

fn link(cid: Cid<'_>) -> Value {
    json!({"$link": cid.to_string()})
}

fn check_commit(commit: &Commit<'_>, expected: &Value, context: &str) {
    let mut ours = json!({
        "seq": commit.seq,
        "repo": commit.repo.as_str(),
        "rev": commit.rev,
        "since": commit.since,
        "commit": link(commit.commit),
        "blocks": {"$car": {"len": commit.blocks.len(), "sha256": sha256(commit.blocks)}},
        "rebase": commit.rebase,
        "tooBig": commit.too_big,
        "time": commit.time,
    });
    if let Some(prev_data) = commit.prev_data {
        ours["prevData"] = link(prev_data);
    }
    ours["ops"] = commit
        .ops()
        .map(|op| {
            let action = match op.action {
                RepoOpAction::Create => "create",
                RepoOpAction::Update => "update",
                RepoOpAction::Delete => "delete",
                RepoOpAction::Other(other) => other,
            };
            let mut ours = json!({"action": action, "path": op.path, "cid": op.cid.map(link)});
            if let Some(prev) = op.prev {
                ours["prev"] = link(prev);
            }
            ours
        })
        .collect();
    let mut body = known_fields(&expected["body"]);
    body.entry("since").or_insert(Value::Null);
    for op in body["ops"].as_array_mut().expect("ops") {
        op.as_object_mut().expect("op").remove("note");
    }
    assert_eq!(ours, Value::Object(body), "{context}");
    if text(&expected["verdict"], "car") == "ok" && !commit.too_big {
        let mut hashing_all = Checker::new(HashScope::All);
        let checked =
            hashing_all.commit(commit, NOW_MICROS).unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(expected["car"]["roots"][0], checked.car().root().to_string(), "{context}");
        let distinct: BTreeSet<_> = checked.car().blocks().map(Block::cid).collect();
        assert_eq!(expected["car"]["blocks"], distinct.len(), "{context}");
        check_object(checked.object(), checked.car().root(), expected, context);
    }
}

fn check_sync(sync: &Sync<'_>, expected: &Value, context: &str) {
    let ours = json!({
        "seq": sync.seq,
        "did": sync.did.as_str(),
        "rev": sync.rev,
        "blocks": {"$car": {"len": sync.blocks.len(), "sha256": sha256(sync.blocks)}},
        "time": sync.time,
    });
    assert_eq!(ours, Value::Object(known_fields(&expected["body"])), "{context}");
    let checked = Checker::new(HashScope::All).sync(sync, NOW_MICROS);
    let checked = checked.unwrap_or_else(|error| panic!("{context}: {error}"));
    check_object(&checked.object, checked.commit, expected, context);
}

fn check_object(object: &CommitObject<'_>, cid: Cid<'_>, expected: &Value, context: &str) {
    let commit = &expected["commit"];
    assert_eq!(cid.to_string(), text(commit, "cid"), "{context}");
    assert_eq!((object.did, object.rev), (text(commit, "did"), text(commit, "rev")), "{context}");
    assert_eq!(link(object.data), commit["data"], "{context}");
    assert_eq!(
        object.prev.map(link),
        commit.get("prev").filter(|prev| !prev.is_null()).cloned(),
        "{context}"
    );
    assert_eq!(object.sig, crate::fixture::base64(text(&commit["sig"], "$bytes")), "{context}");
}
