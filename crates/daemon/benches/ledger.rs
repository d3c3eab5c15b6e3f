//! What the account of a host costs a batch: the same pump with and without a ledger that listens.
//!
//! One entry a batch, which is what a quiet stream has; full batches cost the same each.

#![expect(clippy::expect_used, reason = "a benchmark")]

use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use standpipe_cursor::Seq;
use standpipe_daemon::settings::QuarantinePlan;
use standpipe_daemon::{Metrics, Quarantine};
use standpipe_pipeline::{
    Ack, Batch, Decoder, Limits, Never, Observer, OpenBatch, Pump, Silent, Sink, Source,
};

const BATCHES: u64 = 10_000;

struct Numbers(u64);

impl Source for Numbers {
    type Item = u64;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<u64>, Never> {
        self.0 += 1;
        Ok((self.0 <= BATCHES).then_some(self.0))
    }
}

struct OneEntryEach;

impl Decoder for OneEntryEach {
    type Item = u64;
    type Halt = Never;

    fn decode(&mut self, number: u64, batch: &mut OpenBatch) -> Result<(), Never> {
        batch.append("create", |entry| {
            entry.extend_from_slice(b"{}");
            Ok::<(), Never>(())
        })?;
        batch.close_frame(Seq::new(number).expect("above zero"), 5_000, "2026-07-04T14:38:08.999Z");
        Ok(())
    }
}

struct Nowhere;

impl Sink for Nowhere {
    type Error = Never;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Never> {
        black_box(batch);
        Ok(Ack::applied(Some(1)))
    }
}

fn ledger(c: &mut Criterion) {
    let bounds = QuarantinePlan { frames: 0, bytes: 0 };
    let quarantine = Quarantine::new(PathBuf::new(), bounds);
    let metrics =
        Metrics::new("firehose", "firehose_live", None, quarantine.intake()).expect("a fresh registry");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let listening: Arc<dyn Observer> = metrics.open_ledger("relay.example");
    let mut group = c.benchmark_group("batches");
    group.throughput(Throughput::Elements(BATCHES)).sample_size(20);
    for (name, observer) in [("unobserved", Silent::shared()), ("with a ledger", listening)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let limits = Limits { max_entries: 1, ..Limits::default() };
                let mut pump = Pump::new(Numbers(0), OneEntryEach, Nowhere, limits, Arc::clone(&observer));
                runtime.block_on(pump.run(None, std::future::pending())).expect("nothing fails")
            });
        });
    }
    group.finish();
    c.bench_function("an exposition of one host", |bencher| bencher.iter(|| metrics.exposition()));
}

criterion_group!(benches, ledger);
criterion_main!(benches);
