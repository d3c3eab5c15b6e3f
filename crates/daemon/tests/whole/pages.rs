//! The admin pages over a real socket.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use standpipe_daemon::admin::Admin;
use standpipe_daemon::metrics::{INSTRUMENTS, Instrument, ORIGIN};
use standpipe_daemon::settings::{Effective, OnFutureCursor};
use standpipe_daemon::{About, Chronicle, Gap, Lookups, NamedHosts, StartError, ask};
use standpipe_pipeline::{Observation, Observer as _, Remedy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::scripted::{Act, Readiness, Stage};
use crate::status::listed;

/// What the pages say of a daemon that does not change.
fn about() -> About {
    About::new("redis", Some(90), Effective::default())
}

/// Asks while the pages are served; answers head and body.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Does something with the address of pages that are served meanwhile.
pub(crate) async fn with_pages<T>(stage: &Stage, work: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    with_pages_about(stage, about(), work).await
}

/// As [`with_pages`], of a daemon of which this is known.
pub(crate) async fn with_pages_about<T>(
    stage: &Stage,
    about: About,
    work: impl AsyncFnOnce(SocketAddr) -> T,
) -> T {
    let listen = "127.0.0.1:0".parse().unwrap();
    let admin = Admin::bind(listen, Arc::clone(&stage.metrics), about).await.unwrap();
    let address = admin.address().unwrap();
    tokio::select! {
        never = admin.serve() => match never {},
        done = timeout(Duration::from_secs(30), work(address)) => done.unwrap(),
    }
}

#[tokio::test]
async fn each_page_answers_with_what_it_is_for() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    with_pages(&stage, async |address| {
        let (head, body) = get(address, "/healthz").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        assert_eq!(body, "{\"alive\":true}\n");

        stage.until("connecting").await;
        let (head, body) = get(address, "/readyz").await;
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        let expected = r#"{"ready":false,"hosts":[{"host":"relay.example","ready":false,"state":"connecting","reason":"not connected"}]}"#;
        assert_eq!(body.trim_end(), expected);
        let unready = "not ready: relay.example is connecting (not connected)";
        assert_eq!(ask(address).await, Err(unready.to_owned()));

        stage.acts([Act::Accept, Act::Frame(7)]);
        stage.until("streaming").await;
        while stage.cursor().is_none() {
            tokio::task::yield_now().await;
        }
        let (head, body) = get(address, "/readyz").await;
        assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
        let expected = r#"{"ready":true,"hosts":[{"host":"relay.example","ready":true,"state":"streaming","cursor":"7"}]}"#;
        assert_eq!(body.trim_end(), expected);
        assert_eq!(ask(address).await, Ok("ready".to_owned()));

        let (head, body) = get(address, "/metrics").await;
        assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
        assert!(body.contains("standpipe_cursor_seq{host=\"relay.example\"} 7\n"), "{body}");
        assert!(get(address, "/other").await.0.starts_with("HTTP/1.1 404 "));
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error_with_a_sentence() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().into_std().unwrap();
    let address = taken.local_addr().unwrap();
    let error = Admin::bind(address, Arc::clone(&stage.metrics), about()).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { .. }));
    assert_eq!(
        error.to_string(),
        format!("listen on {address} for the admin pages; set admin.listen to another address or port")
    );
}

#[tokio::test]
async fn i7_requests_are_bounded() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    with_pages(&stage, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("GET /healthz HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431 "), "{answer:?}");

        // More connections than are served at once hold up nobody for ever, once they say something or leave.
        let mut idle = Vec::new();
        for _ in 0..80 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        drop(idle);
        assert!(get(address, "/healthz").await.0.starts_with("HTTP/1.1 200 "));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn i10_a_request_that_never_ends_is_cut_off() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    with_pages(&stage, async |address| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nX: ").await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    })
    .await;
}

/// A chronicle that has written seven records and lost two.
struct Scribe;

impl Chronicle for Scribe {
    fn held(&self, _: &Arc<str>, _: &str, _: Option<u64>) {}

    fn released(&self, _: &Arc<str>) {}

    fn gap(&self, _: &Arc<str>, _: &Gap) {}

    fn recent(&self) -> Vec<Value> {
        Vec::new()
    }

    fn last_run(&self) -> Option<&'static str> {
        Some("killed")
    }

    fn written(&self) -> u64 {
        7
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        vec![("disk", 2)]
    }
}

/// Somebody who looked up three identities and remembers two.
struct Clerk;

impl Lookups for Clerk {
    fn outcomes(&self) -> Vec<(&'static str, u64)> {
        vec![("resolved", 2), ("not_found", 1)]
    }

    fn remembered(&self) -> u64 {
        2
    }

    fn keepsakes(&self) -> Vec<u8> {
        Vec::new()
    }

    fn recall(&self, _: &[u8]) {}
}

#[tokio::test(start_paused = true)]
async fn every_metric_is_shown_under_its_name_and_no_other() {
    let nobody = Some("ws://127.0.0.1:1");
    let stage = Stage::begin_looking(Readiness::Flowing, None, OnFutureCursor::Hold, nobody);
    stage.metrics.chronicled_by(Arc::new(Scribe));
    stage.metrics.looked_up_by(Arc::new(Clerk));
    stage.ledger.enumerates(|enumeration| *enumeration = Some(listed()));
    // A range of the list that was owed, and is not any more.
    stage.ledger.owes(&[(5, 6)]);
    stage.ledger.owes(&[]);
    let wait = Duration::from_secs(1);
    stage.ledger.observe(Observation::Waiting { reason: "cursor_loop", wait, cause: None });
    stage.ledger.names(NamedHosts { skipped: vec![("banned", 1)], ..NamedHosts::default() });
    let _found = stage.metrics.open_ledger_of_found("found.example");
    stage.acts([Act::Accept, Act::Frame(1), Act::Dropped(2), Act::Unusable(3), Act::Break(Remedy::Retry)]);
    stage.until("backing_off").await;
    stage.acts([Act::Refuse(Remedy::RetryAfter(Duration::from_mins(10)))]);
    stage
        .until_some(|| stage.metrics.exposition().unwrap().contains("heartbeat_seconds ").then_some(()))
        .await;
    let exposition = stage.metrics.exposition().unwrap();
    let shown: BTreeSet<_> =
        exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let known: Vec<_> = INSTRUMENTS.iter().map(Instrument::exposed_name).collect();
    // Only the embedded log lets entries go.
    let known: BTreeSet<_> =
        known.iter().map(String::as_str).filter(|name| *name != "standpipe_retired_entries_total").collect();
    assert_eq!(shown, known);
    for line in [
        "standpipe_entries_total{host=\"relay.example\",kind=\"create\"} 1",
        "standpipe_dropped_total{host=\"relay.example\",reason=\"collection_filtered\"} 1",
        "standpipe_quarantined_total{host=\"relay.example\",reason=\"cbor_truncated\"} 1",
        "standpipe_waits_total{host=\"relay.example\",reason=\"cursor_loop\"} 1",
        "standpipe_frames_total{host=\"relay.example\"} 3",
        "standpipe_frame_bytes_total{host=\"relay.example\"} 24",
        "standpipe_exits_total{ending=\"lost\",host=\"relay.example\"} 2",
        "standpipe_restarts_total{ending=\"lost\",host=\"relay.example\"} 2",
        "standpipe_restarts_last_hour{host=\"relay.example\"} 2",
        "standpipe_probes_total{host=\"relay.example\",result=\"silent\",side=\"host\"} 1",
        "standpipe_probes_total{host=\"relay.example\",result=\"answers\",side=\"sink\"} 1",
        "standpipe_label_verdicts_total{host=\"relay.example\",reason=\"sig_mismatch\",verdict=\"failed\"} 1",
        "standpipe_identity_lookups_total{outcome=\"not_found\"} 1",
        "standpipe_identities_remembered 2",
        "standpipe_last_run{how=\"killed\"} 1",
        "standpipe_incidents_total 7",
        "standpipe_incidents_lost_total{why=\"disk\"} 2",
        "standpipe_held{host=\"relay.example\"} 0",
        "standpipe_stream_entries{stream=\"firehose_live\"} 1",
        "standpipe_high_water_entries{stream=\"firehose_live\"} 100",
        "standpipe_state{host=\"relay.example\",state=\"backing_off\"} 1",
        "standpipe_connected{host=\"relay.example\"} 0",
    ] {
        assert!(exposition.lines().any(|shown| shown == line), "{line} is missing in\n{exposition}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_origins_metrics_are_shown_on_request_under_their_names() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1), Act::Frame(2), Act::Dropped(3)]);
    stage.until_cursor(3).await;
    assert!(!stage.metrics.exposition().unwrap().contains("ingester_"));
    stage.metrics.show_origin_names();
    let exposition = stage.metrics.exposition().unwrap();
    for line in [
        "ingester_firehose_events_total 3",
        "ingester_firehose_create_events_total 2",
        "ingester_firehose_delete_events_total 0",
        "ingester_stream_events_total 2",
        "ingester_errors_total 0",
        "ingester_firehose_live_length 2",
        "ingester_backpressure_active 0",
        "ingester_websocket_connections 1",
        "ingester_events_in_memory 0",
    ] {
        assert!(exposition.lines().any(|shown| shown == line), "{line} is missing in\n{exposition}");
    }
    let shown: BTreeSet<_> =
        exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ingester_")).collect();
    assert_eq!(shown.len(), 10, "{shown:?}");
    for line in shown {
        let name = format!("ingester_{}", line.split(' ').next().unwrap());
        assert!(ORIGIN.iter().any(|origin| origin.name == name), "{name}");
    }
}
