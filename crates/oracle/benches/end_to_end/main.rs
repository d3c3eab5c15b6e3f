//! The whole way, against its ceilings: relay over TLS, firehose, redis-server, all on the same cores.
//!
//! `cargo bench -p standpipe-oracle --bench end_to_end` prints one table; docs/performance.md says how to read it.
//! Words after `--` choose parts: `throughput`, `latency`, `memory`. `--seconds 5 --rounds 5` set how long.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark reports, may fail, and runs threads of its own"
)]

mod ceilings;
mod relay;

use std::time::Duration;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer, StreamWatch};
use tokio::time::{Instant, sleep};

use crate::relay::{Pace, Relay, process_cpu};

const STREAM: &str = "firehose_live";
const PATIENCE: Duration = Duration::from_mins(1);
/// A mark that is never reached.
const NO_MARK: &str = "1000000000";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen = |part: &str| {
        let mut parts =
            ["throughput", "latency", "memory"].iter().filter(|part| arguments.iter().any(|a| a == *part));
        parts.clone().next().is_none() || parts.any(|chosen| *chosen == part)
    };
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let bench = Bench {
        relay: Relay::start(),
        program: Program::find("firehose", Build::Release).unwrap(),
        span: Duration::from_secs(number("--seconds", 4)),
        rounds: number("--rounds", 5),
    };
    println!(
        "frames of {} bytes on average, each of one event; {} rounds of {:?}",
        bench.relay.frame_len(),
        bench.rounds,
        bench.span
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if is_chosen("throughput") {
        bench.throughput(&runtime);
    }
    if is_chosen("latency") {
        runtime.block_on(bench.latency());
    }
    if is_chosen("memory") {
        runtime.block_on(bench.memory());
    }
}

struct Bench {
    relay: Relay,
    program: Program,
    span: Duration,
    rounds: u64,
}

/// One run of the whole way at full speed.
#[derive(Clone, Copy, Debug)]
struct Run {
    events_per_second: f64,
    /// CPU-seconds a million events.
    daemon: f64,
    redis: f64,
    relay: f64,
    peak_bytes: u64,
}

impl Bench {
    fn throughput(&self, runtime: &tokio::runtime::Runtime) {
        let (mut reads, mut appends, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        self.relay.pace(Pace::Flood);
        for round in 1..=self.rounds {
            reads.push(ceilings::read_alone(&self.relay, self.span));
            let server = runtime.block_on(RedisServer::start(RedisOptions::default())).unwrap();
            appends.push(ceilings::append_alone(server.address(), self.span));
            drop(server);
            let run = runtime.block_on(self.whole_way());
            println!(
                "round {round}: read alone {:.0}/s, append alone {:.0}/s, whole way {:.0}/s; CPU-s a million: daemon {:.2}, redis {:.2}, relay {:.2}",
                reads.last().unwrap(),
                appends.last().unwrap(),
                run.events_per_second,
                run.daemon,
                run.redis,
                run.relay,
            );
            runs.push(run);
        }
        let (read, append) = (median(reads), median(appends));
        let whole = median(runs.iter().map(|run| run.events_per_second).collect());
        let of = |part: fn(&Run) -> f64| median(runs.iter().map(part).collect());
        let peak = runs.iter().map(|run| run.peak_bytes).max().unwrap_or_default();
        println!();
        row("reading alone: bare tokio-tungstenite, wss", &format!("{read:.0} frames/s"), "");
        row("appending alone: the script, 500 x 592 bytes", &format!("{append:.0} entries/s"), "");
        row("the whole way: wss, firehose, redis-server", &format!("{whole:.0} events/s"), "");
        row("  of the slower ceiling", &format!("{:.0} %", 100.0 * whole / read.min(append)), ">= 60 %");
        row("  CPU of the daemon, a million events", &format!("{:.2} s", of(|run| run.daemon)), "<= 5 s");
        row("  CPU of redis-server, a million events", &format!("{:.2} s", of(|run| run.redis)), "");
        row("  CPU of the relay, a million events", &format!("{:.2} s", of(|run| run.relay)), "");
        row("  peak memory of the daemon", &mebibytes(peak), "< 64 MB");
    }

    async fn whole_way(&self) -> Run {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let mut daemon = self.firehose(&server, NO_MARK);
        let mut watch = self.watch(&server);
        daemon.start().unwrap();
        until(&mut watch, &mut daemon, 50_000).await;
        let (daemon_pid, redis_pid) = (daemon.pid().unwrap(), server.pid().unwrap());
        let look = || (Instant::now(), process_cpu(daemon_pid), process_cpu(redis_pid), self.relay.cpu());
        let before = watch.sample().await.unwrap().length;
        let began = look();
        sleep(self.span).await;
        let after = watch.sample().await.unwrap().length;
        let ended = look();
        #[expect(clippy::cast_precision_loss, reason = "a count of entries")]
        let events = (after - before) as f64;
        let a_million =
            |began: Duration, ended: Duration| ended.saturating_sub(began).as_secs_f64() * 1e6 / events;
        Run {
            events_per_second: events / (ended.0 - began.0).as_secs_f64(),
            daemon: a_million(began.1, ended.1),
            redis: a_million(began.2, ended.2),
            relay: a_million(began.3, ended.3),
            peak_bytes: daemon.usage().unwrap().peak_bytes,
        }
    }

    /// From a frame being sent to its entry being handed to a consumer that waits for it.
    async fn latency(&self) {
        const RATE: u32 = 2_000;
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let mut daemon = self.firehose(&server, NO_MARK);
        let mut watch = self.watch(&server);
        self.relay.pace(Pace::PerSecond(RATE));
        let _ = self.relay.take_sent();
        daemon.start().unwrap();
        until(&mut watch, &mut daemon, u64::from(RATE)).await;
        let seen = consume(&server, self.span * 3).await;
        drop(daemon);
        let sent: std::collections::HashMap<u64, Instant> = self.relay.take_sent().into_iter().collect();
        let mut waits: Vec<Duration> = seen.iter().map(|(seq, at)| *at - sent[seq]).collect();
        waits.sort_unstable();
        let at = |share: f64| {
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a list"
            )]
            let place = (waits.len() as f64 * share) as usize;
            format!("{:.2} ms", waits[place.min(waits.len() - 1)].as_secs_f64() * 1e3)
        };
        println!();
        row(&format!("sent to visible at {RATE} events/s, {} events: p50", waits.len()), &at(0.5), "");
        row("  p99", &at(0.99), "< 20 ms");
        row("  p99.9", &at(0.999), "");
        row("  the longest", &at(1.0), "");
    }

    /// What the daemon holds while the stream takes nothing more.
    async fn memory(&self) {
        const MARK: u64 = 100_000;
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let mut daemon = self.firehose(&server, &MARK.to_string());
        let mut watch = self.watch(&server);
        self.relay.pace(Pace::Flood);
        daemon.start().unwrap();
        until(&mut watch, &mut daemon, MARK).await;
        let says_full = |body: &str| body.replace("\": \"", "\":\"").contains("\"state\":\"full\"");
        daemon.until("full", PATIENCE, |page| says_full(&page.body)).await.unwrap();
        sleep(self.span).await;
        let usage = daemon.usage().unwrap();
        println!();
        row("memory of the daemon while the stream is full", &mebibytes(usage.resident_bytes), "");
        row("  its peak", &mebibytes(usage.peak_bytes), "< 64 MB");
    }

    fn firehose(&self, server: &RedisServer, mark: &str) -> DaemonProcess {
        DaemonProcess::new(self.program.clone())
            .unwrap()
            .with("INGESTER_RELAY_HOSTS", format!("wss://{}", self.relay.address))
            .with("SSL_CERT_FILE", self.relay.certificate().display().to_string())
            .with("REDIS_URL", format!("redis://{}", server.address()))
            .with("INGESTER_HIGH_WATER_MARK", mark)
            .with("STANDPIPE_START", "oldest")
    }

    fn watch(&self, server: &RedisServer) -> StreamWatch {
        StreamWatch::new(server.address(), STREAM, &self.relay.address.to_string())
    }
}

/// Waits until the stream holds so many entries.
async fn until(watch: &mut StreamWatch, daemon: &mut DaemonProcess, length: u64) {
    let deadline = Instant::now() + PATIENCE;
    while watch.sample().await.unwrap().length < length {
        assert!(
            daemon.is_running().unwrap() && Instant::now() < deadline,
            "the stream does not grow: {}",
            daemon.log()
        );
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for entries as a consumer does, and tells when each was handed over, by its seq.
async fn consume(server: &RedisServer, span: Duration) -> Vec<(u64, Instant)> {
    let mut client = server.client().await.unwrap();
    let mut from = "$".to_owned();
    let mut seen = Vec::new();
    let deadline = Instant::now() + span;
    while Instant::now() < deadline {
        let reply = client
            .command(["XREAD", "BLOCK", "1000", "COUNT", "1000", "STREAMS", STREAM, &from])
            .await
            .unwrap();
        let now = Instant::now();
        let streams = reply.items();
        for entry in streams.first().map(|stream| stream.items()[1].items()).unwrap_or_default() {
            entry.items()[0].text().unwrap().clone_into(&mut from);
            seen.push((seq(entry.items()[1].items()[1].text().unwrap()), now));
        }
    }
    seen
}

fn seq(entry: &str) -> u64 {
    let (_, rest) = entry.split_once("\"seq\":").unwrap();
    rest.split(|char: char| !char.is_ascii_digit()).next().unwrap().parse().unwrap()
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", f64::from(u32::try_from(bytes / 1024).unwrap()) / 1024.0)
}

fn row(what: &str, figure: &str, target: &str) {
    println!("{what:<58} {figure:>18}  {target}");
}
