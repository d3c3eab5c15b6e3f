//! The simulator's world: its own encoder makes the frames, and its own account of them is what must come out.

use std::num::NonZeroU64;

use serde_json::{Value, json};
use standpipe_projection::RepoSettings;
use standpipe_simulator::{Change, Event, FrameSize, Mix, World, WorldSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::accounting;
use crate::rig::{Rig, everything};

/// How many frames of each world are read.
const FRAMES: u64 = 2000;

#[test]
fn every_frame_of_a_world_becomes_what_the_world_says_of_it() {
    for seed in [1, 2, 3] {
        check(WorldSettings { seed, mix: Mix::even(), ..WorldSettings::default() });
        let (frame_size, seq_stride) = (FrameSize::Mean(5400), NonZeroU64::new(7).unwrap());
        check(WorldSettings { seed, frame_size, seq_stride, ..WorldSettings::default() });
    }
}

fn check(settings: WorldSettings) {
    println!("{settings:?}");
    let world = World::new(settings);
    let (mut indexed, mut full) = (Rig::new(RepoSettings::default()), Rig::new(everything(Profile::Full)));
    let mut events = 0;
    for index in 0..FRAMES {
        let (seq, frame) = (world.seq_at(index), world.frame_at(index));
        let expected = world.expected(seq).expect("a frame");
        events += expected.len();
        let is_wanted = |event: &&Event| match &event.change {
            Change::Sync { .. } => false,
            change => change.place().is_none_or(|place| is_indexed(&place.collection)),
        };
        let expected_indexed: Vec<Value> =
            expected.iter().filter(is_wanted).map(|event| entry_of(event, Profile::Compatible)).collect();
        let expected_full: Vec<Value> = expected.iter().map(|event| entry_of(event, Profile::Full)).collect();
        for (rig, expected) in [(&mut indexed, expected_indexed), (&mut full, expected_full)] {
            let outcome = rig.feed(&frame);
            accounting::check(&format!("seq {seq}"), &frame, &outcome);
            assert_eq!(outcome.entries, expected, "seq {seq}");
            assert_eq!((outcome.halt, outcome.moved, outcome.notes.len()), (None, Some(seq), 0), "seq {seq}");
        }
    }
    assert!(events as u64 > FRAMES / 2, "{events}");
}

/// Whether the default filter lets a collection pass.
fn is_indexed(collection: &str) -> bool {
    collection.starts_with("app.bsky.") || collection.starts_with("chat.bsky.")
}

fn entry_of(event: &Event, profile: Profile) -> Value {
    let mut entry = json!({
        "type": event.change.name(), "seq": event.seq, "time": event.time, "did": event.did,
    });
    if let Some(place) = event.change.place() {
        entry["commit"] = place.commit.as_str().into();
        entry["rev"] = place.rev.as_str().into();
        entry["collection"] = place.collection.as_str().into();
        entry["rkey"] = place.rkey.as_str().into();
    }
    match &event.change {
        Change::Create { cid, record, .. } | Change::Update { cid, record, .. } => {
            entry["cid"] = cid.as_str().into();
            entry["record"] = record.clone();
        }
        Change::Delete { .. } | Change::Identity { handle: None } => {}
        Change::Identity { handle: Some(handle) } => entry["handle"] = handle.as_str().into(),
        Change::Account { active, status } => {
            entry["active"] = (*active).into();
            entry["status"] = status.as_deref().into();
            let is_unknown = status.as_deref().is_none_or(|status| status == "inactive");
            if profile == Profile::Compatible && !active && is_unknown {
                entry["hostStatus"] = entry["status"].take();
                entry["status"] = "deactivated".into();
            }
        }
        Change::Sync { rev, commit } => {
            entry["rev"] = rev.as_str().into();
            entry["commit"] = commit.as_str().into();
        }
    }
    entry
}
