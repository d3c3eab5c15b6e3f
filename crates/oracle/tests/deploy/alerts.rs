//! Alerts as a real Prometheus raises them, for real daemons that were brought into the state.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use standpipe_oracle::{Build, DaemonProcess, Persistence, Program, RedisOptions, RedisServer, RespClient};
use standpipe_simulator::{
    Feed, Message, Pace, Relay, RelaySettings, Rule, StreamFault, World, WorldSettings,
};
use tokio::time::{Instant, sleep};

use crate::prometheus::{PATIENCE, Prometheus};

const STREAM: &str = "firehose_live";
/// Nobody listens there.
const NOBODY: &str = "ws://127.0.0.1:1";

/// A relay with endless frames, at this pace.
fn relay(world: WorldSettings, settings: RelaySettings) -> Relay {
    Relay::start(Feed::World(World::new(world)), RelaySettings { pace: Pace::per_second(100), ..settings })
        .unwrap()
}

fn plain_relay() -> Relay {
    relay(WorldSettings::default(), RelaySettings::default())
}

fn firehose(hosts: &[String]) -> DaemonProcess {
    DaemonProcess::new(Program::find("firehose", Build::Checks).unwrap())
        .unwrap()
        .with("STANDPIPE_RELAY_HOSTS", hosts.join(","))
        .with("STANDPIPE_START", "oldest")
}

async fn redis() -> RedisServer {
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    RedisServer::start(options).await.unwrap()
}

fn into(daemon: DaemonProcess, server: &RedisServer, high_water: &str) -> DaemonProcess {
    daemon
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("STANDPIPE_REDIS__HIGH_WATER", high_water)
}

/// Stores a cursor of a host as if it had been read that far.
async fn store_cursor(client: &mut RespClient, host: &Relay, seq: &str) {
    let key = format!("{STREAM}:cursor:{}", host.addr());
    client.command(["SET", &key, seq]).await.unwrap();
}

#[tokio::test]
async fn a_daemon_that_is_gone_and_one_that_died_without_a_word() {
    let host = plain_relay();
    let mut daemon = firehose(&[host.url()]);
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    assert!(!prometheus.fires("StandpipeDown").await);
    daemon.kill().unwrap();
    let labels = prometheus.until_fires("StandpipeDown").await;
    assert_eq!((&labels["job"], &labels["severity"]), (&"firehose".into(), &"critical".into()));
    daemon.start().unwrap();
    let labels = prometheus.until_fires("StandpipeNoFarewell").await;
    assert_eq!(labels["how"], "killed");
    prometheus.until_over("StandpipeDown").await;

    // Each start is seen once it is scraped.
    for _ in 0..4 {
        daemon.terminate().unwrap();
        assert!(daemon.ended(PATIENCE).await.unwrap().success());
        daemon.start().unwrap();
        let began = began(&mut daemon).await;
        prometheus.until(&format!("standpipe_start_timestamp_seconds >= {began}")).await;
    }
    prometheus.until_fires("StandpipeProcessRestarts").await;
    prometheus.until_over("StandpipeNoFarewell").await;
}

/// When the process began, as it says itself.
async fn began(daemon: &mut DaemonProcess) -> f64 {
    daemon.ready().await.unwrap();
    let page = daemon.get("/metrics").await.unwrap();
    page.metric("standpipe_start_timestamp_seconds", &[]).unwrap()
}

#[tokio::test]
async fn a_process_that_has_no_heartbeat() {
    let host = plain_relay();
    let mut daemon = firehose(&[host.url()]).with("STANDPIPE_HEARTBEAT", "6s");
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    prometheus.until_fires("StandpipeNoHeartbeat").await;
}

#[tokio::test]
async fn a_sink_that_does_not_answer() {
    let (host, mut server) = (plain_relay(), redis().await);
    let mut daemon = into(firehose(&[host.url()]), &server, "1000000");
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    prometheus.until("standpipe_sink_answers == 1").await;
    assert!(!prometheus.fires("StandpipeSinkUnavailable").await);
    server.kill().unwrap();
    prometheus.until_fires("StandpipeSinkUnavailable").await;
    assert!(!prometheus.fires("StandpipeStreamUnread").await);
    server.restart().await.unwrap();
    prometheus.until_over("StandpipeSinkUnavailable").await;
}

#[tokio::test]
async fn a_full_stream_that_nobody_reads() {
    let (host, server) = (plain_relay(), redis().await);
    let mut daemon = into(firehose(&[host.url()]), &server, "200");
    daemon.start().unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    let labels = prometheus.until_fires("StandpipeStreamUnread").await;
    assert!(labels["host"].is_null(), "{labels}");
    // A consumer comes back, slowly: the stream stays full, and it is read.
    let mut client = server.client().await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while prometheus.fires("StandpipeStreamUnread").await {
        client.command(["XTRIM", STREAM, "MAXLEN", "=", "150"]).await.unwrap();
        assert!(Instant::now() < deadline, "it is read, and the alert goes on");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_host_that_is_down_beside_one_that_is_not() {
    let host = plain_relay();
    let mut daemon = firehose(&[host.url(), NOBODY.to_owned()]);
    daemon.start().unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    let labels = prometheus.until_fires("StandpipeHostDown").await;
    assert_eq!(labels["host"], "127.0.0.1:1");
    assert_eq!(prometheus.ask("ALERTS{alertname=\"StandpipeHostDown\"}").await.len(), 1);
    assert!(!prometheus.fires("StandpipeNoHostServed").await);
    host.stop().await;
    prometheus.until_fires("StandpipeNoHostServed").await;
}

#[tokio::test]
async fn what_is_written_gets_older_while_events_come() {
    // Its events are from a while ago, and its clock goes at a hundredth of the pace.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let epoch_millis = u64::try_from(now.as_millis()).unwrap() - 1_000_000;
    let world =
        WorldSettings { epoch_millis, spacing: Duration::from_micros(100), ..WorldSettings::default() };
    let host = relay(world, RelaySettings::default());
    let mut daemon = firehose(&[host.url()]);
    daemon.start().unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    let labels = prometheus.until_fires("StandpipeLagGrows").await;
    assert_eq!(labels["host"], host.addr().to_string());
}

#[tokio::test]
async fn a_host_that_waits_for_an_operator_and_one_that_has_lost_events() {
    let server = redis().await;
    let held = plain_relay();
    let settings = RelaySettings { backlog: 1_000, retention: Some(100), ..RelaySettings::default() };
    let outdated = relay(WorldSettings { first_seq: 5_000, ..WorldSettings::default() }, settings);
    let mut client = server.client().await.unwrap();
    store_cursor(&mut client, &held, "1000000000").await;
    store_cursor(&mut client, &outdated, "5000").await;
    let mut daemon = into(firehose(&[held.url(), outdated.url()]), &server, "1000000");
    daemon.start().unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    let labels = prometheus.until_fires("StandpipeHeld").await;
    assert_eq!(labels["host"], held.addr().to_string());
    let labels = prometheus.until_fires("StandpipeGap").await;
    assert_eq!(
        (&labels["host"], &labels["reason"]),
        (&outdated.addr().to_string().into(), &"outdated_cursor".into())
    );
}

#[tokio::test]
async fn a_host_that_is_connected_and_lost_again_and_frames_that_cannot_be_used() {
    let (resets, garbled) = (plain_relay(), plain_relay());
    resets.faults().add(Rule::after_frames(20, StreamFault::Reset));
    // Each is kept once, however often it comes.
    for nth in 1..=6_u8 {
        let garbage = StreamFault::Send(Message::Binary(vec![0xff - nth; 64]));
        garbled.faults().add(Rule::after_frames(u64::from(nth), garbage));
    }
    let mut daemon = firehose(&[resets.url(), garbled.url()]);
    daemon.start().unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    let of_resets = format!(
        "ALERTS{{alertname=\"StandpipeRestartLoop\", alertstate=\"firing\", host=\"{}\"}}",
        resets.addr()
    );
    prometheus.until(&of_resets).await;
    println!("StandpipeRestartLoop fires");
    let labels = prometheus.until_fires("StandpipeQuarantineGrows").await;
    assert_eq!(labels["host"], garbled.addr().to_string());
    assert!(!prometheus.fires("StandpipeTaskFailed").await, "the world's doing is no failure");
}

#[tokio::test]
async fn a_task_that_fails_too_often_by_our_own_doing() {
    let (host, server) = (plain_relay(), redis().await);
    let mut daemon = into(firehose(&[host.url()]), &server, "1000000");
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let Some(prometheus) = Prometheus::scraping(&[("firehose", &daemon)]).await else { return };
    assert!(!prometheus.fires("StandpipeTaskFailed").await);
    // Another program takes the stream's name for something else.
    let mut client = server.client().await.unwrap();
    client.command(["SET", STREAM, "no stream"]).await.unwrap();
    let labels = prometheus.until_fires("StandpipeTaskFailed").await;
    assert_eq!(labels["ending"], "failed");
    prometheus.until_fires("StandpipeOverIntensity").await;
}
