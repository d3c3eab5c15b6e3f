//! How fast the embedded log takes batches, each synced before it is answered: 50 and 500 entries of 592 bytes, into a
//! log that grows, and into one that retires as much as it takes. Beside it, in the same run, what the disk gives at
//! best: the same bytes into a plain file, synced twice a batch.
//!
//! `cargo bench -p standpipe-log-sink --bench append` prints entries a second, CPU an entry and the room that one takes.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a benchmark reports and may fail"
)]

use std::convert::Infallible;
use std::future::pending;
use std::io::{Seek, SeekFrom, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use standpipe_cursor::{Cursor, CursorKey, Seq};
use standpipe_log_sink::{EmbeddedLog, LogSettings, LogSink, Retention, StateFolder};
use standpipe_pipeline::{Acquire, Decoder, Limits, Never, OpenBatch, Pump, Silent, Source};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// The mean length of an entry of the firehose.
const ENTRY_BYTES: usize = 592;
/// Entries that one round of a benchmark delivers.
const ROUND: u64 = 5_000;

struct Numbers {
    next: u64,
    last: u64,
}

impl Source for Numbers {
    type Item = u64;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<u64>, Never> {
        if self.next > self.last {
            return Ok(None);
        }
        self.next += 1;
        Ok(Some(self.next - 1))
    }
}

struct Padded;

impl Decoder for Padded {
    type Item = u64;
    type Halt = Never;

    fn decode(&mut self, number: u64, batch: &mut OpenBatch) -> Result<(), Never> {
        let written: Result<(), Infallible> = batch.append("entry", |entry| {
            let end = entry.len() + ENTRY_BYTES;
            entry.extend_from_slice(&number.to_be_bytes());
            entry.resize(end, b'x');
            Ok(())
        });
        let Ok(()) = written;
        batch.close_frame(Seq::new(number).expect("above zero"), ENTRY_BYTES, "");
        Ok(())
    }
}

struct Bench {
    runtime: Runtime,
    folder: StateFolder,
    sink: Option<LogSink>,
    cursor: u64,
    _temporary: TempDir,
}

impl Bench {
    fn new(keep_bytes: u64) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let temporary = TempDir::new().unwrap();
        let folder = StateFolder::new(temporary.path());
        let retention = Retention::Keep { bytes: NonZeroU64::new(keep_bytes).unwrap() };
        let settings = LogSettings { retention, ..LogSettings::new(folder.clone()) };
        let key = CursorKey::new("firehose_live", &"relay.test".parse().unwrap());
        let sink = runtime.block_on(async {
            let log = EmbeddedLog::open(settings).await.unwrap();
            log.acquire(&key).await.unwrap().sink
        });
        Self { runtime, folder, sink: Some(sink), cursor: 0, _temporary: temporary }
    }

    /// Delivers one round in batches of this many entries.
    fn round(&mut self, batch: usize) {
        let from = Seq::new(self.cursor).map(Cursor::from);
        let source = Numbers { next: self.cursor + 1, last: self.cursor + ROUND };
        let limits = Limits { max_entries: batch, max_bytes: usize::MAX, ..Limits::default() };
        let sink = self.sink.take().unwrap();
        let mut pump = Pump::new(source, Padded, sink, limits, Silent::shared());
        self.runtime.block_on(pump.run(from, pending())).unwrap();
        self.sink = Some(pump.into_parts().2);
        self.cursor += ROUND;
    }
}

/// CPU time of this process so far, in the kernel's ticks of 10 ms.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = |field: usize| after_name.split(' ').nth(field).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(ROUND)).sample_size(10).measurement_time(Duration::from_secs(5));
    for (name, keep_bytes) in [("growing", u64::MAX), ("retiring", 20_000 * 682)] {
        for batch in [50, 500] {
            let mut bench = Bench::new(keep_bytes);
            bench.round(batch);
            let (cpu, cursor) = (cpu_seconds(), bench.cursor);
            group.bench_function(BenchmarkId::new(name, batch), |timer| timer.iter(|| bench.round(batch)));
            let micros = (cpu_seconds() - cpu) * 1e6 / (bench.cursor - cursor) as f64;
            let file = std::fs::metadata(bench.folder.log_file()).unwrap();
            let kept = bench.cursor.min(if name == "retiring" { 20_000 } else { u64::MAX });
            println!(
                "{name}, {batch} a batch: {micros:.1} us of CPU an entry; {kept} entries kept of {} take {} bytes each",
                bench.cursor,
                file.blocks() * 512 / kept
            );
        }
    }
    group.finish();
}

fn plain_file(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("plain_file");
    group.throughput(Throughput::Elements(ROUND)).sample_size(10).measurement_time(Duration::from_secs(5));
    for batch in [50, 500] {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = vec![b'x'; batch * ENTRY_BYTES];
        group.bench_function(BenchmarkId::from_parameter(batch), |timer| {
            timer.iter(|| {
                for _ in 0..ROUND / batch as u64 {
                    file.write_all(&bytes).unwrap();
                    file.sync_data().unwrap();
                    file.rewind().unwrap();
                    file.write_all(b"header").unwrap();
                    file.sync_data().unwrap();
                    file.seek(SeekFrom::End(0)).unwrap();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, plain_file, append);
criterion_main!(benches);
