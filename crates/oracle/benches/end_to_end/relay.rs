//! A relay that costs as little as it can: frames that were encoded before, with a seq written into each, over TLS.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use standpipe_simulator::{FrameSize, Mix, World, WorldSettings};
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The first seq. From 2^32 on a seq is nine bytes, so that any other fits into its place.
const FIRST_SEQ: u64 = 1 << 33;
/// Frames that differ.
const RING: u64 = 4_096;
/// Bytes that are written at once, about.
const PIECE_BYTES: usize = 128 * 1024;

/// How fast frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// As fast as they are taken.
    Flood,
    /// So many a second, each by itself.
    PerSecond(u32),
}

pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    folder: TempDir,
    roots: RootCertStore,
    shared: Arc<Shared>,
}

struct Shared {
    ring: Vec<Encoded>,
    pace: Mutex<Pace>,
    /// When each frame was sent, in nanoseconds since the beginning; only with a pace.
    sent: Mutex<Vec<(u64, u64)>>,
    began: Instant,
    /// What the threads that send have used, in nanoseconds of CPU time.
    cpu_nanos: AtomicU64,
}

/// A websocket message as it is on the wire, and where its seq is.
struct Encoded {
    bytes: Vec<u8>,
    seq_at: usize,
}

impl Relay {
    pub(crate) fn start() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.pem"), cert.pem()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let shared = Arc::new(Shared {
            ring: encode(),
            pace: Mutex::new(Pace::Flood),
            sent: Mutex::default(),
            began: Instant::now(),
            cpu_nanos: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (serving, tls) = (Arc::clone(&shared), Arc::new(tls));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (shared, tls) = (Arc::clone(&serving), Arc::clone(&tls));
                thread::spawn(move || {
                    // A reader that has enough closes.
                    let _ = shared.serve(stream.unwrap(), tls);
                });
            }
        });
        Self { address, folder, roots, shared }
    }

    /// The certificate that a client has to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    pub(crate) fn client(&self) -> ClientConfig {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth()
    }

    /// Connections that are made from now on are served so.
    pub(crate) fn pace(&self, pace: Pace) {
        *self.shared.pace.lock().unwrap() = pace;
    }

    /// When each frame was sent, by its seq. What was taken is forgotten.
    pub(crate) fn take_sent(&self) -> Vec<(u64, Instant)> {
        let sent = std::mem::take(&mut *self.shared.sent.lock().unwrap());
        sent.into_iter().map(|(seq, nanos)| (seq, self.shared.began + Duration::from_nanos(nanos))).collect()
    }

    /// The CPU time of all that was sent, to the last few milliseconds.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.shared.cpu_nanos.load(Ordering::Relaxed))
    }

    /// The mean size of a frame.
    pub(crate) fn frame_len(&self) -> usize {
        self.shared.ring.iter().map(|frame| frame.bytes.len() - 4).sum::<usize>() / self.shared.ring.len()
    }
}

impl Shared {
    fn serve(&self, stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = StreamOwned::new(ServerConnection::new(tls).map_err(io::Error::other)?, stream);
        stream.conn.set_buffer_limit(Some(4 * PIECE_BYTES));
        let cursor = accept(&mut stream)?;
        let next = cursor.map_or(FIRST_SEQ, |cursor| cursor + 1);
        let pace = *self.pace.lock().unwrap();
        match pace {
            Pace::Flood => self.flood(&mut stream, next),
            Pace::PerSecond(rate) => self.paced(&mut stream, next, rate),
        }
    }

    fn flood(&self, stream: &mut impl Write, mut seq: u64) -> io::Result<()> {
        let mut piece = Vec::with_capacity(2 * PIECE_BYTES);
        let mut cpu = thread_cpu_nanos();
        loop {
            piece.clear();
            while piece.len() < PIECE_BYTES {
                self.append(&mut piece, seq);
                seq += 1;
            }
            stream.write_all(&piece)?;
            let used = thread_cpu_nanos();
            self.cpu_nanos.fetch_add(used - cpu, Ordering::Relaxed);
            cpu = used;
        }
    }

    fn paced(&self, stream: &mut impl Write, mut seq: u64, rate: u32) -> io::Result<()> {
        let mut frame = Vec::new();
        let mut due = Instant::now();
        loop {
            if let Some(wait) = due.checked_duration_since(Instant::now()) {
                pause(wait);
            }
            due += Duration::from_secs(1) / rate;
            frame.clear();
            self.append(&mut frame, seq);
            let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap();
            self.sent.lock().unwrap().push((seq, nanos));
            stream.write_all(&frame)?;
            seq += 1;
        }
    }

    fn append(&self, piece: &mut Vec<u8>, seq: u64) {
        let frame = &self.ring[usize::try_from(seq % RING).unwrap()];
        let begins = piece.len();
        piece.extend_from_slice(&frame.bytes);
        piece[begins + frame.seq_at..][..8].copy_from_slice(&seq.to_be_bytes());
    }
}

/// Answers the upgrade, and returns the cursor that was asked for.
fn accept(stream: &mut (impl Read + Write)) -> io::Result<Option<u64>> {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request);
    let header = |name: &str| {
        request.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let mut answer =
        String::from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    let key = derive_accept_key(header("sec-websocket-key").unwrap_or_default().as_bytes());
    let _ = write!(answer, "Sec-WebSocket-Accept: {key}\r\n\r\n");
    stream.write_all(answer.as_bytes())?;
    let target = request.split(' ').nth(1).unwrap_or_default();
    let cursor = target.split(['?', '&']).find_map(|pair| pair.strip_prefix("cursor="));
    Ok(cursor.and_then(|cursor| cursor.parse().ok()).filter(|cursor| *cursor >= FIRST_SEQ))
}

/// Frames as relays send them: 5.4 KB on average, each a commit that creates one record.
fn encode() -> Vec<Encoded> {
    let world = World::new(WorldSettings {
        first_seq: FIRST_SEQ,
        frame_size: FrameSize::Mean(5_400),
        mix: Mix { foreign_percent: 0, ..Mix::creates_only() },
        ..WorldSettings::default()
    });
    (0..RING)
        .map(|index| {
            let frame = world.frame_at(index);
            let length = u16::try_from(frame.len()).unwrap();
            let seq = [&b"\x63seq\x1b"[..], &(FIRST_SEQ + index).to_be_bytes()].concat();
            let found = frame.windows(seq.len()).position(|window| window == seq).unwrap();
            // A binary message with a length of two bytes, from a server: not masked.
            let bytes = [&[0x82, 126][..], &length.to_be_bytes(), &frame].concat();
            Encoded { bytes, seq_at: 4 + found + 5 }
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a thread of its own that has nothing else to do")]
fn pause(wait: Duration) {
    thread::sleep(wait);
}

/// What the scheduler says that this thread has used.
fn thread_cpu_nanos() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

/// What another process has used, to the nanosecond: the sum over its threads.
pub(crate) fn process_cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}
