//! The reasons that `docs/events.md` explains are exactly those that are counted.

use std::collections::BTreeSet;
use std::path::Path;

use standpipe_eventstream::Label;
use standpipe_projection::{Admission, Finding, Verdicts};
use standpipe_stream_entry::label::Verdict;

use crate::craft;
use crate::golden::golden;
use crate::rig::Rig;

/// Believes nobody.
#[derive(Clone)]
struct Suspicious(Verdict);

impl Verdicts for Suspicious {
    fn of(&mut self, _: &Label<'_>) -> Option<Finding> {
        Some(Finding { verdict: self.0, reason: "suspicion", only_wants_key: false })
    }
}

#[test]
fn the_documented_reasons_are_those_that_are_counted() {
    let mut counted = BTreeSet::new();
    let bad_date = craft::labels(
        2_000,
        [craft::map([
            ("cts", "2026-01-02".into()),
            ("src", craft::SRC.into()),
            ("uri", craft::SRC.into()),
            ("val", "spam".into()),
        ])],
    );
    let mut rig = Rig::new();
    for frame in golden().into_iter().map(|(frame, _)| frame).chain([bad_date]) {
        counted.extend(rig.feed(&frame).dropped.into_keys());
    }
    for verdict in [Verdict::Unverified, Verdict::Failed] {
        let mut rig = Rig::asking(Suspicious(verdict), Admission::Enforced);
        counted.extend(rig.feed(&craft::sound(1)).dropped.into_keys());
    }
    // Of frames and messages another section tells.
    counted.retain(|reason| reason.starts_with("label"));

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("\n## Entries of `label_live`\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let (_, table) = section.split_once("| what becomes no entry | counted as |\n|---|---|\n").unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let words = rows.flat_map(|row| row.trim_end_matches(" |").rsplit(" | ").next().unwrap().split(", "));
    let documented: BTreeSet<&str> = words.map(|word| word.trim_matches('`')).collect();
    assert_eq!(counted, documented);
}
