//! Simulated labelers, whose frames know what must come of them; and their frames, spoilt.

use proptest::prelude::*;
use standpipe_cursor::Resume;
use standpipe_simulator::{LabelWorld, WorldSettings};

use crate::craft;
use crate::rig::Rig;

fn labeler(seed: u64) -> LabelWorld {
    LabelWorld::new(WorldSettings { seed, ..WorldSettings::default() }, "did:web:labeler.example.com")
}

#[test]
fn i3_a_simulated_labelers_labels_are_written_as_they_were_said() {
    let labeler = labeler(7);
    let mut rig = Rig::new();
    let mut labels = 0;
    for index in 0..3_000 {
        let outcome = rig.feed(&labeler.frame_at(index));
        assert_eq!((outcome.halt.as_ref(), outcome.moved), (None, Some(labeler.seq_at(index))));
        let expected = labeler.expected_at(index);
        let wanted: Vec<_> = expected.iter().map(|label| label.val.as_str()).collect();
        assert_eq!(outcome.values(), wanted, "{index}");
        for (found, expected) in
            outcome.entry.iter().flat_map(|entry| entry["labels"].as_array().unwrap()).zip(&expected)
        {
            let text = |key: &str| found.get(key).and_then(|value| value.as_str());
            assert_eq!((text("src"), text("uri")), (Some(&*expected.src), Some(&*expected.uri)));
            assert_eq!((text("cts"), text("exp")), (Some(&*expected.cts), expected.exp.as_deref()));
            assert_eq!((text("cid"), found["neg"].as_bool()), (expected.cid.as_deref(), expected.neg));
            assert_eq!(found.get("ver").and_then(serde_json::Value::as_i64), expected.ver);
            assert_eq!(found.get("sig").is_some(), expected.sig.is_some());
        }
        labels += wanted.len();
    }
    assert!(labels > 3_000, "{labels}");
}

proptest! {
    #[test]
    fn i6_a_spoilt_frame_is_survived_and_the_next_one_comes_through(
        seed: u64,
        index in 0_u64..1_000,
        spoils in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut frame = labeler(seed).frame_at(index);
        for (place, byte) in spoils {
            let place = place.index(frame.len());
            frame[place] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len()));
        }
        let mut rig = Rig::new();
        let outcome = rig.feed(&frame);
        prop_assert!(outcome.halt.is_none() || outcome.moved.is_none());
        rig.reconnect(Resume::Oldest);
        prop_assert_eq!(rig.feed(&craft::sound(1 << 52)).moved, Some(1 << 52));
    }
}
