//! Label frames of the reference implementation: their entries are what that implementation reads, and nothing else.

use std::path::Path;

use serde_json::{Map, Value, json};
use standpipe_projection::Halt;

use crate::rig::Rig;

/// Golden frames whose labels are not all written, with what is counted.
const DROPPED: [(&str, &str); 8] = [
    ("val-129", "label_field_range"),
    ("empty-labels", "labels_empty"),
    ("bad-label-no-src", "label_field_missing"),
    ("bad-label-val-int", "label_field_wrong_type"),
    ("bad-one-of-three", "label_field_missing"),
    ("bad-label-string", "label_field_wrong_type"),
    ("bad-labels-null", "field_wrong_type"),
    ("bad-seq-missing", "field_missing"),
];

pub(crate) fn golden() -> Vec<(Vec<u8>, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../eventstream/tests/fixtures/labels");
    let read = |name: &str| zstd::decode_all(std::fs::File::open(folder.join(name)).unwrap()).unwrap();
    let (file, expected) = (read("labels.bin.zst"), read("labels.expected.jsonl.zst"));
    let (mut left, mut frames) = (&file[..], Vec::new());
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame.to_vec());
        left = rest;
    }
    let expected = str::from_utf8(&expected).unwrap().lines().map(|line| serde_json::from_str(line).unwrap());
    frames.into_iter().zip(expected).collect()
}

/// The golden label as an entry has it.
fn entry_of(label: &Value) -> Value {
    let mut fields: Map<String, Value> = label.as_object().unwrap().clone();
    let known = ["src", "uri", "cid", "val", "neg", "cts", "ver", "exp", "sig"];
    fields.retain(|key, _| known.contains(&key.as_str()));
    for key in ["cid", "neg"] {
        fields.entry(key).or_insert(Value::Null);
    }
    Value::Object(fields)
}

#[test]
fn i3_every_golden_label_is_in_its_frames_one_entry_in_the_order_sent() {
    let mut rig = Rig::new();
    let (mut entries, mut labels, mut dropped, mut halts) = (0, 0, Vec::new(), Vec::new());
    for (frame, expected) in golden() {
        let (name, body) = (expected["name"].as_str().unwrap(), &expected["body"]);
        let outcome = rig.feed(&frame);
        let reason = DROPPED.iter().find(|(dropped, _)| *dropped == name).map(|(_, reason)| (*reason, 1));
        if expected["header"]["t"] != "#labels" {
            assert_eq!((outcome.entry, reason), (None, None), "{name}");
            halts.extend(outcome.halt);
            continue;
        }
        assert_eq!((&outcome.halt, outcome.reasons()), (&None, reason.into_iter().collect()), "{name}");
        assert_eq!(outcome.moved, body["seq"].as_u64(), "{name}");
        let is_malformed = outcome.notes.iter().any(|(note, _)| note.starts_with("quarantined"));
        assert_eq!(is_malformed, reason.is_some_and(|(reason, _)| reason != "labels_empty"), "{name}");
        dropped.extend(reason.map(|_| name.to_owned()));
        let Some(entry) = outcome.entry else {
            assert!(reason.is_some(), "{name}");
            continue;
        };
        let sent = body["labels"].as_array().unwrap().iter();
        let wanted: Vec<Value> =
            sent.filter(|label| reason.is_none() || label.get("cts").is_some()).map(entry_of).collect();
        assert_eq!(entry, json!({"seq": body["seq"], "labels": wanted}), "{name}");
        entries += 1;
        labels += wanted.len();
    }
    assert_eq!((entries, labels, dropped.len()), (40, 93, DROPPED.len()));
    assert_eq!(halts, [Halt::FutureCursor, Halt::ConsumerTooSlow]);
}
