//! The whole way, against its ceilings: relay over TLS, firehose, redis-server, all on the same cores.
//!
//! `cargo bench -p standpipe-oracle --bench end_to_end` prints one table; docs/performance.md says how to read it.
//! Words after `--` choose parts: `throughput`, `latency`, `memory`. `--seconds 4 --rounds 5` set for how long;
//! `--with NAME=VALUE` gives the daemon one more variable.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark reports, may fail, and runs threads of its own"
)]

mod ceilings;
mod latency;
mod memory;
mod relay;
mod throughput;

use std::time::Duration;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisServer, StreamWatch};
use tokio::time::{Instant, sleep};

use crate::relay::BenchRelay;

const STREAM: &str = "firehose_live";
/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_mins(1);
/// A mark that is never reached.
const NO_MARK: u64 = 1_000_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_named = |part: &str| arguments.iter().any(|argument| argument == part);
    let all = !["throughput", "latency", "memory"].into_iter().any(is_named);
    let number = |name: &str, default: u64| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (span, rounds) = (Duration::from_secs(number("--seconds", 4)), number("--rounds", 5));
    let program = Program::find("firehose", Build::Release).unwrap();
    if all || is_named("throughput") {
        throughput::measure(&program, span, rounds);
    }
    if all || is_named("latency") {
        latency::measure(&program, span * 3);
    }
    if all || is_named("memory") {
        memory::measure(&program, span);
    }
}

/// A firehose that reads the relay over TLS and writes to the server; not started.
fn firehose(program: &Program, relay: &BenchRelay, server: &RedisServer, mark: u64) -> DaemonProcess {
    let mut daemon = DaemonProcess::new(program.clone())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", format!("wss://{}", relay.address))
        .with("SSL_CERT_FILE", relay.certificate().display().to_string())
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_HIGH_WATER_MARK", mark.to_string())
        .with("STANDPIPE_START", "oldest");
    let arguments: Vec<String> = std::env::args().collect();
    for pair in arguments.windows(2).filter(|pair| pair[0] == "--with") {
        let (name, value) = pair[1].split_once('=').unwrap();
        daemon.set(name, value);
    }
    daemon
}

fn watch(relay: &BenchRelay, server: &RedisServer) -> StreamWatch {
    StreamWatch::new(server.address(), STREAM, &relay.address.to_string())
}

/// Waits until the stream holds so many entries.
async fn until(watch: &mut StreamWatch, daemon: &mut DaemonProcess, length: u64) {
    let deadline = Instant::now() + PATIENCE;
    while watch.sample().await.unwrap().length < length {
        let grows = daemon.is_running().unwrap() && Instant::now() < deadline;
        assert!(grows, "the stream does not grow: {}", daemon.log());
        sleep(Duration::from_millis(10)).await;
    }
}

fn on_one_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", f64::from(u32::try_from(bytes / 1024).unwrap()) / 1024.0)
}

fn row(what: &str, figure: &str, target: &str) {
    println!("{what:<58} {figure:>18}  {target}");
}
