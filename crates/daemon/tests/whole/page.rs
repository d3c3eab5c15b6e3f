//! The page for people, and what it is drawn from, over a real socket. What it shows is a matter of the oracle's tests.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use standpipe_daemon::settings::OnFutureCursor;
use standpipe_daemon::{Chronicle, Gap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::pages::{get, with_pages};
use crate::scripted::{Act, Stage};

/// Asks as somebody who was led here under this name.
async fn get_as(name: &str, address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn browsers_are_told_to_keep_nothing_to_guess_nothing_and_to_ask_nobody_else() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    with_pages(&stage, async |address| {
        for path in ["/", "/status", "/history", "/incidents", "/metrics", "/readyz", "/healthz", "/other"] {
            let (head, _) = get(address, path).await;
            for line in [
                "cache-control: no-store",
                "x-content-type-options: nosniff",
                "x-frame-options: DENY",
                "referrer-policy: no-referrer",
                "cross-origin-resource-policy: same-origin",
                "content-security-policy: default-src 'none'; ",
            ] {
                assert!(head.contains(line), "{path} lacks {line}:\n{head}");
            }
            assert!(!head.to_ascii_lowercase().contains("access-control"), "{head}");
        }
        let (head, body) = get(address, "/").await;
        assert!(head.starts_with("HTTP/1.1 200 OK") && head.contains("text/html; charset=utf-8"), "{head}");
        assert!(body.starts_with("<!doctype html>") && body.trim_end().ends_with("</html>"), "{body}");
    })
    .await;
}

#[tokio::test]
async fn i12_a_site_that_lets_its_name_point_here_reads_nothing() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    with_pages(&stage, async |address| {
        for path in ["/", "/status", "/history", "/incidents", "/metrics", "/readyz", "/other"] {
            let answer = get_as("evil.example:4100", address, path).await;
            assert!(answer.starts_with("HTTP/1.1 421 "), "{path}: {answer}");
            assert!(!answer.contains("relay.example"), "{path}: {answer}");
            for name in ["127.0.0.1:4100", "[::1]:4100", "localhost:4100", "firehose:4100"] {
                let answer = get_as(name, address, path).await;
                assert!(!answer.starts_with("HTTP/1.1 421 "), "{path} as {name}: {answer}");
            }
        }
    })
    .await;
}

/// Has a record of this hour, and one of the day before yesterday.
struct Scribe([Value; 2]);

impl Chronicle for Scribe {
    fn held(&self, _: &Arc<str>, _: &str, _: Option<u64>) {}

    fn released(&self, _: &Arc<str>) {}

    fn gap(&self, _: &Arc<str>, _: &Gap) {}

    fn recent(&self) -> Vec<Value> {
        self.0.to_vec()
    }

    fn written(&self) -> u64 {
        2
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

#[tokio::test]
async fn the_incidents_are_those_of_the_last_day() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    let now = jiff::Timestamp::now();
    let at = |hours| (now - jiff::SignedDuration::from_hours(hours)).to_string();
    let record = |hours| json!({ "at": at(hours), "kind": "held", "host": "relay.example" });
    stage.metrics.chronicled_by(Arc::new(Scribe([record(1), record(47)])));
    with_pages(&stage, async |address| {
        let (_, body) = get(address, "/incidents").await;
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!([record(1)]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn half_an_hour_of_rates_is_there_before_anybody_asks() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(7)]);
    stage.until("streaming").await;
    with_pages(&stage, async |address| {
        tokio::time::sleep(std::time::Duration::from_secs(25)).await;
        let (_, body) = get(address, "/history").await;
        let history: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(history["every_ms"], 10_000);
        let rates = history["hosts"]["relay.example"].as_array().unwrap();
        assert!(rates.len() >= 2 && rates.iter().all(Value::is_number), "{history}");
        let (_, body) = get(address, "/status").await;
        let page: Value = serde_json::from_str(&body).unwrap();
        assert!(page["hosts"][0]["events_per_second"].is_number(), "{page}");
    })
    .await;
}
