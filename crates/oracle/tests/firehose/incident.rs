//! The incident that this project exists for, replayed: an ingester that vanished, and nobody could say which task had
//! ended first, how, on which host, after which message, and whether it happened again.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer, RespClient, seed};
use standpipe_simulator::{Message, Pace, Rule, StreamFault, UpgradeFault};
use tokio::time::{Instant, interval};

use crate::network::{Host, count};
use crate::rig::{PATIENCE, STREAM};

/// What the stream held at that time, and the mark that was set.
const OLD_ENTRIES: u64 = 3_500_000;
const MARK: &str = "1000000";
/// Frames of each host, and how many each sends a second.
const FRAMES: u64 = 10_000;
const RATE: u32 = 1_000;
/// At which message of a connection one host's task panics.
const PANICS_AT: u64 = 700;
/// The longest that a host which is served may stand still. One that shares its pause with a troubled one stands still
/// for as long as a deadline or a backoff.
const PAUSE: Duration = Duration::from_millis(900);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_the_incident_is_survived_and_its_five_questions_are_answered() {
    let seed = seed();
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut redis = server.client().await.unwrap();
    fill(&mut redis).await;
    let host = |nth| Host::new(nth, seed, &server, FRAMES, Pace::per_second(RATE));
    let mut hosts = [host(0), host(1), host(2)];
    let urls: Vec<_> = hosts.iter().map(|host| host.relay.url()).collect();
    let program = Program::find("firehose-with-faults", Build::Checks).unwrap();
    let mut daemon = DaemonProcess::new(program.clone())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", urls.join(","))
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_HIGH_WATER_MARK", MARK)
        .with("STANDPIPE_START", "oldest")
        .with("FIREHOSE_FAULTS", format!("panic@{}={PANICS_AT}", hosts[2].name));
    daemon.start().unwrap();
    let pid = daemon.pid();

    // As long as the stream is beyond the mark, the daemon is well, says so, and adds nothing.
    let full = daemon.until("every host to be full", PATIENCE, |page| {
        page.status == 200 && states(&page.body).iter().all(|state| state == "full" || state == "parked")
    });
    full.await.unwrap();
    assert_eq!(length(&mut redis).await, OLD_ENTRIES);

    // The consumers come back.
    redis.command(["XTRIM", STREAM, "MAXLEN", "0"]).await.unwrap();
    let mut look = interval(Duration::from_millis(10));
    // First one task panics, and then all hosts are in trouble.
    let deadline = Instant::now() + PATIENCE;
    while !daemon.log().contains("child ended") {
        look.tick().await;
        assert!(Instant::now() < deadline, "nothing ended");
    }
    let [closing, resetting, garbage] = &hosts;
    let garbled = StreamFault::Send(Message::Binary(vec![0xff; 64]));
    let closed = StreamFault::Close { code: 1001, reason: "going away".to_owned() };
    let trouble = [
        closing.relay.faults().add(Rule::every_frames(2_500, closed)),
        resetting.relay.faults().add(Rule::every_frames(3_000, StreamFault::Reset)),
        resetting
            .relay
            .faults()
            .add(Rule::on_upgrade(UpgradeFault::refuse(500)).on_connections(1..u64::MAX).times(2)),
        garbage.relay.faults().add(Rule::every_frames(3_500, garbled)),
    ];
    while !hosts.iter().all(Host::is_read) {
        look.tick().await;
        for host in &mut hosts {
            host.look().await;
        }
        assert!(daemon.is_running().unwrap(), "the daemon ended");
    }
    for host in &hosts {
        println!("{} stood still for at most {:?} while it was served", host.name, host.longest_pause());
        println!("  {:?}", host.relay.faults().counts());
        assert!(host.longest_pause() < PAUSE, "{} stood still for {:?}", host.name, host.longest_pause());
    }
    let fired: Vec<u64> =
        (0..).zip(trouble).map(|(nth, id)| hosts[[0, 1, 1, 2][nth]].relay.faults().fired(id)).collect();
    assert!(fired.iter().all(|fired| *fired > 0), "{fired:?}");
    count(&mut hosts).await;
    assert_eq!((daemon.pid(), daemon.starts()), (pid, 1));

    let told = incidents(&program, &daemon);
    let page = text(&program, &daemon);
    println!("{page}");
    let endings: Vec<&Value> = told.iter().filter(|record| record["kind"] == "child_ended").collect();
    // Every ending is one line of the log and one record.
    assert_eq!(endings.len(), daemon.log().matches("child ended").count());
    let first = endings[0];
    assert_eq!(first["ordinal"], 1);
    assert_eq!((&first["ending"], &first["host"]), (&"panicked".into(), &hosts[2].name.as_str().into()));
    assert_eq!(first["cause"], format!("asked to panic at message {PANICS_AT}"));
    assert!(first["place"].as_str().unwrap().contains("with_faults.rs"), "{first}");
    assert!(hosts[2].expectation.through(first["last_seq"].as_u64().unwrap()) > 0, "{first}");
    let mut by_host: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    for ending in &endings {
        let key = (ending["host"].as_str().unwrap(), ending["ending"].as_str().unwrap());
        *by_host.entry(key).or_default() += 1;
    }
    println!("{by_host:?}");
    let of = |host: usize, ending| by_host.get(&(hosts[host].name.as_str(), ending)).copied();
    assert_eq!(of(0, "lost"), Some(fired[0]));
    assert_eq!(of(1, "lost"), Some(fired[1] + fired[2]));
    assert_eq!(of(2, "panicked"), Some(1));
    // A frame that cannot be read ends the connection at first sight, and is skipped at the second.
    assert!(of(2, "lost").is_some_and(|lost| (1..=fired[3]).contains(&lost)), "{by_host:?}");
    // The same in plain words.
    for words in ["Which ended first?", "How?", "Where?", "After which message?", "How often since?"] {
        assert!(page.contains(words), "{words}");
    }
    assert!(page.contains(&hosts[2].name) && page.contains("asked to panic at message"));

    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
}

/// Fills the stream with what was there before, in steps that stay below the client's deadline.
async fn fill(redis: &mut RespClient) {
    let script = "for i = 1, 250000 do redis.call('XADD', KEYS[1], '*', 'event', '{}') end";
    for _ in 0..OLD_ENTRIES / 250_000 {
        let reply = redis.command(["EVAL", script, "1", STREAM]).await.unwrap();
        assert!(!reply.is_error(), "{reply:?}");
    }
    assert_eq!(length(redis).await, OLD_ENTRIES);
}

async fn length(redis: &mut RespClient) -> u64 {
    redis.command(["XLEN", STREAM]).await.unwrap().integer().unwrap().try_into().unwrap()
}

fn states(page: &str) -> Vec<String> {
    let page: Value = serde_json::from_str(page).unwrap_or_default();
    let hosts = page["hosts"].as_array().cloned().unwrap_or_default();
    hosts.iter().map(|host| host["state"].as_str().unwrap_or_default().to_owned()).collect()
}

/// What `firehose incidents` says to a program: the account, and the records after it.
pub(crate) fn incidents(program: &Program, daemon: &DaemonProcess) -> Vec<Value> {
    said(program, daemon, &["incidents"]).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text(program: &Program, daemon: &DaemonProcess) -> String {
    said(program, daemon, &["incidents", "--text"])
}

fn said(program: &Program, daemon: &DaemonProcess, arguments: &[&str]) -> String {
    let output = Command::new(program.path())
        .args(arguments)
        .env_clear()
        .env("STANDPIPE_STATE_DIR", daemon.state_folder())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
