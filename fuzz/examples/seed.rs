//! Lays out the corpora of the fuzz targets from the codec's fixtures: frames of relays and of labelers, the CARs in
//! them, the blocks in those.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use standpipe_eventstream::{BlockIndex, CidBuf, Frame, RepoMessage};

/// Longer inputs slow the fuzzer down more than they teach it.
const MAX_SEED_LEN: usize = 8 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fixtures = root.join("../crates/eventstream/tests/fixtures");
    let mut frames = BTreeSet::new();
    for stream in fs::read_dir(fixtures.join("frames"))? {
        let path = stream?.path();
        if path.to_string_lossy().ends_with(".bin.zst") {
            frames.extend(split(&zstd::decode_all(fs::File::open(path)?)?));
        }
    }
    let cases = zstd::decode_all(fs::File::open(fixtures.join("frames-invalid/cases.jsonl.zst"))?)?;
    for line in cases.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let case: serde_json::Value = serde_json::from_slice(line)?;
        frames.extend(case["hex"].as_str().map(hex));
    }
    let labels = zstd::decode_all(fs::File::open(fixtures.join("labels/labels.bin.zst"))?)?;
    let labels: BTreeSet<_> = split(&labels).into_iter().collect();
    let (mut cars, mut blocks) = (BTreeSet::new(), BTreeSet::new());
    for frame in &frames {
        let Ok(Frame::Message(message)) = Frame::parse(frame) else { continue };
        let car = match RepoMessage::parse(&message) {
            Ok(RepoMessage::Commit(commit)) => commit.blocks,
            Ok(RepoMessage::Sync(sync)) => sync.blocks,
            _ => continue,
        };
        if let Ok(car) = BlockIndex::new().read(car) {
            blocks.extend(car.blocks().map(|block| block.unchecked().to_vec()));
        }
        cars.insert(car.to_vec());
    }
    for (target, seeds) in [("frame", &frames), ("labels", &labels), ("car", &cars), ("record_json", &blocks)] {
        let folder = root.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        let short = seeds.iter().filter(|seed| seed.len() <= MAX_SEED_LEN);
        let written = short.map(|seed| fs::write(folder.join(CidBuf::of_dag_cbor(seed).to_string()), seed));
        println!("{target}: {} seeds", written.collect::<Result<Vec<_>, _>>()?.len());
    }
    Ok(())
}

/// Splits a file of `[u32 little-endian length][frame bytes]`.
fn split(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut left, mut frames) = (file, Vec::new());
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(frame.to_vec());
        left = rest;
    }
    frames
}

fn hex(digits: &str) -> Vec<u8> {
    let pairs = (0..digits.len() / 2).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16));
    pairs.map(|byte| byte.unwrap_or_default()).collect()
}
