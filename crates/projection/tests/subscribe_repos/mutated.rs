//! Good frames with a few bytes changed, put in or taken out.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use standpipe_cursor::Resume;
use standpipe_stream_entry::firehose::Profile;

use crate::accounting;
use crate::craft;
use crate::fixture::{GOLDEN, foreign, frames, golden, hostile};
use crate::rig::{Rig, everything};

/// Sound and hostile frames below 20 kB.
static FRAMES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let golden = GOLDEN.iter().flat_map(|(stream, _)| golden(stream)).map(|(frame, _)| frame);
    let real = foreign("real-frames/frames.bin").map(|file| frames(&file)).unwrap_or_default();
    let hostile = hostile().into_iter().map(|case| case.bytes);
    golden.chain(real).chain(hostile).filter(|frame| frame.len() < 20_000).collect()
});

#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
    Graft(Index, Index),
}

fn mutations() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip(at, 1 << bit)),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        2 => (at(), vec(any::<u8>(), 1..5)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (at(), 1..40_usize).prop_map(|(at, len)| Mutation::Remove(at, len)),
        1 => (at(), 1..40_usize).prop_map(|(at, len)| Mutation::Repeat(at, len)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), at()).prop_map(|(at, other)| Mutation::Graft(at, other)),
    ]
}

fn apply(mutation: &Mutation, frame: &mut Vec<u8>) {
    let len = frame.len();
    if len == 0 {
        return;
    }
    match mutation {
        Mutation::Flip(at, bits) => frame[at.index(len)] ^= bits,
        Mutation::Set(at, byte) => frame[at.index(len)] = *byte,
        Mutation::Insert(at, bytes) => {
            let at = at.index(len);
            frame.splice(at..at, bytes.iter().copied());
        }
        Mutation::Remove(at, span) => {
            let at = at.index(len);
            frame.drain(at..frame.len().min(at + span));
        }
        Mutation::Repeat(at, span) => {
            let at = at.index(len);
            let again = frame[at..frame.len().min(at + span)].to_vec();
            frame.splice(at..at, again);
        }
        Mutation::Cut(at) => frame.truncate(at.index(len)),
        Mutation::Graft(at, other) => {
            let other = &FRAMES[other.index(FRAMES.len())];
            let at = at.index(len);
            frame.truncate(at);
            frame.extend_from_slice(&other[at.min(other.len())..]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    /// The rig reads every entry back, and shows by a sound frame that the batch is as good as before.
    #[test]
    fn i6_mutated_frames_are_survived_and_accounted_for(
        which in any::<Index>(), mutations in vec(mutations(), 1..4), is_full in any::<bool>(), is_text in prop::bool::weighted(0.02),
    ) {
        let mut frame = FRAMES[which.index(FRAMES.len())].clone();
        for mutation in &mutations {
            apply(mutation, &mut frame);
        }
        let mut rig = Rig::new(everything(if is_full { Profile::Full } else { Profile::Compatible }));
        let outcome = if is_text { rig.feed_text(&frame) } else { rig.feed(&frame) };
        accounting::check("mutated", &frame, &outcome);
        rig.reconnect(Resume::Live);
        prop_assert_eq!(rig.feed(&craft::control(7)).moved, Some(7));
    }

    #[test]
    fn i6_any_text_in_any_field_becomes_valid_json_or_is_refused(
        time in ".{0,140}", status in prop::option::of(".{0,140}"), active in any::<bool>(), handle in ".{0,60}",
        did in prop_oneof!["did:(web|plc):.{0,20}", Just(craft::DID.to_owned())], text in ".{0,60}", is_full in any::<bool>(),
    ) {
        let mut rig = Rig::new(everything(if is_full { Profile::Full } else { Profile::Compatible }));
        let mut fields = craft::account_fields(1);
        fields[1].1 = did.into();
        fields[2].1 = time.clone().into();
        fields.push(("active".into(), active.into()));
        fields.extend(status.map(|status| ("status".into(), status.into())));
        let mut identity = fields.clone();
        identity[0].1 = 2.into();
        identity.push(("handle".into(), handle.into()));
        let commit = craft::Commit { time, ..craft::Commit::new(3, vec![craft::Op::Create("app.bsky.feed.post/1".into(), craft::post(&text))]) };
        for frame in [craft::message("#account", fields), craft::message("#identity", identity), commit.frame()] {
            let outcome = rig.feed(&frame);
            accounting::check("crafted", &frame, &outcome);
            prop_assert_eq!(outcome.entries.len() + outcome.quarantined().len(), 1);
        }
    }
}
