//! Appending to a redis-server on loopback: the sink, and the bare script as its ceiling.
//!
//! `cargo bench -p standpipe-redis-sink` prints, for batches of 50 and 500 entries of 592 bytes, the time a batch and
//! entries a second, and before that the CPU an entry of this process and of the server, from the scheduler's own count.
//! The server keeps nothing on disk. Compare columns of one run only.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark may panic and print")]

use std::convert::Infallible;
use std::fs;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use standpipe_cursor::{CursorKey, Seq};
use standpipe_oracle::{RedisOptions, RedisServer, RespClient};
use standpipe_pipeline::{Acquire, Limits, OpenBatch, Sink};
use standpipe_redis_sink::{RedisSettings, RedisSinks, RedisWriter};
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

const STREAM: &str = "firehose_live";
/// The mean of real events.
const ENTRY: usize = 592;
const BATCHES: [usize; 2] = [50, 500];

/// A server, and the one thread that everything of the client runs on.
struct Rig {
    runtime: Runtime,
    server: RedisServer,
}

impl Rig {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let server = runtime.block_on(RedisServer::start(RedisOptions::default())).unwrap();
        Self { runtime, server }
    }

    fn empty(&self) {
        self.runtime.block_on(self.server.command(["FLUSHALL"])).unwrap();
    }

    fn writer(&self) -> RedisWriter {
        let address = format!("redis://{}", self.server.address()).parse().unwrap();
        let mut settings = RedisSettings::new(address, STREAM, "event");
        settings.marks = standpipe_redis_sink::Marks::at(u64::MAX.try_into().unwrap());
        let key = CursorKey::new(STREAM, &"relay.example".parse().unwrap());
        self.runtime.block_on(RedisSinks::new(settings).acquire(&key)).unwrap().sink
    }

    /// Batches through the sink, one after the other; filling them counts too.
    fn sink(&self, batches: u64, entries: usize) -> Duration {
        self.empty();
        let mut writer = self.writer();
        let mut open = OpenBatch::following(None);
        let mut spare = None;
        let limits = Limits::default();
        let begun = Instant::now();
        self.runtime.block_on(async {
            for number in 1..=batches {
                for _ in 0..entries {
                    let written: Result<(), Infallible> = open.append("create", |buffer| {
                        buffer.extend_from_slice(&[b'x'; ENTRY]);
                        Ok(())
                    });
                    let Ok(()) = written;
                }
                open.close_frame(Seq::new(number).unwrap(), ENTRY, "");
                let batch = open.seal(spare.take()).unwrap();
                black_box(writer.deliver(&batch).await.unwrap());
                spare = Some(batch.recycle(&limits));
            }
        });
        self.complete(begun.elapsed(), batches, entries)
    }

    /// The same script over a plain socket, one at a time, with requests that differ in their cursors only.
    fn bare(&self, batches: u64, entries: usize) -> Duration {
        self.empty();
        let took = self.runtime.block_on(async {
            let mut client: RespClient = self.server.client().await.unwrap();
            let script = include_str!("../src/append.lua");
            let sha = client.command(["SCRIPT", "LOAD", script]).await.unwrap().text().unwrap().to_owned();
            client.command(["SET", "fence", "1:me"]).await.unwrap();
            let entry = "x".repeat(ENTRY);
            let begun = Instant::now();
            for batch in 1..=batches {
                let from = if batch == 1 { String::new() } else { (batch - 1).to_string() };
                let through = batch.to_string();
                let head: [&str; 11] = [
                    "EVALSHA", &sha, "3", STREAM, "cursor", "fence", "1:me", &from, &through, "1e18", "event",
                ];
                let words = head.into_iter().chain(std::iter::repeat_n(entry.as_str(), entries));
                black_box(client.command(words).await.unwrap());
            }
            begun.elapsed()
        });
        self.complete(took, batches, entries)
    }

    /// A figure counts only if everything is there.
    fn complete(&self, took: Duration, batches: u64, entries: usize) -> Duration {
        let length = self.runtime.block_on(self.server.command(["XLEN", STREAM])).unwrap().integer();
        assert_eq!(length, i64::try_from(batches * entries as u64).ok());
        took
    }

    /// CPU nanoseconds of this thread and of the server's main thread, where the system tells.
    fn cpu(&self) -> Option<(u64, u64)> {
        let spent = |path: String| fs::read_to_string(path).ok()?.split(' ').next()?.parse().ok();
        let server = self.server.pid()?;
        Some((spent("/proc/thread-self/schedstat".to_owned())?, spent(format!("/proc/{server}/schedstat"))?))
    }
}

fn tell_cpu(rig: &Rig, name: &str, entries: usize, run: impl Fn(u64) -> Duration) {
    let batches = 200_000 / entries as u64;
    run(batches / 10);
    let before = rig.cpu();
    let took = run(batches);
    let events = Duration::from_secs(batches * entries as u64);
    let rate = events.as_secs_f64() / took.as_secs_f64();
    let (Some((client, server)), Some((client_after, server_after))) = (before, rig.cpu()) else { return };
    let each = |before: u64, after: u64| {
        Duration::from_nanos(after - before).as_secs_f64() * 1e6 / events.as_secs_f64()
    };
    println!(
        "{name}, batches of {entries}: {rate:.0} entries/s; CPU an entry: client {:.2} µs, server {:.2} µs",
        each(client, client_after),
        each(server, server_after),
    );
}

fn append(criterion: &mut Criterion) {
    let rig = Rig::new();
    for entries in BATCHES {
        tell_cpu(&rig, "sink", entries, |batches| rig.sink(batches, entries));
        tell_cpu(&rig, "bare script", entries, |batches| rig.bare(batches, entries));
    }
    let mut group = criterion.benchmark_group("append");
    group.sample_size(20).measurement_time(Duration::from_secs(4));
    for entries in BATCHES {
        group.throughput(Throughput::Elements(entries as u64));
        group.bench_with_input(BenchmarkId::new("sink", entries), &entries, |bencher, entries| {
            bencher.iter_custom(|batches| rig.sink(batches, *entries));
        });
        group.bench_with_input(BenchmarkId::new("bare script", entries), &entries, |bencher, entries| {
            bencher.iter_custom(|batches| rig.bare(batches, *entries));
        });
    }
    group.finish();
}

criterion_group!(benches, append);
criterion_main!(benches);
