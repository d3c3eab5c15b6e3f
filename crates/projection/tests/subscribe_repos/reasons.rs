//! The reasons that `docs/events.md` explains are exactly those that are counted.

use std::collections::BTreeSet;
use std::path::Path;

use ciborium::Value as Cbor;
use standpipe_projection::{DidFilter, RepoSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::craft::{self, Commit, Op, posts};
use crate::fixture::{GOLDEN, golden, hostile, vectors};
use crate::rig::{Outcome, Rig, everything};

/// Reasons that nothing within the length of a frame can give.
const UNREACHABLE: [&str; 2] = ["block_missing", "car_too_long"];

#[derive(Default)]
struct Seen {
    /// Counted as dropped, and nothing quarantined.
    left_out: BTreeSet<&'static str>,
    /// Quarantined.
    malformed: BTreeSet<&'static str>,
    noted: BTreeSet<&'static str>,
}

impl Seen {
    fn add(&mut self, outcome: &Outcome) {
        let quarantined = outcome.quarantined();
        self.noted.extend(outcome.noted.keys());
        if quarantined.is_empty() {
            self.left_out.extend(outcome.dropped.keys());
        }
        self.malformed.extend(quarantined);
    }

    /// Adds what comes of a frame, and of the same frame when it is sent again.
    fn feed(&mut self, settings: &RepoSettings, frame: &[u8]) {
        let mut rig = Rig::new(settings.clone());
        self.add(&rig.feed(frame));
        self.add(&rig.feed(frame));
    }
}

#[test]
fn the_documented_reasons_are_those_that_are_counted() {
    let mut seen = Seen::default();
    let settings = everything(Profile::Compatible);
    let golden = GOLDEN.iter().flat_map(|(stream, _)| golden(stream)).map(|(frame, _)| frame);
    let hostile = hostile().into_iter().map(|case| case.bytes);
    let vectors = vectors().into_iter().map(|(_, frame)| frame);
    for frame in golden.chain(hostile).chain(vectors).chain(crafted()) {
        seen.feed(&settings, &frame);
    }
    seen.feed(&RepoSettings::default(), &create("com.example.status/1", craft::post("filtered")));
    let dids = DidFilter::parse(["did:web:example.com"]).unwrap();
    seen.feed(&RepoSettings { dids, ..RepoSettings::default() }, &craft::identity(1));
    let mut rig = Rig::new(settings);
    seen.add(&rig.feed_text(b"text"));

    let [left_out, malformed, noted] = documented();
    assert_eq!(seen.left_out.into_iter().collect::<Vec<_>>(), left_out.iter().collect::<Vec<_>>());
    seen.malformed.extend(UNREACHABLE);
    assert_eq!(seen.malformed.into_iter().collect::<Vec<_>>(), malformed.iter().collect::<Vec<_>>());
    assert_eq!(seen.noted.into_iter().collect::<Vec<_>>(), noted.iter().collect::<Vec<_>>());
}

/// What the fixtures do not hold.
fn crafted() -> Vec<Vec<u8>> {
    let seq_only = || craft::fields([("seq", 1.into())]);
    let long_text = Cbor::Map(craft::fields([("text", "\u{1}".repeat(500_000).into())]));
    let large = Cbor::Map(craft::fields([("text", "x".repeat(1_000_001).into())]));
    let to_the_limit =
        (0..20).map(|number| Op::Create(format!("app.bsky.feed.post/{number}"), large.clone())).collect();
    let mut other_method = craft::account_fields(1);
    other_method[1].1 = "did:key:zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF".into();
    vec![
        vec![0; 5_000_001],
        craft::message("#handle", seq_only()),
        craft::message("#migrate", seq_only()),
        craft::message("#tombstone", seq_only()),
        craft::message("#info", craft::fields([("name", "Other".into())])),
        craft::message("#identity", other_method),
        craft::account(1, true, Some(&"x".repeat(129))),
        Commit { time: "x".repeat(129), ..Commit::new(1, posts(1)) }.frame(),
        create("app.bsky.feed.post/1", long_text),
        create("app.bsky.feed.post/1", Cbor::Map(craft::fields([("$bytes", 1.into())]))),
        Commit::new(1, to_the_limit).frame(),
    ]
}

fn create(path: &str, record: Cbor) -> Vec<u8> {
    Commit::new(1, vec![Op::Create(path.to_owned(), record)]).frame()
}

/// The words in the last column of each table of the section.
fn documented() -> [BTreeSet<String>; 3] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let page = std::fs::read_to_string(path).expect("docs/events.md");
    let (_, section) = page.split_once("## What is not written\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("another section");
    let last_column = |row: &str| row.trim_end_matches(" |").rsplit(" | ").next().unwrap().to_owned();
    let words = |table: &[&str]| {
        let columns = table[2..].iter().map(|row| last_column(row)).collect::<Vec<_>>().join(", ");
        columns.split(", ").map(|word| word.trim_matches('`').to_owned()).collect()
    };
    let lines: Vec<&str> = section.lines().collect();
    let tables: Vec<BTreeSet<String>> =
        lines.split(|line| !line.starts_with('|')).filter(|table| !table.is_empty()).map(words).collect();
    tables.try_into().expect("three tables")
}
