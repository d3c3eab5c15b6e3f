//! Frames that a relay sent: exactly the events that an independent implementation emitted for them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use standpipe_stream_entry::firehose::Profile;

use crate::fixture::{foreign, frames, json, json_lines, text};
use crate::rig::{Rig, everything};

#[test]
fn every_event_of_a_relay_is_what_jetstream_emitted_none_missing_none_extra() {
    let (Some(file), Some(expected), Some(manifest)) = (
        foreign("real-frames/frames.bin"),
        foreign("real-frames/expected_v1.jsonl"),
        foreign("real-frames/manifest.json"),
    ) else {
        return;
    };
    let manifest = json(&manifest);
    for profile in [Profile::Compatible, Profile::Full] {
        let mut wanted: BTreeMap<String, Value> = BTreeMap::new();
        for event in json_lines(&expected) {
            let fields = event_of(&event);
            assert!(wanted.insert(key_of(&fields), fields).is_none());
        }
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        let mut rig = Rig::new(everything(profile));
        let frames = frames(&file);
        let mut last = 0;
        for frame in &frames {
            let outcome = rig.feed(frame);
            let clean = (outcome.halt, outcome.dropped.len(), outcome.noted.len(), outcome.notes.len());
            assert_eq!(clean, (None, 0, 0, 0));
            assert!(outcome.moved.is_some_and(|seq| seq > last));
            last = outcome.moved.expect("moved");
            for entry in outcome.entries {
                assert_eq!(entry["seq"], last);
                *counts.entry(text(&entry, "type").to_owned()).or_default() += 1;
                let ours = comparable(&entry);
                let key = key_of(&ours);
                assert_eq!(wanted.remove(&key), Some(ours), "{key}");
            }
        }
        assert!(wanted.is_empty(), "missing: {wanted:?}");
        assert_eq!(Some(frames.len() as u64), manifest["frames"].as_u64());
        for (kind, counted) in
            [("create", "creates"), ("update", "updates"), ("delete", "deletes"), ("identity", "identity")]
        {
            assert_eq!(Some(counts[kind]), manifest[counted].as_u64(), "{kind}");
        }
        assert_eq!(Some(counts["account"]), manifest["account"].as_u64());
        assert_eq!(Some(counts.values().sum()), manifest["v1_events"].as_u64());
        assert_eq!(Some(last), manifest["seq_last"].as_u64());
    }
}

/// Jetstream's event with the keys of an entry. It says neither `seq` nor `commit` nor `time` of a commit.
fn event_of(event: &Value) -> Value {
    let kind = text(event, "kind");
    let mut fields: Map<String, Value> = event[kind].as_object().expect("an event").clone();
    fields.insert("did".to_owned(), event["did"].clone());
    match kind {
        "commit" => {
            let operation = fields.remove("operation").expect("an operation");
            fields.insert("type".to_owned(), operation);
        }
        kind => {
            fields.insert("type".to_owned(), kind.into());
            if kind == "account" {
                fields.entry("status").or_insert(Value::Null);
            }
        }
    }
    Value::Object(fields)
}

fn comparable(entry: &Value) -> Value {
    let mut fields = entry.as_object().expect("an entry").clone();
    if fields.contains_key("rev") {
        for key in ["seq", "time", "commit"] {
            assert!(fields.remove(key).is_some_and(|value| !value.is_null()), "{key}");
        }
    }
    Value::Object(fields)
}

fn key_of(event: &Value) -> String {
    ["type", "did", "rev", "collection", "rkey", "seq"].map(|key| event[key].to_string()).join(" ")
}
