//! What serving costs: frames a second, and CPU seconds a million frames, to a reader that only counts bytes.
//!
//! `cargo bench -p standpipe-simulator --bench serve [-- FILE-OF-FRAMES]`. The relay has a thread of its own,
//! whose CPU time the system counts; the reader is blocking and on another. Medians of three rounds.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use standpipe_simulator::{
    Authority, Feed, FrameSize, Relay, RelaySettings, Ring, World, WorldSettings, read_frames,
};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const FRAMES: u64 = 1_000_000;
const ROUNDS: usize = 3;
const FIRST_SEQ: u64 = 1 << 33;

fn main() -> Outcome<()> {
    let world = World::new(WorldSettings { frame_size: FrameSize::Mean(5400), ..WorldSettings::default() });
    let file = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let frames = match &file {
        Some(file) => read_frames(Path::new(file))?,
        None => (0..2000).map(|index| world.frame_at(index)).collect(),
    };
    let mean = frames.iter().map(Vec::len).sum::<usize>() / frames.len().max(1);
    println!("{} frames, mean {mean} bytes, {FRAMES} a round", frames.len());

    let began = (Instant::now(), cpu_time()?);
    for index in 0..20_000 {
        std::hint::black_box(world.frame_at(index));
    }
    report(
        "making frames of a world, 5.4 KB",
        20_000,
        began.0.elapsed(),
        cpu_time()?.saturating_sub(began.1),
    );

    for (name, is_tls) in [("serving a ring over ws", false), ("serving a ring over wss", true)] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(round(&frames, is_tls)?);
        }
        rounds.sort_unstable_by_key(|round| round.cpu);
        let median = &rounds[ROUNDS / 2];
        report(name, FRAMES, median.time, median.cpu);
    }
    Ok(())
}

struct Round {
    time: Duration,
    cpu: Duration,
}

fn report(name: &str, frames: u64, time: Duration, cpu: Duration) {
    let a_second = u128::from(frames) * 1_000_000_000 / time.as_nanos().max(1);
    let nanos_each = cpu.as_nanos() / u128::from(frames);
    println!(
        "{name:<36} {a_second:>9} frames/s  {:>2}.{:02} CPU-s a million",
        nanos_each / 1000,
        nanos_each % 1000 / 10
    );
}

fn round(frames: &[Vec<u8>], is_tls: bool) -> Outcome<Round> {
    let ring = Ring::new(frames.to_vec(), FIRST_SEQ)?;
    let authority = if is_tls { Some(Authority::generate()?) } else { None };
    let ca = authority.as_ref().map(|authority| authority.ca_pem().to_owned());
    let settings =
        RelaySettings { tls: authority, backlog: FRAMES, total: Some(FRAMES), ..RelaySettings::default() };
    let (addr_out, addr_in) = mpsc::channel();
    let (stop_out, stop_in) = tokio::sync::oneshot::channel::<()>();
    let server = thread::spawn(move || -> Outcome<Duration> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let relay = Relay::start(Feed::Ring(Arc::new(ring)), settings)?;
            let before = cpu_time()?;
            addr_out.send(relay.addr())?;
            // Ends when the reader has read all, or is gone.
            let _ = stop_in.await;
            Ok(cpu_time()?.saturating_sub(before))
        })
    });
    let addr = addr_in.recv()?;
    let began = Instant::now();
    match ca {
        None => read_all(TcpStream::connect(addr)?, addr)?,
        Some(ca) => read_all(tls_stream(addr, &ca)?, addr)?,
    }
    let time = began.elapsed();
    drop(stop_out);
    let cpu = server.join().map_err(|_| "the relay's thread panicked")??;
    Ok(Round { time, cpu })
}

/// Reads until the end of frame number [`FRAMES`], by walking over the heads of the messages.
fn read_all(mut stream: impl Read + Write, addr: SocketAddr) -> Outcome<()> {
    write!(
        stream,
        "GET /xrpc/com.atproto.sync.subscribeRepos?cursor=0 HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )?;
    stream.flush()?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut buffer = vec![0; 256 * 1024];
    let (mut filled, mut skip, mut frames) = (0, 0_usize, 0);
    while frames < FRAMES || skip > 0 {
        let len = stream.read(&mut buffer[filled..])?;
        if len == 0 {
            return Err("the relay ended early".into());
        }
        filled += len;
        let mut at = 0;
        loop {
            let skipped = skip.min(filled - at);
            at += skipped;
            skip -= skipped;
            let rest = &buffer[at..filled];
            let (len, head) = match rest {
                [_, 127, long @ ..] if long.len() >= 8 => {
                    (usize::try_from(u64::from_be_bytes(long[..8].try_into()?))?, 10)
                }
                [_, 126, long @ ..] if long.len() >= 2 => {
                    (usize::from(u16::from_be_bytes([long[0], long[1]])), 4)
                }
                [_, short @ ..126, ..] => (usize::from(*short), 2),
                _ => break,
            };
            frames += 1;
            at += head;
            skip = len;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
    }
    Ok(())
}

fn tls_stream(addr: SocketAddr, ca: &str) -> Outcome<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost")?)?;
    Ok(StreamOwned::new(connection, TcpStream::connect(addr)?))
}

/// The time that this thread has had on a CPU.
fn cpu_time() -> Outcome<Duration> {
    let schedstat = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = schedstat.split_whitespace().next().ok_or("no CPU time in schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
