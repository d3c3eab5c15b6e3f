//! What is known of signatures, in entries and for whoever wants only what is verified.

use standpipe_eventstream::Label;
use standpipe_projection::{Admission, Finding, Verdicts};
use standpipe_stream_entry::label::Verdict;

use crate::craft;
use crate::rig::Rig;

/// Judges a label by its value, and is told of sound labels only.
#[derive(Clone)]
struct ByValue;

impl Verdicts for ByValue {
    fn of(&mut self, label: &Label<'_>) -> Option<Finding> {
        let (word, reason) = label.val.split_once(' ').unwrap_or((label.val, ""));
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == word)?;
        let reason =
            ["mismatch", "none", "unsigned", "unresolved"].into_iter().find(|known| *known == reason)?;
        Some(Finding { verdict, reason, only_wants_key: reason == "unresolved" })
    }
}

const WORDS: [&str; 5] =
    ["failed mismatch", "verified none", "unverified unsigned", "unverified unresolved", "nobody looked"];

fn frame() -> Vec<u8> {
    craft::labels(7, WORDS.map(craft::label).into_iter().chain(["no label".into()]))
}

#[test]
fn every_label_says_what_is_known_of_its_signature() {
    let outcome = Rig::asking(ByValue, Admission::All).feed(&frame());
    assert_eq!(outcome.reasons(), [("label_field_wrong_type", 1)]);
    let entry = outcome.entry.unwrap();
    let labels = entry["labels"].as_array().unwrap().iter();
    let found: Vec<_> =
        labels.map(|label| label.get("verdict").and_then(|verdict| verdict.as_str())).collect();
    let unverified = Some("unverified");
    assert_eq!(found, [Some("failed"), Some("verified"), unverified, unverified, None]);
}

#[test]
fn i5_where_signatures_are_enforced_what_they_speak_against_is_counted_and_not_quarantined() {
    let mut rig = Rig::asking(ByValue, Admission::Enforced);
    let outcome = rig.feed(&frame());
    assert_eq!(
        outcome.values(),
        ["verified none", "unverified unresolved"],
        "a key that is not there drops no label"
    );
    let reasons = [("label_field_wrong_type", 1), ("label_signature_failed", 1), ("label_unverified", 2)];
    assert_eq!(outcome.reasons(), reasons);
    let none = rig.feed(&craft::labels(8, [WORDS[0], WORDS[2]].map(craft::label)));
    assert_eq!((none.entry.as_ref(), none.moved, none.notes), (None, Some(8), vec![]));
}

#[test]
fn verdicts_are_counted_by_word_and_reason_whatever_becomes_of_the_label() {
    for admission in [Admission::All, Admission::Enforced] {
        let outcome = Rig::asking(ByValue, admission).feed(&frame());
        let mut judged = outcome.judged;
        judged.sort_unstable();
        let wanted = WORDS[..4].iter().map(|words| (words.split_once(' ').unwrap(), 1));
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_unstable();
        assert_eq!(judged, wanted);
    }
}
