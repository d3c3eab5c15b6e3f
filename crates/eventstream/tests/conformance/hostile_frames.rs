//! Malformed and adversarial frames, one fault each: each has exactly the outcome that is written down for it.
//!
//! `hostile-outcomes.tsv` holds case, the fixture's verdict, and the outcome at this layer. The outcome is also
//! held against the verdict by rule, so that the table cannot be written down wrongly. Where the fault lies in what
//! this layer does not look at, the case is listed by name with what would see it.

use std::collections::BTreeMap;

use serde_json::Value;
use standpipe_eventstream::{Checker, HashScope};

use crate::fixture::{hex, json_lines, own, sha256, text};
use crate::outcome::{Outcome, outcome, outcome_with};

/// 2026-07-04T00:00:00Z, after the last honest revision in these frames.
const NOW_MICROS: u64 = 1_783_123_200_000_000;

struct Case {
    id: String,
    verdict: String,
    bytes: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let lines = json_lines(&own("frames-invalid/cases.jsonl"));
    let bytes_of = |case: &Value| match case.get("hex").and_then(Value::as_str) {
        Some(digits) => hex(digits),
        None => own(&format!("frames-invalid/{}", text(case, "file").trim_end_matches(".zst"))),
    };
    lines
        .iter()
        .map(|case| {
            let bytes = bytes_of(case);
            assert_eq!(sha256(&bytes), text(case, "sha256"), "{}", text(case, "id"));
            Case { id: text(case, "id").to_owned(), verdict: text(case, "expect").to_owned(), bytes }
        })
        .collect()
}

struct Row<'t> {
    outcome: &'t str,
    /// What sees the fault where it is not seen here: `signature`, `tree`, `history` or `websocket`; else `-`.
    seen_by: &'t str,
}

fn table(text: &str) -> BTreeMap<&str, Row<'_>> {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let [case, _, outcome, seen_by] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (case, Row { outcome, seen_by })
    })
    .collect()
}

#[test]
fn i6_every_hostile_frame_has_the_outcome_that_is_written_down() {
    let file = own("frames-invalid/outcomes.tsv");
    let table = table(str::from_utf8(&file).expect("utf-8"));
    let cases = cases();
    assert_eq!((cases.len(), table.len()), (242, 242));
    let mut left_to: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &cases {
        let Case { id, verdict, bytes } = case;
        let row = &table[id.as_str()];
        let outcome = outcome(bytes, NOW_MICROS);
        assert_eq!(outcome.summary(), row.outcome, "{id}");
        *left_to.entry(row.seen_by).or_default() += 1;
        assert!(agrees(&outcome, verdict) || row.seen_by != "-", "{id} is to be {verdict}: {}", row.outcome);
    }
    let left_to: Vec<_> = left_to.into_iter().collect();
    assert_eq!(left_to, [("-", 194), ("history", 1), ("signature", 9), ("tree", 37), ("websocket", 1)]);
}

/// Whether an outcome is one that the fixture's verdict allows.
fn agrees(outcome: &Outcome, verdict: &str) -> bool {
    let is_whole = matches!(outcome, Outcome::Commit { written, dropped, .. } if !written.is_empty() && dropped.is_empty());
    let is_dropped = matches!(outcome, Outcome::Commit { written, dropped, .. } if written.is_empty() && !dropped.is_empty());
    match verdict {
        "frame-reject" => matches!(outcome, Outcome::Frame(_)),
        "ignore" => matches!(outcome, Outcome::Skipped(_)),
        // The fixture calls some a bad message that are a bad frame, or a bad commit, by our reading.
        "message-reject" => matches!(outcome, Outcome::Frame(_) | Outcome::Schema(..) | Outcome::Refused(_)),
        "commit-reject" | "strict-reject" => matches!(outcome, Outcome::Refused(_)) || is_dropped,
        "record-reject" => is_dropped,
        "accept" => is_whole,
        "stream-end" => matches!(outcome, Outcome::StreamError(_)),
        "policy" => true,
        other => panic!("unknown verdict {other}"),
    }
}

#[test]
fn i6_a_hostile_frame_leaves_nothing_behind_for_the_next() {
    let good = cases().into_iter().find(|case| case.id == "mst-control").expect("a control");
    let alone = outcome(&good.bytes, NOW_MICROS);
    assert!(agrees(&alone, "accept"), "{}", alone.summary());
    let mut checker = Checker::new(HashScope::Used);
    for case in cases() {
        outcome_with(&mut checker, &case.bytes, NOW_MICROS);
        assert_eq!(outcome_with(&mut checker, &good.bytes, NOW_MICROS), alone, "after {}", case.id);
    }
}

#[test]
fn i6_every_cut_and_every_flipped_byte_of_a_good_frame_is_survived() {
    let good = cases().into_iter().find(|case| case.id == "mst-control").expect("a control").bytes;
    let mut refusals = 0;
    for cut in 0..good.len() {
        assert!(matches!(outcome(&good[..cut], NOW_MICROS), Outcome::Frame(_)), "cut to {cut}");
    }
    for position in 0..good.len() {
        let mut flipped = good.clone();
        flipped[position] ^= 1 << (position % 8);
        refusals += usize::from(!matches!(outcome(&flipped, NOW_MICROS), Outcome::Commit { .. }));
    }
    assert!(refusals > good.len() / 4, "{refusals} of {}", good.len());
}
