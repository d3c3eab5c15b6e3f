//! Nothing vanishes silently: every frame and every op of it is written, or dropped for a reason.

use standpipe_projection::Halt;
use standpipe_stream_entry::firehose::Profile;

use crate::craft::{ops_in, seq_of};
use crate::fixture::{GOLDEN, foreign, frames, golden, hostile, vectors};
use crate::rig::{Note, Outcome, Rig, everything};

/// Checks that all of a frame is accounted for.
pub(crate) fn check(name: &str, frame: &[u8], outcome: &Outcome) {
    let dropped: u64 = outcome.dropped.values().sum();
    let quarantined = outcome.quarantined();
    assert!(quarantined.len() <= 1, "{name}: kept once: {quarantined:?}");
    for note in &outcome.notes {
        if let Note::Quarantined { frame: kept, seq, .. } = note {
            assert_eq!(kept, frame, "{name}");
            assert_eq!(*seq, outcome.moved, "{name}: kept with its seq");
        }
    }
    match &outcome.halt {
        Some(Halt::UnreadableFrame { reason }) => {
            assert_eq!((&quarantined[..], outcome.moved, dropped), (&[*reason][..], None, 0), "{name}");
            assert_eq!(outcome.entries.len(), 0, "{name}");
        }
        Some(_) => {
            assert_eq!((outcome.entries.len(), outcome.moved), (0, None), "{name}");
        }
        None => {
            let ops = ops_in(frame);
            let parts = outcome.entries.len() as u64 + dropped;
            let is_whole = parts == ops.max(1) as u64;
            let is_one_reason = outcome.entries.is_empty() && dropped >= 1;
            assert!(is_whole || is_one_reason, "{name}: {ops} ops, {outcome:?}");
            if !is_whole && outcome.moved.is_some() && !outcome.dropped.contains_key("did_filtered") {
                assert_eq!(quarantined.len(), 1, "{name}: {outcome:?}");
            }
        }
    }
    if let Some(moved) = outcome.moved {
        assert_eq!(Some(moved), seq_of(frame), "{name}");
    }
}

#[test]
fn i5_every_frame_and_op_is_written_or_dropped_for_a_reason() {
    let mut corpus = Vec::new();
    for (stream, _) in GOLDEN {
        let named = |(number, (frame, _))| (format!("{stream} {number}"), frame);
        corpus.extend(golden(stream).into_iter().enumerate().map(named));
    }
    corpus.extend(hostile().into_iter().map(|hostile| (hostile.id, hostile.bytes)));
    corpus.extend(vectors());
    for name in ["real-frames/frames.bin", "indigo-firehose/frames.bin"] {
        let frames = foreign(name).map(|file| frames(&file)).unwrap_or_default();
        corpus.extend(
            frames.into_iter().enumerate().map(|(number, frame)| (format!("{name} {number}"), frame)),
        );
    }
    assert!(corpus.len() >= 893 + 242 + 120);
    for profile in [Profile::Compatible, Profile::Full] {
        for (name, frame) in &corpus {
            check(name, frame, &Rig::new(everything(profile)).feed(frame));
        }
    }
}
