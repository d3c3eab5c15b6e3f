//! A server in the daemon's place: its page as the daemon serves it, and a `/status` of the check's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use standpipe_oracle::{Build, DaemonProcess, Program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it answers. Clones are one.
#[derive(Clone, Default)]
pub(crate) struct Answers {
    pub(crate) status: Arc<Mutex<Value>>,
    pub(crate) history: Arc<Mutex<Value>>,
    pub(crate) incidents: Arc<Mutex<Value>>,
    /// `/status` takes the request and says nothing.
    pub(crate) is_silent: Arc<AtomicBool>,
    /// How often `/status` was asked for.
    pub(crate) asked: Arc<AtomicU64>,
}

pub(crate) struct StandIn {
    pub(crate) address: SocketAddr,
    pub(crate) answers: Answers,
    _daemon: DaemonProcess,
    _serving: JoinSet<()>,
}

impl StandIn {
    /// Serves what a daemon would say that reads these hosts.
    pub(crate) async fn of(hosts: &[Value]) -> Self {
        let mut daemon = DaemonProcess::new(Program::find("firehose", Build::Checks).unwrap())
            .unwrap()
            .with("INGESTER_RELAY_HOSTS", "ws://127.0.0.1:9");
        daemon.start().unwrap();
        daemon.until("the page", crate::view::PATIENCE, |_| true).await.unwrap();
        let answers = Answers::default();
        *answers.status.lock().unwrap() = status(hosts);
        *answers.history.lock().unwrap() = json!({ "every_ms": 10_000, "entries": [], "hosts": {} });
        *answers.incidents.lock().unwrap() = json!([]);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (page, served) = (daemon.admin_address(), answers.clone());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut each = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                each.spawn(serve(stream, page, served.clone()));
            }
        });
        Self { address, answers, _daemon: daemon, _serving: serving }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.answers.status.lock().unwrap());
    }
}

async fn serve(mut stream: TcpStream, page: SocketAddr, answers: Answers) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        request.push(byte);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let body = match path {
        "/" => {
            let mut daemon = TcpStream::connect(page).await.unwrap();
            let asked = format!("GET / HTTP/1.1\r\nHost: {page}\r\nConnection: close\r\n\r\n");
            daemon.write_all(asked.as_bytes()).await.unwrap();
            let _ = tokio::io::copy(&mut daemon, &mut stream).await;
            return;
        }
        "/status" => {
            answers.asked.fetch_add(1, Ordering::Relaxed);
            if answers.is_silent.load(Ordering::Relaxed) {
                let _ = stream.read_u8().await;
                return;
            }
            answers.status.lock().unwrap().to_string()
        }
        "/history" => answers.history.lock().unwrap().to_string(),
        "/incidents" => answers.incidents.lock().unwrap().to_string(),
        other => panic!("the page asks for {other}"),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// What a daemon says that is well, and reads these hosts.
fn status(hosts: &[Value]) -> Value {
    json!({
        "daemon": "firehose",
        "build": { "version": "0.1.0", "revision": null },
        "run": "20260704T143808.999Z-7",
        "started_at": "2026-07-04T14:38:08.999Z",
        "uptime_ms": 93_784_000,
        "ready": true,
        "reason": null,
        "sink": {
            "kind": "redis", "stream": "firehose_live", "entries": 618_345, "high_water": 1_000_000,
            "low_water": 900_000, "answers": true, "trouble": null, "heard_at": "2026-07-05T14:38:08Z",
            "last_delivery": null,
        },
        "hosts": hosts,
        "recent_incidents": [],
        "settings": [{ "key": "batch.bytes", "value": "1MiB", "place": "default" }],
    })
}

/// A host that streams.
pub(crate) fn host(name: &str) -> Value {
    json!({
        "host": name, "endpoint": null, "ready": true, "found": false, "reason": null, "state": "streaming",
        "state_for_ms": 93_000_000, "waiting_for": "news", "restart_in_ms": null, "cursor": "31527015322",
        "last_seq": 31_527_015_322_u64, "event_time": "2026-07-05T14:38:08Z", "lag_ms": 300, "since_delivery_ms": 120,
        "since_sign_ms": 90, "events": 1_000_000, "events_per_second": 371.2, "bytes": 1_000_000_000, "frames": 900_000,
        "bytes_in_flight": 48_213, "connected_since": "2026-07-04T14:38:09Z", "connections": 1, "incarnation": 1,
        "restarts": 0, "restarts_last_hour": 0, "standing": "sound", "hold": null, "gaps": [], "enumeration": null,
        "last_look": null, "last_exit": null,
    })
}
