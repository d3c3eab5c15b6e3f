//! How much of the websocket client's speed a subscription keeps: a bare tokio-tungstenite reader that only counts
//! bytes against [`Subscription`], over ws and wss on loopback, taking turns in one run.
//!
//! `cargo bench -p standpipe-subscription --bench read` prints frames a second, CPU of the reading thread, and the
//! ratio of the medians. With `-- buffers` it compares read buffer sizes of the bare reader instead.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark reports and may fail"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use futures_util::StreamExt;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use standpipe_cursor::{Endpoint, Resume};
use standpipe_pipeline::{RawMessage, Silent, Source};
use standpipe_subscription::{Deadlines, Settings, Subscription, Tls, UserAgent};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// The mean size of a relay's frame.
const FRAME_LEN_BYTES: usize = 5_400;
const FRAMES: usize = 300_000;
const FRAMES_A_WRITE: usize = 24;
const ROUNDS: usize = 7;

fn main() {
    let bench = Bench::new();
    if std::env::args().any(|argument| argument == "buffers") {
        bench.compare_buffers();
    } else {
        bench.compare_readers();
    }
}

struct Bench {
    plain: SocketAddr,
    secure: SocketAddr,
    roots: RootCertStore,
    settings: Settings,
}

impl Bench {
    fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let pem = folder.path().join("root.pem");
        std::fs::write(&pem, cert.pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        Self { plain: serve(None), secure: serve(Some(Arc::new(server))), roots, settings: settings(&pem) }
    }

    fn compare_readers(&self) {
        for (scheme, address, secure) in [("ws", self.plain, false), ("wss", self.secure, true)] {
            let mut bare = Vec::new();
            let mut ours = Vec::new();
            for _ in 0..ROUNDS {
                bare.push(measured(self.bare(secure, WebSocketConfig::default())));
                ours.push(measured(self.ours(scheme, address)));
            }
            let (bare, ours) = (Figures::median(bare), Figures::median(ours));
            println!("{scheme:<4} bare {bare}");
            println!("{scheme:<4} ours {ours}");
            println!(
                "{scheme:<4} ours / bare: {:.1} % of the speed, {:.1} % of the CPU",
                100.0 * bare.wall.as_secs_f64() / ours.wall.as_secs_f64(),
                100.0 * ours.cpu.as_secs_f64() / bare.cpu.as_secs_f64(),
            );
        }
    }

    fn compare_buffers(&self) {
        for (scheme, secure) in [("ws", false), ("wss", true)] {
            let sizes = [4, 8, 16, 32, 64, 128, 256].map(|kilobytes| kilobytes * 1024);
            let mut runs = sizes.map(|_| Vec::new());
            for _ in 0..ROUNDS {
                for (size, runs) in sizes.into_iter().zip(&mut runs) {
                    let config = WebSocketConfig::default().read_buffer_size(size);
                    runs.push(measured(self.bare(secure, config)));
                }
            }
            for (size, runs) in sizes.into_iter().zip(runs) {
                println!("{scheme:<4} {:>4} KB {}", size / 1024, Figures::median(runs));
            }
        }
    }

    async fn ours(&self, scheme: &str, address: SocketAddr) -> usize {
        let endpoint: Endpoint = format!("{scheme}://{address}").parse().unwrap();
        let mut subscription =
            Subscription::connect(&self.settings, &endpoint, "a.b.c", Resume::Live, &Silent::shared())
                .await
                .unwrap();
        let mut bytes = 0;
        while let Ok(Some(RawMessage::Binary(message))) = subscription.next().await {
            bytes += message.len();
        }
        bytes
    }

    async fn bare(&self, secure: bool, config: WebSocketConfig) -> usize {
        if !secure {
            let stream = tokio::net::TcpStream::connect(self.plain).await.unwrap();
            return count(stream, config).await;
        }
        let stream = tokio::net::TcpStream::connect(self.secure).await.unwrap();
        let client = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        count(TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap(), config).await
    }
}

async fn count<T: AsyncRead + AsyncWrite + Unpin>(stream: T, config: WebSocketConfig) -> usize {
    let (mut socket, _) = client_async_with_config("ws://localhost/", stream, Some(config)).await.unwrap();
    let mut bytes = 0;
    while let Some(Ok(message)) = socket.next().await {
        bytes += message.len();
    }
    bytes
}

fn settings(pem: &Path) -> Settings {
    Settings {
        user_agent: UserAgent::anonymous(),
        tls: Tls::with_roots_in(pem),
        deadlines: Deadlines::repos(),
    }
}

/// A blocking server on a thread of its own that sends all frames as fast as they are taken, then closes.
fn serve(tls: Option<Arc<ServerConfig>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let frame = [&[0x82, 126][..], &5_400_u16.to_be_bytes(), &[7; FRAME_LEN_BYTES]].concat();
        let chunk = frame.repeat(FRAMES_A_WRITE);
        for stream in listener.incoming() {
            let stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            match &tls {
                None => flood(stream, &chunk),
                Some(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).unwrap();
                    flood(StreamOwned::<_, TcpStream>::new(connection, stream), &chunk);
                }
            }
        }
    });
    address
}

fn flood(mut stream: impl Read + Write, chunk: &[u8]) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap();
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).unwrap();
    for _ in 0..FRAMES / FRAMES_A_WRITE {
        stream.write_all(chunk).unwrap();
    }
}

struct Figures {
    wall: Duration,
    cpu: Duration,
}

impl Figures {
    fn median(runs: Vec<Self>) -> Self {
        let middle = runs.len() / 2;
        let (mut wall, mut cpu): (Vec<_>, Vec<_>) = runs.into_iter().map(|run| (run.wall, run.cpu)).unzip();
        wall.sort();
        cpu.sort();
        Self { wall: wall[middle], cpu: cpu[middle] }
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        #[expect(clippy::cast_precision_loss, reason = "a count of frames")]
        let frames = FRAMES as f64;
        let rate = frames / self.wall.as_secs_f64();
        write!(f, "{rate:>9.0} frames/s  {:.2} CPU-s a million", self.cpu.as_secs_f64() * 1e6 / frames)
    }
}

fn measured(reader: impl Future<Output = usize>) -> Figures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let cpu_before = cpu_of_this_thread();
    let bytes = runtime.block_on(reader);
    let figures = Figures { wall: began.elapsed(), cpu: cpu_of_this_thread().saturating_sub(cpu_before) };
    assert_eq!(bytes, FRAMES * FRAME_LEN_BYTES);
    figures
}

/// User and system time, in ticks of ten milliseconds; zero where there is no procfs.
fn cpu_of_this_thread() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
