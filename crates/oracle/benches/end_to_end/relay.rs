//! The relay that everything reads from, on a thread of its own: frames that were encoded before, over TLS, each with
//! the next seq.

use std::fs;
use std::io::Cursor;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use standpipe_simulator::{
    Authority, Feed, FrameSize, Mix, Pace, Relay, RelaySettings, Ring, World, WorldSettings,
};
use tempfile::TempDir;
use tokio::time::{Instant, interval};

/// The first seq. From 2^32 on a seq is nine bytes, so that any other fits into its place.
pub(crate) const FIRST_SEQ: u64 = 1 << 33;
/// Frames that differ.
const SLOTS: u64 = 4_096;
/// Frames that are there from the beginning, where they are taken as fast as they can be: more than ever will be.
const ENDLESS: u64 = 1 << 40;

/// A relay that has a thread, and what a client needs.
pub(crate) struct BenchRelay {
    pub(crate) address: SocketAddr,
    pub(crate) frame_len: usize,
    authority: Authority,
    folder: TempDir,
    thread: String,
    /// Dropped, it ends the relay.
    _running: tokio::sync::oneshot::Sender<()>,
}

impl BenchRelay {
    /// A relay that sends as fast as it is read.
    pub(crate) fn endless() -> Self {
        Self::start(ENDLESS, |_| {})
    }

    /// A relay whose frames come to be at this rate, one by one. It tells when each did, from the first one on.
    pub(crate) fn paced(a_second: u32) -> (Self, mpsc::Receiver<Instant>) {
        let (made, times) = mpsc::channel();
        let relay = Self::start(0, move |relay: Arc<Relay>| {
            tokio::spawn(async move {
                let mut tick = interval(Duration::from_secs(1) / a_second);
                loop {
                    tick.tick().await;
                    let now = Instant::now();
                    relay.grow(1);
                    if made.send(now).is_err() {
                        return;
                    }
                }
            });
        });
        (relay, times)
    }

    fn start(backlog: u64, with: impl FnOnce(Arc<Relay>) + Send + 'static) -> Self {
        let authority = Authority::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        authority.write_ca(&folder.path().join("root.pem")).unwrap();
        let frames = frames();
        let frame_len = frames.iter().map(Vec::len).sum::<usize>() / frames.len();
        let feed = Feed::Ring(Arc::new(Ring::new(frames, FIRST_SEQ).unwrap()));
        let settings = RelaySettings {
            tls: Some(authority.clone()),
            backlog,
            pace: Pace::STILL,
            ..RelaySettings::default()
        };
        let (running, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let relay = Arc::new(Relay::start(feed, settings).unwrap());
                let thread = fs::read_link("/proc/thread-self").unwrap();
                tell.send((relay.addr(), thread.display().to_string())).unwrap();
                with(Arc::clone(&relay));
                let _ = stopped.await;
            });
        });
        let (address, thread) = told.recv().unwrap();
        Self { address, frame_len, authority, folder, thread, _running: running }
    }

    /// The certificate that a client has to trust, in a file.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// TLS settings of a client that trusts it.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        let mut pem = Cursor::new(self.authority.ca_pem());
        roots.add(CertificateDer::from_pem_reader(&mut pem).unwrap()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// The CPU time of its thread.
    pub(crate) fn cpu(&self) -> Duration {
        scheduled(&format!("/proc/{}/schedstat", self.thread))
    }
}

/// Frames as relays send them: 5.4 KB on average, each a commit that creates one record.
fn frames() -> Vec<Vec<u8>> {
    let world = World::new(WorldSettings {
        frame_size: FrameSize::Mean(5_400),
        mix: Mix { foreign_percent: 0, ..Mix::creates_only() },
        ..WorldSettings::default()
    });
    (0..SLOTS).map(|index| world.frame_at(index)).collect()
}

/// The CPU time of a process: the sum over its threads.
pub(crate) fn process_cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.map(|thread| scheduled(&thread.unwrap().path().join("schedstat").display().to_string())).sum()
}

/// What the scheduler says that a thread has used, to the nanosecond; nothing for one that has ended.
fn scheduled(file: &str) -> Duration {
    let stat = fs::read_to_string(file).unwrap_or_default();
    Duration::from_nanos(stat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}
