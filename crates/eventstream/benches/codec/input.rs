//! The frames that are measured on.

use std::path::{Path, PathBuf};

use standpipe_eventstream::{BlockIndex, Commit, Frame, RepoMessage};

/// The real frames, or golden ones where those are not there.
pub(crate) fn file() -> Vec<u8> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/frames/08-interleaved.bin.zst");
    let real = foreign_root().join("real-frames/frames.bin.zst");
    let path = if real.exists() { real } else { golden };
    zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "benchmarks are told by the environment where foreign data is")]
fn foreign_root() -> PathBuf {
    std::env::var_os("STANDPIPE_FOREIGN_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/foreign"),
        PathBuf::from,
    )
}

/// Splits a file of `[u32 little-endian length][frame bytes]`.
pub(crate) fn frames(file: &[u8]) -> Vec<&[u8]> {
    let mut left = file;
    let mut frames = Vec::new();
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame);
        left = rest;
    }
    frames
}

pub(crate) fn commits<'a>(frames: &[&'a [u8]]) -> Vec<Commit<'a>> {
    let commit = |bytes: &&'a [u8]| {
        let Ok(Frame::Message(message)) = Frame::parse(bytes) else { return None };
        let Ok(RepoMessage::Commit(commit)) = RepoMessage::parse(&message) else { return None };
        Some(commit)
    };
    frames.iter().filter_map(commit).collect()
}

/// The blocks of all records that the commits create or update.
pub(crate) fn records<'a>(commits: &[Commit<'a>]) -> Vec<&'a [u8]> {
    let mut index = BlockIndex::new();
    let mut records = Vec::new();
    for commit in commits {
        let car = index.read(commit.blocks).unwrap();
        records.extend(commit.ops().filter_map(|op| Some(car.find(op.cid?)?.unchecked())));
    }
    records
}
