//! Frames of the reference implementation: exactly the entries that its own reading of them gives.

use serde_json::{Value, json};
use standpipe_projection::{CollectionFilter, Halt, RepoSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::accounting;
use crate::fixture::{GOLDEN, golden, text};
use crate::rig::Rig;

/// Records that are faithful CBOR and still no records here, with the reason.
const DROPPED: [(&str, &str); 6] = [
    ("record:link-sha512", "record_malformed"),
    ("record:ints-over-i64", "record_integer_range"),
    ("record:floats", "record_float"),
    ("record:float-integral", "record_float"),
    ("record:top-list", "record_not_map"),
    ("record:size-1.5MB", "record_too_long"),
];

/// Commits that say themselves that they are incomplete.
const TOO_BIG: [&str; 2] = ["tooBig-commit-block-only", "tooBig-empty-blocks"];

#[test]
fn every_golden_frame_becomes_its_entries_and_no_other() {
    for profile in [Profile::Compatible, Profile::Full] {
        check(profile, &CollectionFilter::default(), |collection| {
            collection.starts_with("app.bsky.") || collection.starts_with("chat.bsky.")
        });
        check(profile, &CollectionFilter::parse(["*"]).unwrap(), |_| true);
        let some = ["app.bsky.feed.*", "app.bsky.graph.follow"];
        check(profile, &CollectionFilter::parse(some).unwrap(), |collection| {
            collection.starts_with("app.bsky.feed.") || collection == "app.bsky.graph.follow"
        });
    }
}

fn check(profile: Profile, collections: &CollectionFilter, passes: impl Fn(&str) -> bool) {
    let (mut frames, mut entries, mut filtered, mut stale, mut halts) = (0, 0, 0, 0, 0);
    for (stream, count) in GOLDEN {
        let mut rig =
            Rig::new(RepoSettings { profile, collections: collections.clone(), ..RepoSettings::default() });
        let golden = golden(stream);
        assert_eq!(golden.len(), count, "{stream}");
        let mut last = 0;
        for (bytes, line) in &golden {
            let name = format!("{stream} {}", text(line, "name"));
            let outcome = rig.feed(bytes);
            accounting::check(&name, bytes, &outcome);
            frames += 1;
            if line["header"]["op"] == -1 {
                let error = text(&line["body"], "error");
                match outcome.halt {
                    Some(Halt::FutureCursor) => assert_eq!(error, "FutureCursor"),
                    Some(Halt::ConsumerTooSlow) => assert_eq!(error, "ConsumerTooSlow"),
                    Some(Halt::HostError { name, .. }) => assert_eq!(error, name),
                    other => panic!("{name}: {other:?}"),
                }
                halts += 1;
                continue;
            }
            assert_eq!(outcome.halt, None, "{name}");
            let seq = line["body"]["seq"].as_u64();
            if seq.is_some_and(|seq| seq <= last) {
                assert_eq!((outcome.entries.len(), outcome.moved), (0, None), "{name}");
                assert_eq!(outcome.dropped.get("stale_seq"), Some(&1), "{name}");
                stale += 1;
                continue;
            }
            last = seq.unwrap_or(last);
            assert_eq!(outcome.moved, seq, "{name}");
            let (expected, not_passing) = expected(line, profile, &passes);
            assert_eq!(outcome.entries, expected, "{name}");
            let is_commit = line["header"]["t"] == "#commit";
            let mut wanted = Vec::new();
            if is_commit && let Some(reason) = reason(text(line, "name"), &passes, line) {
                wanted.push(reason);
            }
            assert_eq!(outcome.quarantined(), wanted, "{name}");
            assert_eq!(
                outcome.dropped.get("collection_filtered").copied().unwrap_or(0),
                not_passing,
                "{name}"
            );
            entries += expected.len();
            filtered += not_passing;
        }
    }
    println!(
        "{profile}: {frames} frames, {entries} entries, {filtered} filtered, {stale} stale, {halts} halts"
    );
    assert!(frames == 893 && entries > 1000);
}

/// Why something of a golden commit is refused.
fn reason(name: &str, passes: &impl Fn(&str) -> bool, line: &Value) -> Option<&'static str> {
    if TOO_BIG.contains(&name) {
        return Some("too_big");
    }
    let (_, reason) = DROPPED.iter().find(|(dropped, _)| *dropped == name)?;
    passes(text(&line["ops"][0], "collection")).then_some(*reason)
}

/// The entries that a frame should become, and how many ops the filter stops.
fn expected(line: &Value, profile: Profile, passes: &impl Fn(&str) -> bool) -> (Vec<Value>, u64) {
    let body = &line["body"];
    let head = |kind: &str, did: &str| json!({"type": kind, "seq": body["seq"], "time": body["time"], "did": body[did]});
    match line["header"]["t"].as_str() {
        Some("#commit") => {
            let name = text(line, "name");
            if TOO_BIG.contains(&name) {
                return (Vec::new(), 0);
            }
            let is_dropped = DROPPED.iter().any(|(dropped, _)| *dropped == name);
            let ops = line["ops"].as_array().expect("ops").iter();
            let (passing, stopped): (Vec<_>, Vec<_>) = ops.partition(|op| passes(text(op, "collection")));
            let entry = |op: &&Value| {
                let mut entry = head(text(op, "action"), "repo");
                for (key, value) in [("commit", &body["commit"]["$link"]), ("rev", &body["rev"])] {
                    entry[key] = value.clone();
                }
                for key in ["collection", "rkey", "cid", "record"] {
                    if let Some(value) = op.get(key).filter(|value| !value.is_null()) {
                        entry[key] = value.clone();
                    }
                }
                entry
            };
            let entries = if is_dropped { Vec::new() } else { passing.iter().map(entry).collect() };
            (entries, stopped.len() as u64)
        }
        Some("#identity") => {
            let mut entry = head("identity", "did");
            if let Some(handle) = body.get("handle").filter(|handle| !handle.is_null()) {
                entry["handle"] = handle.clone();
            }
            (vec![entry], 0)
        }
        Some("#account") => (vec![expected_account(head("account", "did"), body, profile)], 0),
        Some("#sync") if profile == Profile::Full => {
            let mut entry = head("sync", "did");
            entry["rev"] = body["rev"].clone();
            entry["commit"] = line["commit"]["cid"].clone();
            (vec![entry], 0)
        }
        _ => (Vec::new(), 0),
    }
}

fn expected_account(mut entry: Value, body: &Value, profile: Profile) -> Value {
    const KNOWN: [&str; 6] =
        ["takendown", "suspended", "deleted", "deactivated", "desynchronized", "throttled"];
    let status = body.get("status").cloned().unwrap_or(Value::Null);
    let is_known = status.as_str().is_some_and(|status| KNOWN.contains(&status));
    entry["active"] = body["active"].clone();
    entry["status"] = status.clone();
    if profile == Profile::Compatible && body["active"] == false && !is_known {
        entry["status"] = "deactivated".into();
        entry["hostStatus"] = status;
    }
    entry
}
