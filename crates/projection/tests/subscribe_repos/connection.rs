//! What ends a connection, what a new one does, and where the cursor stands meanwhile.

use std::time::Duration;

use standpipe_cursor::{Resume, Seq};
use standpipe_pipeline::{Remedy, Transient};
use standpipe_projection::{Halt, RepoSettings};

use crate::craft;
use crate::rig::{Note, Rig};

fn rig() -> Rig {
    Rig::new(RepoSettings::default())
}

fn after(seq: u64) -> Resume {
    Resume::After(Seq::new(seq).unwrap())
}

#[test]
fn a_poison_frame_ends_the_connection_once_and_is_skipped_when_it_comes_again() {
    let mut broken = craft::identity(11);
    broken.truncate(broken.len() - 1);
    let mut rig = rig();
    assert_eq!(rig.feed(&craft::identity(10)).moved, Some(10));
    let first = rig.feed(&broken);
    let halt = first.halt.expect("a halt");
    assert_eq!(halt, Halt::UnreadableFrame { reason: "body_malformed" });
    assert_eq!((halt.remedy(), first.moved, first.entries.len()), (Remedy::Retry, None, 0));
    assert_eq!(
        first.notes,
        [Note::Quarantined { reason: "body_malformed", seq: None, frame: broken.clone() }]
    );

    rig.reconnect(after(10));
    let again = rig.feed(&broken);
    assert_eq!((again.halt, again.moved, again.entries.len()), (None, None, 0));
    assert_eq!(again.dropped.get("unreadable_frame"), Some(&1));
    assert_eq!(again.notes, [], "it has been kept already");
    let next = rig.feed(&craft::identity(12));
    assert_eq!((next.entries.len(), next.moved), (1, Some(12)));
}

#[test]
fn a_text_message_is_a_poison_frame_whatever_it_holds() {
    let mut rig = rig();
    let sound = craft::identity(10);
    let first = rig.feed_text(&sound);
    assert_eq!(first.halt, Some(Halt::UnreadableFrame { reason: "text_message" }));
    assert_eq!(first.quarantined(), ["text_message"]);
    rig.reconnect(Resume::Live);
    let again = rig.feed_text(&sound);
    assert_eq!((again.halt, again.dropped.get("unreadable_frame")), (None, Some(&1)));
    assert_eq!(rig.feed(&sound).moved, Some(10), "the same bytes as a binary message are a frame");
}

#[test]
fn more_than_twenty_different_poison_frames_within_a_minute_are_babble() {
    let mut rig = rig();
    for number in 0..20 {
        let outcome = rig.feed(&[0xff, number]);
        assert!(matches!(outcome.halt, Some(Halt::UnreadableFrame { .. })), "{number}");
        rig.reconnect(Resume::Live);
    }
    let outcome = rig.feed(&[0xff, 20]);
    let halt = outcome.halt.expect("a halt");
    assert_eq!(halt, Halt::Babble { count: 21 });
    assert_eq!(halt.remedy(), Remedy::RetryAfter(Duration::from_mins(5)));
    assert_eq!(outcome.notes.len(), 1);
    rig.reconnect(Resume::Live);
    assert_eq!(rig.feed(&[0xff, 20]).halt, None, "it is skipped as every other");
}

#[test]
fn a_host_is_read_past_hundreds_of_poison_frames_in_a_row() {
    let mut rig = rig();
    let frames: Vec<_> = (0..500_u16).map(|number| [&[0xff], &number.to_be_bytes()[..]].concat()).collect();
    let mut connections = 1;
    let mut next = 0;
    while next < frames.len() {
        if rig.feed(&frames[next]).halt.is_none() {
            next += 1;
        } else {
            rig.reconnect(Resume::Live);
            (connections, next) = (connections + 1, 0);
            assert!(connections <= 501, "the host is read on");
        }
    }
    assert_eq!(connections, 501, "each ends one connection");
    assert_eq!(rig.feed(&craft::identity(1)).moved, Some(1));
}

#[test]
fn error_frames_end_the_connection_as_their_names_say() {
    let check = |name: &str, halt: &Halt, remedy: Remedy, label: &str| {
        for text in [None, Some("")] {
            let outcome = rig().feed(&craft::error(name, text));
            assert_eq!(outcome.halt.as_ref(), Some(halt), "{name}");
            assert_eq!((outcome.moved, outcome.notes.len(), outcome.dropped.len()), (None, 0, 0), "{name}");
        }
        assert_eq!((halt.remedy(), halt.label()), (remedy, label), "{name}");
    };
    let other = |name: &str| Halt::HostError { name: name.to_owned(), message: String::new() };
    check("FutureCursor", &Halt::FutureCursor, Remedy::Hold(Duration::from_mins(5)), "future_cursor");
    let too_slow = Remedy::RetryAfter(Duration::from_secs(1));
    check("ConsumerTooSlow", &Halt::ConsumerTooSlow, too_slow, "consumer_too_slow");
    for name in ["InvalidRequest", "InternalServerError", "", "futurecursor"] {
        check(name, &other(name), Remedy::Retry, "host_error");
    }
}

#[test]
fn i7_hostile_error_texts_are_cut_and_printed_on_one_line() {
    let (name, text) = ("\u{1f692}\n".repeat(100_000), "\u{1b}[2J".repeat(100_000));
    let halt = rig().feed(&craft::error(&name, Some(&text))).halt.expect("a halt");
    let Halt::HostError { name, message } = &halt else { panic!("{halt:?}") };
    assert_eq!((name.chars().count(), message.chars().count()), (200, 200));
    let printed = halt.to_string();
    assert!(printed.len() < 4000 && !printed.contains(|letter: char| letter.is_control()), "{printed}");
}

#[test]
fn i11_a_cursor_that_is_silently_ahead_of_its_host_holds_the_host() {
    let mut rig = rig();
    rig.reconnect(after(1000));
    for seq in 1..50 {
        let outcome = rig.feed(&craft::identity(seq));
        assert_eq!((outcome.halt, outcome.moved, outcome.entries.len()), (None, None, 0), "{seq}");
    }
    let halt = rig.feed(&craft::identity(50)).halt.expect("a halt");
    assert_eq!(halt, Halt::CursorAhead { cursor: 1000, seq: 50 });
    assert_eq!(halt.remedy(), Remedy::Hold(Duration::from_mins(5)));
}

#[test]
fn i2_stale_frames_are_counted_and_leave_entries_and_cursor_alone() {
    let mut rig = rig();
    rig.reconnect(after(10));
    let malformed = craft::message("#identity", craft::fields([("seq", 10.into())]));
    let unknown = craft::message("#unknown", craft::fields([("seq", 9.into())]));
    for frame in [craft::identity(10), craft::Commit::new(3, craft::posts(2)).frame(), malformed, unknown] {
        let outcome = rig.feed(&frame);
        assert_eq!((outcome.halt, outcome.moved, outcome.entries.len()), (None, None, 0));
        let dropped: Vec<_> = outcome.dropped.into_iter().collect();
        assert_eq!((dropped, outcome.notes), (vec![("stale_seq", 1)], vec![]));
    }
    assert_eq!(rig.feed(&craft::identity(11)).moved, Some(11));
    assert_eq!(rig.feed(&craft::identity(11)).moved, None);
    assert_eq!(rig.feed(&craft::identity(5000)).moved, Some(5000), "gaps are legal");
}

#[test]
fn a_host_that_goes_back_and_stays_there_is_left() {
    let mut rig = rig();
    assert_eq!(rig.feed(&craft::identity(1000)).moved, Some(1000));
    for seq in 1..=100 {
        assert_eq!(rig.feed(&craft::identity(seq)).halt, None);
    }
    let halt = rig.feed(&craft::identity(101)).halt.expect("a halt");
    assert_eq!(halt, Halt::WentBack { last: 1000, seq: 101 });
    assert_eq!(halt.remedy(), Remedy::Retry);
}

#[test]
fn an_outdated_cursor_is_a_gap_and_reading_goes_on() {
    let info = |name: &str| craft::message("#info", craft::fields([("name", name.into())]));
    let mut rig = rig();
    rig.reconnect(after(10));
    let outcome = rig.feed(&info("OutdatedCursor"));
    assert_eq!((outcome.halt, outcome.moved), (None, None));
    assert_eq!(outcome.notes, [Note::Gap("outdated_cursor", Some(10))]);
    assert_eq!(outcome.dropped.get("info_outdated_cursor"), Some(&1));
    let outcome = rig.feed(&info("Whatever"));
    assert_eq!((outcome.notes.len(), outcome.dropped.get("info_other")), (0, Some(&1)));
    assert_eq!(rig.feed(&craft::identity(500)).moved, Some(500));
}

#[test]
fn the_first_news_of_a_connection_is_told_once_and_with_its_time() {
    let mut rig = rig();
    rig.reconnect(after(10));
    for seq in [9, 10, 17, 18] {
        rig.feed(&craft::identity(seq));
    }
    let began = rig.began();
    assert_eq!(began.len(), 1);
    assert_eq!((began[0].after, began[0].seq), (Some(10), 17));
    assert!(began[0].time.starts_with("20"), "{began:?}");
    rig.reconnect(Resume::Live);
    rig.feed(&craft::identity(40));
    assert_eq!(
        rig.began()[1..].iter().map(|began| (began.after, began.seq)).collect::<Vec<_>>(),
        [(None, 40)]
    );
}

#[test]
fn revisions_from_the_future_are_refused_by_the_given_clock() {
    let frame = craft::Commit::new(1, craft::posts(1)).frame();
    let an_hour_before = Rig::at(RepoSettings::default(), || 1_783_172_288_000_000).feed(&frame);
    assert_eq!((an_hour_before.entries.len(), an_hour_before.moved), (0, Some(1)));
    assert_eq!(an_hour_before.quarantined(), ["rev_future"]);
    let a_minute_before = Rig::at(RepoSettings::default(), || 1_783_175_828_000_000).feed(&frame);
    assert_eq!(a_minute_before.entries.len(), 1);
}
