//! From frame to record JSON: this codec without hashes, with them, and the origin's way, in one run.
//!
//! Every way takes each frame through header, body, CAR, the blocks of its ops and their JSON. Real frames are used
//! where they are (`STANDPIPE_FOREIGN_FIXTURES`, or beside the checkout), else golden ones. One iteration is the
//! whole file; criterion's throughput gives frames a second.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run ends with what is missing")]

mod input;
mod origin;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use standpipe_eventstream::{
    BlockIndex, CheckError, Checker, Frame, HashScope, MessageError, RepoMessage, record::write_record_json,
};
use tokio::runtime::Builder;

/// 2026-07-04T14:40:00Z, just after the frames were taken.
const NOW_MICROS: u64 = 1_783_176_000_000_000;

/// Looks blocks up without hashing them: what reading and writing alone cost.
fn without_hashes(bytes: &[u8], index: &mut BlockIndex, out: &mut Vec<u8>) -> Result<(), MessageError> {
    let Frame::Message(message) = Frame::parse(bytes)? else { return Ok(()) };
    let RepoMessage::Commit(commit) = RepoMessage::parse(&message)? else { return Ok(()) };
    let Ok(car) = index.read(commit.blocks) else { return Ok(()) };
    for op in commit.ops() {
        if let Some(block) = op.cid.and_then(|cid| car.find(cid)) {
            let _ = black_box(write_record_json(block.unchecked(), out));
        }
    }
    Ok(())
}

/// The whole way that the daemon goes: every check of this crate, the commit object and the records hashed.
fn with_checks(bytes: &[u8], checker: &mut Checker, out: &mut Vec<u8>) -> Result<(), CheckError> {
    let Ok(Frame::Message(message)) = Frame::parse(bytes) else { return Ok(()) };
    let Ok(RepoMessage::Commit(commit)) = RepoMessage::parse(&message) else { return Ok(()) };
    let consistent = checker.commit(&commit, NOW_MICROS)?;
    for op in consistent.ops().flatten() {
        if let Some(cid) = op.change.cid() {
            let _ = black_box(consistent.record(cid)?.write_json(out));
        }
    }
    Ok(())
}

fn frame_to_json(criterion: &mut Criterion) {
    let file = input::file();
    let frames = input::frames(&file);
    let mut group = criterion.benchmark_group("frame_to_json");
    group.throughput(Throughput::Elements(frames.len() as u64));

    let runtime = Builder::new_current_thread().build().unwrap();
    let (mut index, mut out) = (BlockIndex::new(), Vec::new());
    let theirs: usize =
        frames.iter().map(|bytes| runtime.block_on(origin::records(bytes)).unwrap().len()).sum();
    assert_eq!(theirs, input::records(&input::commits(&frames)).len(), "both ways find the same records");
    group.bench_function("without_hashes", |bencher| {
        bencher.iter(|| {
            for bytes in &frames {
                out.clear();
                without_hashes(bytes, &mut index, &mut out).unwrap();
            }
        });
    });
    for (name, scope) in [("record_and_commit_hashes", HashScope::Used), ("all_hashes", HashScope::All)] {
        let mut checker = Checker::new(scope);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for bytes in &frames {
                    out.clear();
                    with_checks(bytes, &mut checker, &mut out).unwrap();
                }
            });
        });
    }
    group.bench_function("origin", |bencher| {
        bencher.iter(|| {
            for bytes in &frames {
                black_box(runtime.block_on(origin::records(bytes)).unwrap());
            }
        });
    });
    group.finish();
}

/// What the parts of the way without hashes cost.
fn parts(criterion: &mut Criterion) {
    let file = input::file();
    let frames = input::frames(&file);
    let commits = input::commits(&frames);
    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Elements(frames.len() as u64));
    group.bench_function("header_and_body", |bencher| {
        bencher.iter(|| {
            for bytes in &frames {
                let Ok(Frame::Message(message)) = Frame::parse(bytes) else { continue };
                let _ = black_box(RepoMessage::parse(&message));
            }
        });
    });
    let mut index = BlockIndex::new();
    group.bench_function("car_index", |bencher| {
        bencher.iter(|| {
            for commit in &commits {
                let _ = black_box(index.read(commit.blocks));
            }
        });
    });
    let records = input::records(&commits);
    let mut out = Vec::new();
    group.bench_function("record_json", |bencher| {
        bencher.iter(|| {
            for block in &records {
                out.clear();
                let _ = black_box(write_record_json(block, &mut out));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, frame_to_json, parts);
criterion_main!(benches);
