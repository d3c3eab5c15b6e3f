//! From frame to entry: the codec alone, this decoder, and a pump around it, in one run.
//!
//! Real frames are used where they are (`STANDPIPE_FOREIGN_FIXTURES`, or beside the checkout), else golden ones. One
//! iteration is the whole file over a connection of its own; criterion's throughput gives frames a second.
#![expect(
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a benchmark may panic, and says what it measures on"
)]

use std::future::pending;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use standpipe_cursor::Resume;
use standpipe_eventstream::{CheckError, Checker, Frame, HashScope, RepoMessage};
use standpipe_pipeline::{
    Ack, Batch, Decoder, End, Limits, Never, OpenBatch, Pump, RawMessage, Silent, Sink, Source,
};
use standpipe_projection::{CollectionFilter, PoisonMemory, RepoDecoder, RepoSettings};

/// 2026-07-04T14:40:00Z, just after the frames were taken.
const NOW_MICROS: u64 = 1_783_176_000_000_000;

/// The real frames, or golden ones where those are not there.
fn frames() -> Vec<Bytes> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = here.join("../eventstream/tests/fixtures/frames/08-interleaved.bin.zst");
    let real = foreign_root().join("real-frames/frames.bin.zst");
    let path = if real.exists() { real } else { golden };
    eprintln!("frames: {}", path.display());
    let file = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let (mut frames, mut left) = (Vec::new(), &file[..]);
    while let Some((len, rest)) = left.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_le_bytes(*len) as usize);
        frames.push(Bytes::copy_from_slice(frame));
        left = rest;
    }
    frames
}

#[expect(clippy::disallowed_methods, reason = "benchmarks are told by the environment where foreign data is")]
fn foreign_root() -> PathBuf {
    std::env::var_os("STANDPIPE_FOREIGN_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures/foreign"),
        PathBuf::from,
    )
}

fn decoder(settings: &RepoSettings) -> RepoDecoder<fn() -> u64> {
    RepoDecoder::new(settings, Resume::Live, PoisonMemory::default(), Silent::shared(), || NOW_MICROS)
}

/// The codec's part of the way: every check, the commit object and the records hashed, records as JSON.
fn codec(bytes: &[u8], checker: &mut Checker, out: &mut Vec<u8>) -> Result<(), CheckError> {
    let Ok(Frame::Message(message)) = Frame::parse(bytes) else { return Ok(()) };
    let Ok(RepoMessage::Commit(commit)) = RepoMessage::parse(&message) else { return Ok(()) };
    let commit = checker.commit(&commit, NOW_MICROS)?;
    for op in commit.ops().flatten() {
        if let Some(cid) = op.change.cid() {
            let _ = black_box(commit.record(cid)?.write_json(out));
        }
    }
    Ok(())
}

struct Replay<'f>(std::slice::Iter<'f, Bytes>);

impl Source for Replay<'_> {
    type Item = RawMessage;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<RawMessage>, Never> {
        Ok(self.0.next().map(|frame| RawMessage::Binary(frame.clone())))
    }
}

struct Nowhere;

impl Sink for Nowhere {
    type Error = Never;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Never> {
        black_box(batch.bytes());
        Ok(Ack::applied(None))
    }
}

fn frame_to_entry(criterion: &mut Criterion) {
    let frames = frames();
    let mut group = criterion.benchmark_group("frame_to_entry");
    group.throughput(Throughput::Elements(frames.len() as u64));

    let (mut checker, mut out) = (Checker::new(HashScope::Used), Vec::new());
    group.bench_function("codec_alone", |bencher| {
        bencher.iter(|| {
            out.clear();
            for frame in &frames {
                codec(frame, &mut checker, &mut out).unwrap();
            }
        });
    });
    let everything = CollectionFilter::parse(["*"]).unwrap();
    let settings = RepoSettings { collections: everything, ..RepoSettings::default() };
    for (name, settings) in [("decoder", &settings), ("decoder_default_filter", &RepoSettings::default())] {
        let (mut batch, mut spare, limits) = (OpenBatch::following(None), None, Limits::default());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoder = decoder(settings);
                for frame in &frames {
                    decoder.decode(RawMessage::Binary(frame.clone()), &mut batch).unwrap();
                }
                spare = batch.seal(spare.take()).map(|batch| black_box(batch).recycle(&limits));
            });
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    group.bench_function("pump", |bencher| {
        bencher.iter(|| {
            let source = Replay(frames.iter());
            let (decoder, limits) = (decoder(&settings), Limits::default());
            let mut pump = Pump::new(source, decoder, Nowhere, limits, Silent::shared());
            assert_eq!(runtime.block_on(pump.run(None, pending())).unwrap(), End::Finished);
        });
    });
    group.finish();
}

criterion_group!(benches, frame_to_entry);
criterion_main!(benches);
