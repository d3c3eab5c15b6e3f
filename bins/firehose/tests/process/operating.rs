//! What an operator sees and does: heartbeats, the status page, gaps, and the cursor command with each sink.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::{DaemonProcess, RedisOptions, RedisServer};
use standpipe_simulator::{CursorRules, Feed, Relay, RelaySettings, World, WorldSettings};
use tokio::time::Instant;

use crate::running::{beside, until_read};
use crate::{PATIENCE, STOPPED, firehose};

const NOT_DONE: Option<i32> = Some(1);
const FRAMES: u64 = 500;

/// A relay that says nothing of what it does not have any more, with a frame a second.
fn relay() -> Relay {
    let world = World::new(WorldSettings { spacing: Duration::from_secs(1), ..WorldSettings::default() });
    let settings = RelaySettings { backlog: FRAMES, cursors: CursorRules::RELAY, ..RelaySettings::default() };
    Relay::start(Feed::World(world), settings).unwrap()
}

/// A daemon with further variables that reads all that the relay has.
fn reading(relay: &Relay, variables: &[(&str, String)]) -> DaemonProcess {
    let daemon = firehose().with("INGESTER_RELAY_HOSTS", relay.url()).with("STANDPIPE_START", "oldest");
    variables.iter().fold(daemon, |daemon, (name, value)| daemon.with(name, value.as_str()))
}

async fn stop(daemon: &mut DaemonProcess) {
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), STOPPED);
}

async fn status(daemon: &DaemonProcess) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match daemon.get("/status").await {
            Ok(page) => return serde_json::from_str(&page.body).unwrap(),
            // It has only just begun.
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

async fn host(daemon: &DaemonProcess) -> Value {
    status(daemon).await["hosts"][0].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_is_one_line_a_host_with_all_that_is_known_of_it() {
    let relay = relay();
    let mut daemon = reading(&relay, &[("STANDPIPE_HEARTBEAT", "1s".to_owned())]);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    let beats = |log: &str| -> Vec<Value> {
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|line| line["message"] == "heartbeat").collect()
    };
    let newest = relay.newest_seq().unwrap();
    // The page is asked over and over, so that this waits for the daemon's clock and not for ours.
    let seen = |log: &str| beats(log).iter().filter(|beat| beat["seq"] == newest).count() >= 2;
    let began = Instant::now();
    while !seen(&daemon.log()) {
        assert!(began.elapsed() < PATIENCE, "{}", daemon.log());
        daemon.get("/healthz").await.unwrap();
    }
    let beat = beats(&daemon.log()).pop().unwrap();
    assert_eq!((&beat["state"], &beat["cursor"]), (&"streaming".into(), &newest.to_string().into()));
    for field in [
        "host",
        "event_time",
        "lag_ms",
        "events",
        "bytes",
        "since_ms",
        "bytes_in_flight",
        "stream_entries",
        "restarts",
        "restarts_last_hour",
        "standing",
        "connected_since",
        "waiting_for",
    ] {
        assert!(!beat[field].is_null(), "{field} is missing in {beat}");
    }
    let (page, metrics) = (host(&daemon).await, daemon.get("/metrics").await.unwrap());
    assert_eq!(page["last_seq"], newest);
    assert!(metrics.metric("standpipe_since_heartbeat_seconds", &[]).unwrap() < 30.0);
    stop(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_relay_lost_while_the_daemon_was_away_is_a_gap_though_it_says_nothing() {
    let relay = relay();
    let mut daemon = reading(&relay, &[]);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    stop(&mut daemon).await;
    let before = relay.newest_seq().unwrap();
    relay.set_retention(Some(100));
    relay.grow(5_000);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    let gaps = host(&daemon).await["gaps"].clone();
    assert_eq!(gaps.as_array().unwrap().len(), 1, "{gaps}");
    assert_eq!((&gaps[0]["reason"], &gaps[0]["from"]), (&"silent_hole".into(), &before.into()));
    let to = gaps[0]["to"].as_u64().unwrap();
    assert!((before + 1_000..relay.newest_seq().unwrap()).contains(&to), "{gaps}");
    let told = beside(&daemon, &["incidents", "--json"]).output().unwrap();
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("\"kind\":\"gap\"") && told.contains("silent_hole"), "{told}");

    // A pause in which nothing is lost is no gap.
    stop(&mut daemon).await;
    relay.set_retention(None);
    relay.grow(5_000);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    assert_eq!(host(&daemon).await["gaps"], Value::Array(vec![]));
    stop(&mut daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_host_that_is_behind_its_cursor_is_held_alone_whether_it_says_so_or_not() {
    for rules in [CursorRules::RELAY, CursorRules::SPECIFIED] {
        let held = Relay::start(
            Feed::World(World::new(WorldSettings::default())),
            RelaySettings { backlog: FRAMES, cursors: rules, ..RelaySettings::default() },
        )
        .unwrap();
        let other = relay();
        let hosts = format!("{},{}", held.url(), other.url());
        let mut daemon = reading(&held, &[("INGESTER_RELAY_HOSTS", hosts)]);
        let ahead = ["set", "--host", &held.url(), "--seq", "1000000"];
        assert_eq!(cursor(&daemon, &[], &ahead).0, STOPPED);
        daemon.start().unwrap();
        let began = Instant::now();
        let page = loop {
            // A relay that says nothing sends what comes from now on, and all of it is behind the cursor.
            held.grow(10);
            other.grow(1);
            let page = status(&daemon).await;
            let host = &page["hosts"][0];
            if host["state"] == "held" && !host["hold"].is_null() {
                break page;
            }
            assert!(began.elapsed() < PATIENCE, "{page}");
        };
        let why = &page["hosts"][0]["hold"];
        assert!(why["cause"].as_str().unwrap().contains("our cursor"), "{why}");
        assert_eq!((&page["hosts"][0]["state"], &page["hosts"][0]["ready"]), (&"held".into(), &true.into()));
        other.grow(50);
        let cursor_of_other = format!("\"cursor\":\"{}\"", other.newest_seq().unwrap());
        let goes_on = |page: &standpipe_oracle::Answer| page.body.contains(&cursor_of_other);
        daemon.until("the other host to go on", PATIENCE, goes_on).await.unwrap();
        let metrics = daemon.get("/metrics").await.unwrap();
        let name = |relay: &Relay| format!("host=\"{}\"", relay.addr());
        assert_eq!(metrics.metric("standpipe_held", &[&name(&held)]), Some(1.0));
        assert_eq!(metrics.metric("standpipe_held", &[&name(&other)]), Some(0.0));
        let told = beside(&daemon, &["incidents", "--json"]).output().unwrap();
        assert!(String::from_utf8_lossy(&told.stdout).contains("\"kind\":\"held\""));
        stop(&mut daemon).await;
        let (_, said) = cursor(&daemon, &[], &["show", "--host", &held.url()]);
        assert!(said.ends_with("cursor: 1000000\n"), "{said}");
    }
}

/// The cursor command beside a daemon, with the variables of its sink.
fn cursor(daemon: &DaemonProcess, variables: &[(&str, String)], words: &[&str]) -> (Option<i32>, String) {
    let arguments: Vec<_> = ["cursor"].into_iter().chain(words.iter().copied()).collect();
    let mut command = beside(daemon, &arguments);
    let Output { status, stdout, stderr } = command.envs(variables.iter().cloned()).output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    assert!(!said.contains("hunter2"), "{said}");
    (status.code(), said)
}

/// What an operator may do with this sink, while a daemon writes and when none does. `by_force` says whether a cursor
/// can be set beside a daemon at all.
async fn check(variables: &[(&str, String)], by_force: bool) {
    let relay = relay();
    let url = relay.url();
    let mut daemon = reading(&relay, variables);
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    let newest = relay.newest_seq().unwrap().to_string();

    let (code, said) = cursor(&daemon, variables, &["show", "--host", &url]);
    assert_eq!(code, STOPPED, "{said}");
    assert!(said.ends_with(&format!("cursor: {newest}\n")), "{said}");
    for words in [&["set", "--host", &url, "--seq", "7"][..], &["clear", "--host", &url]] {
        let (code, said) = cursor(&daemon, variables, words);
        assert_eq!(code, NOT_DONE, "{said}");
        assert!(said.contains("nothing was changed") && said.contains("stop that daemon first"), "{said}");
    }
    // A daemon whose admin page is elsewhere is seen by what it holds.
    let elsewhere = [variables, &[("STANDPIPE_ADMIN__LISTEN", "127.0.0.1:1".to_owned())]].concat();
    let (code, said) = cursor(&daemon, &elsewhere, &["set", "--host", &url, "--seq", "7"]);
    assert_eq!(code, NOT_DONE, "{said}");
    assert!(said.contains("stop that daemon first"), "{said}");
    assert_eq!(host(&daemon).await["cursor"], newest.as_str());
    let (code, said) = cursor(&daemon, variables, &["set", "--host", &url, "--seq", "400", "--force"]);
    assert_eq!(code, if by_force { STOPPED } else { NOT_DONE }, "{said}");

    stop(&mut daemon).await;
    let (code, said) = cursor(&daemon, variables, &["set", "--host", &url, "--seq", "450"]);
    assert_eq!(code, STOPPED, "{said}");
    let before = if by_force { "400" } else { newest.as_str() };
    assert!(said.ends_with(&format!("before: {before}\nafter: 450\n")), "{said}");
    daemon.start().unwrap();
    until_read(&mut daemon, &relay).await;
    assert_eq!(relay.connections().last().unwrap().cursor, Some(450));
    stop(&mut daemon).await;

    let (code, said) = cursor(&daemon, variables, &["clear", "--host", &url]);
    assert_eq!(code, STOPPED, "{said}");
    assert!(said.ends_with(&format!("before: {newest}\nafter: nothing is stored\n")), "{said}");
    let (_, said) = cursor(&daemon, variables, &["show", "--host", "never.example"]);
    assert!(said.ends_with("cursor: nothing is stored\n"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_an_operator_moves_a_cursor_in_redis_when_no_daemon_writes() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    server.command(["CONFIG", "SET", "requirepass", "hunter2"]).await.unwrap();
    check(&[("REDIS_URL", format!("redis://:hunter2@{}", server.address()))], true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_an_operator_moves_a_cursor_in_the_embedded_log_when_no_daemon_writes() {
    check(&[], false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_an_operator_moves_a_cursor_file_when_no_daemon_writes() {
    check(&[("STANDPIPE_SINK", "stdout".to_owned())], true).await;
}

#[tokio::test]
async fn a_cursor_command_that_makes_no_sense_is_refused() {
    let daemon = firehose();
    for words in [
        &["set", "--host", "a.example"][..],
        &["set", "--host", "a.example", "--seq", "0"],
        &["set", "--host", "ftp://a.example", "--seq", "1"],
        &["clear"],
        &[],
    ] {
        let (code, said) = cursor(&daemon, &[], words);
        assert_eq!(code, crate::CONFIGURATION, "{words:?}: {said}");
    }
}
