//! What ends a connection, what a new one does, and where the cursor stands meanwhile: as with relays.

use std::time::Duration;

use standpipe_cursor::{Resume, Seq};
use standpipe_pipeline::{RawMessage, Remedy, Transient};
use standpipe_projection::Halt;

use crate::craft;
use crate::rig::Rig;

fn after(seq: u64) -> Resume {
    Resume::After(Seq::new(seq).unwrap())
}

#[test]
fn i6_a_poison_frame_ends_the_connection_once_and_is_skipped_when_it_comes_again() {
    let mut rig = Rig::new();
    let mut cut = craft::sound(7);
    cut.pop();
    let not_strict = [craft::sound(7), vec![0xf6]].concat();
    let text = RawMessage::Text(b"{}".as_slice().into());
    for poison in [RawMessage::Binary(cut.into()), RawMessage::Binary(not_strict.into()), text] {
        let outcome = rig.message(poison.clone());
        let halt = outcome.halt.unwrap();
        assert!(matches!(halt, Halt::UnreadableFrame { .. }), "{halt}");
        assert_eq!((halt.remedy(), outcome.moved, outcome.notes.len()), (Remedy::Retry, None, 1));
        rig.reconnect(after(6));
        let again = rig.message(poison);
        assert_eq!((again.halt.as_ref(), again.reasons()), (None, vec![("unreadable_frame", 1)]));
        assert_eq!((again.moved, again.notes.len()), (None, 0));
    }
    assert_eq!(rig.feed(&craft::sound(8)).moved, Some(8));
}

#[test]
fn i2_stale_frames_are_counted_and_leave_entries_and_cursor_alone() {
    let mut rig = Rig::new();
    rig.reconnect(after(10));
    let unusable = craft::message("#labels", &craft::map([("seq", 10.into())]));
    for frame in [craft::sound(10), craft::sound(3), unusable, craft::labels(9, [])] {
        let outcome = rig.feed(&frame);
        assert_eq!((outcome.halt.as_ref(), outcome.moved, &outcome.entry), (None, None, &None));
        assert_eq!((outcome.reasons(), outcome.notes), (vec![("stale_seq", 1)], vec![]));
    }
    let outcome = rig.feed(&craft::sound(5_000));
    assert_eq!((outcome.moved, outcome.notes), (Some(5_000), vec![("began".to_owned(), Some(5_000))]));
}

#[test]
fn the_cursor_moves_past_frames_that_say_nothing() {
    let mut rig = Rig::new();
    let unknown = craft::message("#yetToCome", &craft::map([("seq", 2.into())]));
    let unusable = craft::message("#labels", &craft::map([("seq", 3.into()), ("labels", 5.into())]));
    for (seq, frame, reason) in [
        (1, craft::labels(1, []), "labels_empty"),
        (2, unknown, "unknown_kind"),
        (3, unusable, "field_wrong_type"),
        (4, craft::labels(4, ["no label".into()]), "label_field_wrong_type"),
    ] {
        let outcome = rig.feed(&frame);
        assert_eq!((outcome.moved, &outcome.entry, outcome.reasons()), (Some(seq), &None, vec![(reason, 1)]));
    }
    let without_seq = craft::message("#yetToCome", &craft::map([]));
    assert_eq!(rig.feed(&without_seq).moved, None);
    let seq_of_text = craft::message("#labels", &craft::map([("seq", "5".into()), ("labels", true.into())]));
    assert_eq!(rig.feed(&seq_of_text).moved, None);
}

#[test]
fn i11_a_cursor_ahead_of_the_labeler_holds_it_said_or_not() {
    let mut rig = Rig::new();
    rig.reconnect(after(1_000));
    let halt = rig.feed(&craft::error("FutureCursor")).halt.unwrap();
    assert_eq!((&halt, halt.remedy()), (&Halt::FutureCursor, Remedy::Hold(Duration::from_mins(5))));
    rig.reconnect(after(1_000));
    for seq in 1..50 {
        assert_eq!(rig.feed(&craft::sound(seq)).halt, None);
    }
    let halt = rig.feed(&craft::sound(50)).halt.unwrap();
    assert_eq!(halt, Halt::CursorAhead { cursor: 1_000, seq: 50 });
}

#[test]
fn an_outdated_cursor_is_a_gap_and_reading_goes_on() {
    let mut rig = Rig::new();
    rig.reconnect(after(10));
    let info = |name: &str| craft::message("#info", &craft::map([("name", name.into())]));
    let outcome = rig.feed(&info("OutdatedCursor"));
    assert_eq!(outcome.notes, [("gap outdated_cursor".to_owned(), Some(10))]);
    assert_eq!((outcome.halt.as_ref(), outcome.reasons()), (None, vec![("info_outdated_cursor", 1)]));
    assert_eq!(rig.feed(&info("Other")).reasons(), [("info_other", 1)]);
    assert_eq!(rig.feed(&craft::sound(500)).moved, Some(500));
}
