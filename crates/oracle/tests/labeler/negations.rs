use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;
use standpipe_simulator::{LabelKey, Pace, Rule, StreamFault};

use standpipe_oracle::seed;

use crate::rig::{FIELD, Labeler, daemon, server};
use crate::simulated::label;

const FRAMES: u64 = 6_000;
const SEQUENCES: u64 = 3;
const KILLS: u64 = 8;
/// How many frames come to be between two kills.
const STEP: u64 = FRAMES / (KILLS + 1);

/// What holds by the entries of a stream, as a consumer that deletes on a negation has it.
fn in_force(entries: &[Value]) -> BTreeMap<LabelKey, Value> {
    let mut in_force = BTreeMap::new();
    for label in entries.iter().flat_map(|entry| entry["labels"].as_array().unwrap()) {
        let text = |key: &str| label[key].as_str().unwrap().to_owned();
        let key = LabelKey { src: text("src"), uri: text("uri"), val: text("val") };
        if label["neg"] == true {
            in_force.remove(&key);
        } else {
            in_force.insert(key, label.clone());
        }
    }
    in_force
}

/// Compares what holds at the stored cursor; returns how much that is.
async fn check(labeler: &mut Labeler) -> usize {
    // What a killed daemon had sent is still carried out: cursor and entries must be of one moment.
    let (cursor, entries) = loop {
        let cursor = labeler.sample().await.cursor;
        let mut entries = Vec::new();
        let each = |entry: &[u8]| entries.push(serde_json::from_slice(entry).unwrap());
        labeler.watch.read_all(FIELD, each).await.unwrap();
        if labeler.sample().await.cursor == cursor {
            break (cursor.unwrap_or_default(), entries);
        }
    };
    let frames = labeler.world.index_after(cursor).min(FRAMES);
    let wanted: BTreeMap<LabelKey, Value> =
        labeler.world.in_force(frames).into_iter().map(|(key, sent)| (key, label(&sent))).collect();
    let found = in_force(&entries);
    let differ = wanted.iter().filter(|(key, label)| found.get(*key) != Some(label)).count();
    assert!(
        found == wanted,
        "{differ} of {} differ, {} are there, after {frames} frames",
        wanted.len(),
        found.len()
    );
    found.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_what_holds_by_the_stream_is_what_holds_at_the_labeler_at_every_kill_and_at_the_end() {
    let mut rng = Rng::with_seed(seed());
    for _ in 0..SEQUENCES {
        let server = server().await;
        let mut labeler = Labeler::new(0, rng.u64(..), &server, 500, FRAMES, Pace::STILL);
        let faults = labeler.host.faults();
        let every = [
            Rule::every_frames(rng.u64(300..600), StreamFault::Reset).times(4),
            Rule::every_frames(rng.u64(50..100), StreamFault::Repeat { times: 3 }),
            Rule::every_frames(rng.u64(200..400), StreamFault::JumpBack { frames: 40 }).times(6),
        ];
        let every: Vec<_> = every.into_iter().map(|rule| faults.add(rule)).collect();
        let mut daemon = daemon([&labeler], server.address());
        daemon.start().unwrap();
        let mut sizes = Vec::new();
        for kill in 1..=KILLS {
            // A kill strikes anywhere in what has come to be since the last one.
            labeler.host.grow(STEP);
            let reach = labeler.world.seq_at(STEP * kill - rng.u64(0..STEP));
            labeler.until("more labels", |cursor| cursor >= reach).await;
            assert!(daemon.kill().unwrap(), "there is no daemon to kill");
            sizes.push(check(&mut labeler).await);
            daemon.start().unwrap();
        }
        labeler.host.grow(FRAMES);
        let last = labeler.expectation.last_seq();
        labeler.until("the last label", |cursor| cursor == last).await;
        sizes.push(check(&mut labeler).await);
        println!("labels that hold: {sizes:?}; {:?}", labeler.host.faults().counts());
        for fault in every {
            assert!(labeler.host.faults().fired(fault) > 0, "{:?}", labeler.host.faults().counts());
        }
    }
}
