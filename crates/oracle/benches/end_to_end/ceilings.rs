//! The ceilings: reading from the relay alone, appending to Redis alone, and both at once without anything between.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use rustls::pki_types::ServerName;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::on_one_thread;
use crate::relay::BenchRelay;

/// What the redis sink appends with.
const APPEND: &str = include_str!("../../../redis-sink/src/append.lua");
const BATCH: u32 = 500;
const PAYLOAD_BYTES: usize = 592;
/// Batches that are under way at a time: with two, Redis never waits for the network.
const IN_FLIGHT: u64 = 2;
const WARM_UP: Duration = Duration::from_millis(500);

/// Frames a second of a bare tokio-tungstenite reader over TLS that only counts bytes, on one thread.
pub(crate) fn read_alone(relay: &BenchRelay, span: Duration) -> f64 {
    on_one_thread(read(relay, span, || {}))
}

/// Entries a second of the append script, fed with batches that are made already.
pub(crate) fn append_alone(server: SocketAddr, span: Duration) -> f64 {
    let mut appender = Appender::connect(server);
    let mut rate = Rate::begin(span);
    let mut batches = 0;
    loop {
        appender.append();
        batches += 1;
        if let Some(a_second) = rate.after(batches) {
            return a_second * f64::from(BATCH);
        }
    }
}

/// Frames a second of both at once: the bare reader, and one ready-made batch for each 500 frames that it has read.
pub(crate) fn read_and_append(relay: &BenchRelay, server: SocketAddr, span: Duration) -> f64 {
    let (permit, permitted) = mpsc::sync_channel::<()>(1);
    let appending = thread::spawn(move || {
        let mut appender = Appender::connect(server);
        for () in permitted {
            appender.append();
        }
    });
    let mut frames = 0;
    let a_second = on_one_thread(read(relay, span, || {
        frames += 1;
        if frames % BATCH == 0 {
            permit.send(()).unwrap();
        }
    }));
    drop(permit);
    appending.join().unwrap();
    a_second
}

async fn read(relay: &BenchRelay, span: Duration, mut each: impl FnMut()) -> f64 {
    let mut socket = connect(relay).await;
    let (mut frames, mut bytes) = (0, 0);
    let mut rate = Rate::begin(span);
    loop {
        bytes += socket.next().await.unwrap().unwrap().len();
        frames += 1;
        each();
        if frames % 256 == 0
            && let Some(a_second) = rate.after(frames)
        {
            assert!(bytes > 0);
            return a_second;
        }
    }
}

async fn connect(relay: &BenchRelay) -> WebSocketStream<TlsStream<tokio::net::TcpStream>> {
    let stream = tokio::net::TcpStream::connect(relay.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(relay.client())).connect(name, stream).await.unwrap();
    let url = "ws://localhost/xrpc/com.atproto.sync.subscribeRepos?cursor=0";
    client_async(url, stream).await.unwrap().0
}

/// How many a second, counted from the end of a warm-up.
struct Rate {
    began: Instant,
    span: Duration,
    warm: Option<(u32, Instant)>,
}

impl Rate {
    fn begin(span: Duration) -> Self {
        Self { began: Instant::now(), span, warm: None }
    }

    /// The rate, once it was measured for long enough.
    fn after(&mut self, count: u32) -> Option<f64> {
        match self.warm {
            None if self.began.elapsed() > WARM_UP => self.warm = Some((count, Instant::now())),
            Some((from, since)) if since.elapsed() > self.span => {
                return Some(f64::from(count - from) / since.elapsed().as_secs_f64());
            }
            None | Some(_) => {}
        }
        None
    }
}

/// Sends one ready-made batch after another, each following the cursor of the one before.
struct Appender {
    stream: BufReader<TcpStream>,
    script: String,
    payloads: Vec<u8>,
    sent: u64,
    done: u64,
}

impl Appender {
    fn connect(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream.set_nodelay(true).unwrap();
        let payload = format!("${PAYLOAD_BYTES}\r\n{}\r\n", "x".repeat(PAYLOAD_BYTES));
        let payloads = payload.repeat(usize::try_from(BATCH).unwrap()).into_bytes();
        let stream = BufReader::new(stream);
        let mut appender = Self { stream, script: String::new(), payloads, sent: 0, done: 0 };
        appender.send(&["SET", "bench:fence", "1:bench"], 0);
        appender.reply();
        appender.send(&["SCRIPT", "LOAD", APPEND], 0);
        appender.script = appender.reply();
        appender
    }

    /// Sends the next batch; waits for the oldest where too many are under way.
    fn append(&mut self) {
        let from = if self.sent == 0 { String::new() } else { self.sent.to_string() };
        let (to, script) = ((self.sent + 1).to_string(), self.script.clone());
        let keys = ["3", "bench", "bench:cursor", "bench:fence"];
        let head =
            [&["EVALSHA", &script][..], &keys, &["1:bench", &from, &to, "1000000000", "event"]].concat();
        self.send(&head, BATCH);
        self.sent += 1;
        if self.sent - self.done == IN_FLIGHT {
            assert_eq!(self.reply(), "1", "the script refuses");
            self.done += 1;
        }
    }

    fn send(&mut self, head: &[&str], payloads: u32) {
        let count = u32::try_from(head.len()).unwrap() + payloads;
        let mut command = format!("*{count}\r\n").into_bytes();
        for word in head {
            command.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        if payloads > 0 {
            command.extend_from_slice(&self.payloads);
        }
        self.stream.get_mut().write_all(&command).unwrap();
    }

    /// The reply, or the first of an array.
    fn reply(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "+" | ":" => rest.to_owned(),
            "$" => {
                let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
                self.stream.read_exact(&mut text).unwrap();
                String::from_utf8(text).unwrap().trim_end().to_owned()
            }
            "*" => {
                let replies: Vec<String> =
                    (0..rest.parse::<usize>().unwrap()).map(|_| self.reply()).collect();
                replies.into_iter().next().unwrap_or_default()
            }
            _ => panic!("Redis answers {line}"),
        }
    }
}
