//! What is known of signatures, in entries and for whoever wants only what is verified.

use standpipe_eventstream::Label;
use standpipe_projection::{Admission, Verdicts};
use standpipe_stream_entry::label::Verdict;

use crate::craft;
use crate::rig::Rig;

/// Judges a label by its value, and is told of sound labels only.
#[derive(Clone)]
struct ByValue;

impl Verdicts for ByValue {
    fn of(&mut self, label: &Label<'_>) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.as_str() == label.val)
    }
}

fn frame() -> Vec<u8> {
    let words = ["failed", "verified", "unverified", "nobody looked"];
    craft::labels(7, words.map(craft::label).into_iter().chain(["no label".into()]))
}

#[test]
fn every_label_says_what_is_known_of_its_signature() {
    let outcome = Rig::asking(ByValue, Admission::All).feed(&frame());
    assert_eq!(outcome.reasons(), [("label_field_wrong_type", 1)]);
    let entry = outcome.entry.unwrap();
    let labels = entry["labels"].as_array().unwrap().iter();
    let found: Vec<_> =
        labels.map(|label| label.get("verdict").and_then(|verdict| verdict.as_str())).collect();
    assert_eq!(found, [Some("failed"), Some("verified"), Some("unverified"), None]);
}

#[test]
fn i5_where_only_verified_labels_are_wanted_the_others_are_counted_and_not_quarantined() {
    let mut rig = Rig::asking(ByValue, Admission::Verified);
    let outcome = rig.feed(&frame());
    assert_eq!(outcome.values(), ["verified"]);
    let reasons = [("label_field_wrong_type", 1), ("label_signature_failed", 1), ("label_unverified", 2)];
    assert_eq!(outcome.reasons(), reasons);
    let none = rig.feed(&craft::labels(8, [craft::label("failed"), craft::label("unverified")]));
    assert_eq!((none.entry.as_ref(), none.moved, none.notes), (None, Some(8), vec![]));
}
