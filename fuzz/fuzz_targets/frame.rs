//! Any websocket message: no panic, and what is accepted is exactly two canonical items.
#![no_main]

use libfuzzer_sys::fuzz_target;
use standpipe_eventstream::{Checker, Frame, HashScope, RepoMessage};
use standpipe_fuzz::{decode, encode};

/// 2026-07-04T00:00:00Z, after every revision of the seeds.
const NOW_MICROS: u64 = 1_783_123_200_000_000;

fuzz_target!(|bytes: &[u8]| {
    let is_accepted = match Frame::parse(bytes) {
        Ok(Frame::Message(message)) => match RepoMessage::parse(&message) {
            Ok(parsed) => {
                follow(&parsed);
                true
            }
            Err(error) => {
                assert!(!error.to_string().is_empty() && !error.label().is_empty());
                false
            }
        },
        Ok(Frame::Error(_) | Frame::Unknown(_)) => true,
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.label().is_empty());
            false
        }
    };
    if is_accepted {
        let (header, rest) = decode(bytes).expect("the header is anybody's cbor");
        let (body, rest) = decode(rest).expect("the body is anybody's cbor");
        assert!(rest.is_empty());
        let again = [encode(header).expect("text keys"), encode(body).expect("text keys")].concat();
        assert_eq!(again, bytes);
    }
});

fn follow(message: &RepoMessage<'_>) {
    let mut checker = Checker::new(HashScope::Used);
    match message {
        RepoMessage::Commit(commit) => {
            assert_eq!(commit.ops().count(), commit.ops().len());
            let Ok(checked) = checker.commit(commit, NOW_MICROS) else { return };
            let mut out = Vec::new();
            assert_eq!(checked.ops().count(), commit.ops().len());
            for op in checked.ops().flatten() {
                let Some(Ok(record)) = op.change.cid().map(|cid| checked.record(cid)) else { continue };
                let start = out.len();
                if record.write_json(&mut out).is_ok() {
                    serde_json::from_slice::<serde_json::Value>(&out[start..]).expect("json");
                }
            }
        }
        RepoMessage::Sync(sync) => {
            let _ = checker.sync(sync, NOW_MICROS);
        }
        _ => {}
    }
}
