use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use standpipe_oracle::{DaemonProcess, RedisOptions, RedisServer};
use standpipe_simulator::{Feed, Relay, RelaySettings, World, WorldSettings};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::{NOT_READY, PATIENCE, STOPPED, firehose};

const FRAMES: u64 = 500;

/// A relay with frames, and how many entries they must become.
fn relay() -> (Relay, usize) {
    let world = World::new(WorldSettings::default());
    println!("{:?}", WorldSettings::default());
    let settings = RelaySettings { backlog: FRAMES, ..RelaySettings::default() };
    let relay = Relay::start(Feed::World(world.clone()), settings).unwrap();
    let newest = relay.newest_seq().unwrap();
    let entries = (1..=newest).filter_map(|seq| world.expected(seq)).flatten().count();
    (relay, entries)
}

/// A daemon that reads all that the relay has and writes all that it can.
fn reading(relay: &Relay) -> DaemonProcess {
    firehose()
        .with("INGESTER_RELAY_HOSTS", relay.url())
        .with("STANDPIPE_START", "oldest")
        .with("STANDPIPE_COLLECTIONS", "*")
        .with("STANDPIPE_ENTRIES", "full")
}

/// The same program with the same settings, doing something else.
pub(crate) fn beside(daemon: &DaemonProcess, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firehose"));
    command
        .args(arguments)
        .env_clear()
        .env("STANDPIPE_STATE_DIR", daemon.state_folder())
        .env("STANDPIPE_ADMIN__LISTEN", daemon.admin_address().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) async fn until_read(daemon: &mut DaemonProcess, relay: &Relay) {
    let cursor = format!("\"cursor\":\"{}\"", relay.newest_seq().unwrap());
    let read = |page: &standpipe_oracle::Answer| page.status == 200 && page.body.contains(&cursor);
    daemon.until("all frames to be delivered", PATIENCE, read).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_with_the_embedded_log_is_read_by_tail_and_stops_in_good_order() {
    let (relay, entries) = relay();
    let mut daemon = reading(&relay);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;

    let healthy = beside(&daemon, &["healthcheck"]).output().unwrap();
    assert_eq!(healthy.status.code(), STOPPED);
    assert_eq!(String::from_utf8_lossy(&healthy.stdout), "ready\n");
    let frames = daemon.get("/metrics").await.unwrap().metric("standpipe_frames_total", &[]);
    assert_eq!(frames.map(|frames| frames.round().to_string()), Some(FRAMES.to_string()));

    let shown = beside(&daemon, &["tail"]).output().unwrap();
    assert_eq!(shown.status.code(), STOPPED, "{}", String::from_utf8_lossy(&shown.stderr));
    let lines: Vec<Value> =
        shown.stdout.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(lines.len(), entries);
    let last = beside(&daemon, &["tail", "--from", &entries.to_string()]).output().unwrap();
    assert_eq!(last.stdout.lines().count(), 1);

    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), STOPPED);
    let log = daemon.log();
    assert!(log.contains("\"verdict\":\"stopped\"") && !log.contains("the grace period is over"), "{log}");
    let after = beside(&daemon, &["tail"]).output().unwrap();
    assert_eq!(after.stdout, shown.stdout);
    let unwell = beside(&daemon, &["healthcheck"]).output().unwrap();
    assert_eq!(unwell.status.code(), NOT_READY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_does_not_wait_for_what_is_open() {
    let (relay, _) = relay();
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut daemon = reading(&relay)
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_HIGH_WATER_MARK", "1")
        .with("STANDPIPE_GRACE", "10m");
    daemon.start().unwrap();
    let full =
        |page: &standpipe_oracle::Answer| page.status == 200 && page.body.contains("\"state\":\"full\"");
    daemon.until("the stream to be full", PATIENCE, full).await.unwrap();
    daemon.terminate().unwrap();
    // A second signal of a kind is none while the first has not been taken.
    timeout(PATIENCE, async {
        while !daemon.log().contains("\"message\":\"stopping\"") {
            yield_now().await;
        }
    })
    .await
    .unwrap();
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), STOPPED);
    assert!(daemon.log().contains("leaving at once"), "{}", daemon.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_follows_until_nobody_reads_it() {
    let (relay, _) = relay();
    let mut daemon = reading(&relay);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    let mut tail = Ended(beside(&daemon, &["tail", "--follow", "--from", "oldest"]).spawn().unwrap());
    let mut lines = BufReader::new(tail.0.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.starts_with("{\"type\":"), "{line}");
    drop(lines);
    assert_eq!(tail.code(&relay).await, STOPPED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_go_to_standard_output_and_the_log_beside_and_a_reader_that_leaves_is_an_end() {
    let (relay, entries) = relay();
    let daemon = reading(&relay);
    let mut command = beside(&daemon, &["--sink", "stdout", "--log-format", "json"]);
    command
        .env("INGESTER_RELAY_HOSTS", relay.url())
        .env("STANDPIPE_START", "oldest")
        .env("STANDPIPE_COLLECTIONS", "*")
        .env("STANDPIPE_ENTRIES", "full");
    let mut process = Ended(command.spawn().unwrap());
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    for _ in 0..entries {
        let entry: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert!(entry["type"].is_string(), "{entry}");
    }
    drop(lines);
    assert_eq!(process.code(&relay).await, STOPPED);
    let mut log = String::new();
    process.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for line in log.lines() {
        let told: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for field in ["timestamp", "level", "target", "message"] {
            assert!(told[field].is_string(), "{field} is missing: {line}");
        }
    }
    assert!(log.contains("nobody reads what is written any more"), "{log}");
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Ended {
    /// Its code, once it has ended. Meanwhile the relay has more and more to say.
    async fn code(&mut self, relay: &Relay) -> Option<i32> {
        let ended = async {
            while self.0.try_wait().unwrap().is_none() {
                relay.grow(10);
                yield_now().await;
            }
        };
        timeout(PATIENCE, ended).await.unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = (self.0.kill(), self.0.wait());
    }
}
