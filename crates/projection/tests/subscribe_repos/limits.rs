//! Whole frames, order, bounds, and text that tries to break out of its string.

use ciborium::Value as Cbor;
use serde_json::Value;
use standpipe_projection::{MAX_FRAME_OUTPUT, RepoSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::craft::{self, Commit, Op, post, posts};
use crate::fixture::golden;
use crate::rig::{Rig, everything};

#[test]
fn i4_a_commit_whose_third_record_has_a_wrong_hash_leaves_nothing() {
    let sound = Commit::new(5, posts(4));
    let spoilt = Commit { spoilt: vec![2], ..sound.clone() };
    let outcome = Rig::new(RepoSettings::default()).feed(&spoilt.frame());
    assert_eq!((outcome.entries.len(), outcome.moved), (0, Some(5)));
    assert_eq!(outcome.dropped.iter().collect::<Vec<_>>(), [(&"block_hash", &1)]);
    assert_eq!(outcome.quarantined(), ["block_hash"]);
    assert_eq!(Rig::new(RepoSettings::default()).feed(&sound.frame()).entries.len(), 4);
}

#[test]
fn one_bad_record_or_path_costs_its_own_op_only() {
    let mut ops = posts(4);
    ops[1] = Op::Create("app.bsky.feed.post/1".to_owned(), Cbor::Map(craft::fields([("a", 1.5.into())])));
    ops[2] = Op::Create("app.bsky.feed.post/..".to_owned(), post("two"));
    let outcome = Rig::new(RepoSettings::default()).feed(&Commit::new(5, ops).frame());
    let rkeys: Vec<_> = outcome.entries.iter().map(|entry| entry["rkey"].as_str().unwrap()).collect();
    assert_eq!(rkeys, ["0", "3"]);
    let dropped: Vec<_> = outcome.dropped.iter().map(|(reason, count)| (*reason, *count)).collect();
    assert_eq!(dropped, [("record_float", 1), ("record_key_syntax", 1)]);
    assert_eq!((outcome.moved, outcome.notes.len()), (Some(5), 1), "kept once, whole");
}

#[test]
fn i3_events_of_one_account_stay_in_the_order_sent() {
    let mut rig = Rig::new(everything(Profile::Full));
    let mut sent: Vec<(Value, Value)> = Vec::new();
    let mut written: Vec<(Value, Value)> = Vec::new();
    for (frame, line) in golden("08-interleaved") {
        let did = line["body"].get("repo").or(line["body"].get("did")).expect("an account").clone();
        match line["ops"].as_array() {
            Some(ops) => sent.extend(ops.iter().map(|op| (did.clone(), op["rkey"].clone()))),
            None if line["header"]["t"] != "#info" => sent.push((did, Value::Null)),
            None => {}
        }
        let entries = rig.feed(&frame).entries;
        written.extend(entries.iter().map(|entry| (entry["did"].clone(), entry["rkey"].clone())));
    }
    assert!(sent.len() > 500);
    assert_eq!(written, sent);
}

#[test]
fn i7_two_hundred_ops_on_one_large_record_stay_within_the_frames_output() {
    let large = Cbor::Map(craft::fields([("text", "x".repeat(1_000_000).into())]));
    let ops: Vec<_> =
        (0..200).map(|number| Op::Create(format!("app.bsky.feed.post/{number}"), large.clone())).collect();
    let frame = Commit::new(5, ops).frame();
    assert!(frame.len() < 1_100_000);
    let outcome = Rig::new(RepoSettings::default()).feed(&frame);
    let lengths: Vec<_> = outcome.entries.iter().map(|entry| entry.to_string().len()).collect();
    let (output, longest) = (lengths.iter().sum::<usize>(), *lengths.iter().max().unwrap());
    assert!(output <= MAX_FRAME_OUTPUT + longest, "{output}");
    assert!(output > MAX_FRAME_OUTPUT, "as many as fit are written");
    let written = lengths.len() as u64;
    assert_eq!(outcome.dropped.into_iter().collect::<Vec<_>>(), [("frame_output_too_long", 200 - written)]);
    assert_eq!((outcome.moved, outcome.notes.len()), (Some(5), 1));
}

#[test]
fn i7_a_time_or_a_status_of_megabytes_is_not_repeated_in_entries() {
    let long = "\u{1}".repeat(2_000_000);
    let commit = Commit { time: long.clone(), ..Commit::new(5, posts(200)) };
    for (frame, reason) in
        [(commit.frame(), "time_too_long"), (craft::account(5, false, Some(&long)), "status_too_long")]
    {
        let outcome = Rig::new(RepoSettings::default()).feed(&frame);
        assert_eq!((outcome.entries.len(), outcome.moved), (0, Some(5)));
        assert_eq!(outcome.quarantined(), [reason]);
    }
}

#[test]
fn hostile_strings_come_out_as_valid_json_and_unchanged() {
    let quoted = "\"},{\"type\":\"delete\\\u{0}\u{1f}\n\u{2028}\u{7f}";
    let mut rig = Rig::new(RepoSettings::default());
    let commit = Commit {
        time: quoted.to_owned(),
        ..Commit::new(1, vec![Op::Create("app.bsky.feed.post/1".to_owned(), post(quoted))])
    };
    let outcome = rig.feed(&commit.frame());
    assert_eq!(outcome.entries[0]["time"], quoted);
    assert_eq!(outcome.entries[0]["record"]["text"], quoted);
    let outcome = rig.feed(&craft::account(2, false, Some(quoted)));
    assert_eq!(
        (&outcome.entries[0]["status"], &outcome.entries[0]["hostStatus"]),
        (&"deactivated".into(), &quoted.into())
    );
    let mut fields = craft::account_fields(3);
    fields.push(("handle".into(), quoted.into()));
    let outcome = rig.feed(&craft::message("#identity", fields));
    assert_eq!(outcome.entries[0].get("handle"), None, "text that is no handle is left out");
    assert_eq!(outcome.noted.get("handle_malformed"), Some(&1));
    let mut fields = craft::account_fields(4);
    fields[1].1 = format!("did:web:{quoted}").into();
    let outcome = rig.feed(&craft::message("#identity", fields));
    assert_eq!((outcome.entries.len(), outcome.moved), (0, Some(4)));
    assert_eq!(outcome.quarantined(), ["field_syntax"], "a did has a grammar");
}

#[test]
fn what_passes_and_is_still_remarkable_is_noted() {
    let ambiguous = Cbor::Map(craft::fields([("$link", "text".into())]));
    let long = Cbor::Map(craft::fields([("text", "x".repeat(1_000_001).into())]));
    let ops = vec![
        Op::Create("app.bsky.feed.post/1".to_owned(), ambiguous),
        Op::Create("app.bsky.feed.post/2".to_owned(), long),
    ];
    let outcome = Rig::new(RepoSettings::default()).feed(&Commit::new(1, ops).frame());
    assert_eq!((outcome.entries.len(), outcome.notes.len()), (2, 0));
    let noted: Vec<_> = outcome.noted.into_iter().collect();
    assert_eq!(noted, [("record_ambiguous_keys", 1), ("record_over_spec_len", 1)]);
}
