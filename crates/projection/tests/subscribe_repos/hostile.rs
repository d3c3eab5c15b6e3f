//! Malformed and adversarial frames, one fault each: what the codec says of them has the consequence here that it
//! should have, and a sound frame after each comes through.

use std::collections::BTreeMap;

use standpipe_cursor::Resume;
use standpipe_pipeline::{Remedy, Transient};
use standpipe_projection::Halt;
use standpipe_stream_entry::firehose::Profile;

use crate::craft;
use crate::fixture::{Hostile, hostile, vectors};
use crate::rig::{Note, Outcome, Rig, everything};

/// Above every seq of the cases.
const LATER: u64 = 1 << 52;

#[test]
fn i6_every_hostile_frame_has_its_consequence_and_the_next_frame_comes_through() {
    let mut outcomes = BTreeMap::new();
    for profile in [Profile::Compatible, Profile::Full] {
        for case in hostile() {
            let mut rig = Rig::new(everything(profile));
            let outcome = feed(&mut rig, &case);
            let word = check(&case, &outcome, profile);
            *outcomes.entry(word).or_insert(0) += 1;
            match &outcome.halt {
                None => {}
                Some(halt @ Halt::UnreadableFrame { .. }) => {
                    assert_eq!(halt.remedy(), Remedy::Retry);
                    rig.reconnect(Resume::Live);
                    let again = feed(&mut rig, &case);
                    let reasons: Vec<_> = again.dropped.into_iter().collect();
                    assert_eq!((again.halt, again.moved), (None, None), "{}", case.id);
                    assert_eq!(
                        (reasons, again.notes),
                        (vec![("unreadable_frame", 1)], vec![]),
                        "{}",
                        case.id
                    );
                }
                Some(_) => rig.reconnect(Resume::Live),
            }
            let sound = rig.feed(&craft::control(LATER));
            assert_eq!((sound.entries.len(), sound.moved), (1, Some(LATER)), "after {}", case.id);
        }
    }
    println!("{outcomes:?}");
    assert_eq!(outcomes.values().sum::<i32>(), 2 * 242);
}

fn feed(rig: &mut Rig, case: &Hostile) -> Outcome {
    if case.is_text { rig.feed_text(&case.bytes) } else { rig.feed(&case.bytes) }
}

/// Holds the consequence of a frame against what the codec says of it; returns the first word of that.
fn check(case: &Hostile, outcome: &Outcome, profile: Profile) -> String {
    let Hostile { id, bytes, is_text, outcome: said } = case;
    let mut words = said.split(' ');
    let first = words.next().expect("a word");
    let rest: Vec<&str> = words.collect();
    let seq = craft::seq_of(bytes);
    let dropped: Vec<(&str, u64)> = outcome.dropped.iter().map(|(reason, count)| (*reason, *count)).collect();
    let quarantined = outcome.quarantined();
    if *is_text {
        assert_eq!(outcome.halt, Some(Halt::UnreadableFrame { reason: "text_message" }), "{id}");
        return "text".to_owned();
    }
    let entries = outcome.entries.len();
    match first {
        "frame" => {
            let halted = matches!(outcome.halt, Some(Halt::UnreadableFrame { reason }) if reason == rest[0]);
            assert!(halted, "{id}: {outcome:?}");
        }
        "error" => {
            let left = (outcome.moved, entries, dropped.len(), outcome.notes.len());
            assert_eq!(left, (None, 0, 0, 0), "{id}");
            assert!(outcome.halt.is_some(), "{id}");
        }
        "schema" => {
            let reason = format!("field_{}", rest[1]);
            assert_eq!((&dropped[..], &quarantined[..]), (&[(&*reason, 1)][..], &[&*reason][..]), "{id}");
            let seq = rest[3].parse().ok();
            assert_eq!((entries, outcome.moved), (0, seq), "{id}");
        }
        "refused" => {
            assert_eq!((&dropped[..], &quarantined[..]), (&[(rest[0], 1)][..], &[rest[0]][..]), "{id}");
            assert_eq!((entries, outcome.moved), (0, seq), "{id}");
        }
        "skipped" => {
            let is_kind = said.ends_with(')');
            assert_eq!(dropped, [(if is_kind { "unknown_kind" } else { rest[0] }, 1)], "{id}");
            assert_eq!((entries, outcome.notes.len()), (0, 0), "{id}");
            assert_eq!(outcome.moved, if is_kind { seq } else { None }, "{id}");
        }
        "identity" | "account" => {
            assert_eq!((entries, dropped.len(), outcome.moved), (1, 0, seq), "{id}");
            assert_eq!(outcome.entries[0]["type"], first, "{id}");
        }
        "sync" => {
            let is_written = profile == Profile::Full;
            assert_eq!((entries, outcome.moved), (usize::from(is_written), seq), "{id}");
            assert_eq!(dropped.len(), usize::from(!is_written), "{id}");
        }
        "commit" => {
            let is_legacy = rest[0] == "legacy";
            assert_eq!(outcome.noted.contains_key("legacy_commit"), is_legacy, "{id}");
            let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
            for word in rest.into_iter().filter(|word| *word != "legacy") {
                let (reason, count) = word.split_once('=').expect("a count");
                counts.insert(reason, count.parse().expect("a number"));
            }
            assert_eq!(Some(entries as u64), counts.remove("written"), "{id}");
            let counts: Vec<_> = counts.into_iter().collect();
            assert_eq!(dropped, counts, "{id}");
            assert_eq!(quarantined, counts.iter().map(|(reason, _)| *reason).collect::<Vec<_>>(), "{id}");
            assert_eq!(outcome.moved, seq, "{id}");
        }
        other => panic!("{id}: {other}"),
    }
    first.to_owned()
}

#[test]
fn what_is_malformed_is_kept_as_it_came() {
    let case = hostile().into_iter().find(|case| case.id == "repo-not-did").expect("a case");
    let outcome = Rig::new(everything(Profile::Full)).feed(&case.bytes);
    let seq = craft::seq_of(&case.bytes);
    assert_eq!(outcome.notes, [Note::Quarantined { reason: "field_syntax", seq, frame: case.bytes }]);
}

#[test]
fn a_hosts_words_about_its_stream_are_no_malformed_input() {
    let vectors: BTreeMap<_, _> = vectors().into_iter().collect();
    let mut rig = Rig::new(everything(Profile::Full));
    let mut gaps = 0;
    for (name, frame) in vectors.iter().filter(|(name, _)| name.starts_with("info")) {
        let outcome = rig.feed(frame);
        assert_eq!((outcome.halt, outcome.moved), (None, None), "{name}");
        gaps += outcome.notes.iter().filter(|note| **note == Note::Gap("outdated_cursor", None)).count();
        assert_eq!(
            outcome.notes.len(),
            outcome.dropped.get("info_outdated_cursor").map_or(0, |_| 1),
            "{name}"
        );
    }
    assert!(gaps >= 1, "{gaps}");
}
