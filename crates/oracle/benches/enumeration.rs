//! Repos a second from a local host's list into Redis, and what they cost; docs/performance.md says how to read it.
//!
//! `cargo bench -p standpipe-oracle --bench enumeration` prints one line a size. A word after `--` is a number of repos;
//! `--with NAME=VALUE` gives the daemon one more variable.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark reports, may fail, and runs threads of its own"
)]

use std::num::NonZeroU32;
use std::time::Duration;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer, Usage};
use standpipe_simulator::{Feed, ListingRules, ListingSettings, Relay, RelaySettings, World, WorldSettings};
use tokio::time::{Instant, sleep};

/// The longest that a list may take.
const PATIENCE: Duration = Duration::from_mins(10);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named: Vec<u32> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if named.is_empty() { vec![10_000, 100_000, 1_000_000, 1_000_000, 1_000_000] } else { named };
    let program = Program::find("backfill", Build::Release).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for repos in sizes {
        runtime.block_on(measure(&program, repos));
    }
}

async fn measure(program: &Program, repos: u32) {
    let accounts = NonZeroU32::new(repos).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    // All that there are, those that are not active too.
    let rules = ListingRules { inactive: true, ..ListingRules::RELAY };
    let listing = Some(ListingSettings { rules, ..ListingSettings::relay(world.clone()) });
    let relay =
        Relay::start(Feed::World(world), RelaySettings { listing, ..RelaySettings::default() }).unwrap();
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut daemon = DaemonProcess::new(program.clone())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", relay.http_url())
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_HIGH_WATER_MARK", "1000000000");
    let arguments: Vec<String> = std::env::args().collect();
    for pair in arguments.windows(2).filter(|pair| pair[0] == "--with") {
        let (name, value) = pair[1].split_once('=').unwrap();
        daemon.set(name, value);
    }
    daemon.start().unwrap();
    let key = format!("repo_backfill:cursor:{}", relay.addr());
    let get = || async { server.command(["GET", &key]).await.unwrap().text().map(str::to_owned) };
    let deadline = Instant::now() + PATIENCE;
    while get().await.is_none() {
        assert!(daemon.is_running().unwrap() && Instant::now() < deadline, "no page: {}", daemon.log());
        sleep(Duration::from_millis(1)).await;
    }
    // The first page is there; its rows do not count.
    let ours = std::process::id();
    let cpu = |pid: u32| Usage::of(pid).unwrap().cpu;
    let (began, host) = (Instant::now(), cpu(ours));
    while get().await.as_deref() != Some("!ingester-done") {
        assert!(daemon.is_running().unwrap() && Instant::now() < deadline, "not done: {}", daemon.log());
        sleep(Duration::from_millis(20)).await;
    }
    let took = began.elapsed();
    let used = daemon.usage().unwrap();
    let length = server.command(["XLEN", "repo_backfill"]).await.unwrap().integer().unwrap();
    assert_eq!(length, i64::from(repos));
    let a_million = 1e6 / f64::from(repos);
    println!(
        "{repos:>9} repos: {:>7.0} a second; CPU-s a million: daemon {:.2}, redis {:.2}, host {:.2}; peak memory of the \
         daemon {:.1} MiB",
        f64::from(repos.saturating_sub(1_000)) / took.as_secs_f64(),
        used.cpu.as_secs_f64() * a_million,
        cpu(server.pid().unwrap()).as_secs_f64() * a_million,
        cpu(ours).saturating_sub(host).as_secs_f64() * a_million,
        f64::from(u32::try_from(used.peak_bytes / 1024).unwrap()) / 1024.0,
    );
}
