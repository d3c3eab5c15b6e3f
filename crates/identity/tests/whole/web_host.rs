//! A web host on loopback with a script, in threads of its own, so that a clock that is held in a test does not hold it.

use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::FutureExt;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use standpipe_identity::{Bounds, Resolver, Settings, WebReach};
use tokio::sync::mpsc;
use tokio::time::{advance, pause, resume};

/// What a host says to a request.
#[derive(Clone)]
pub(crate) enum Reply {
    Whole {
        status: u16,
        headers: String,
        body: Vec<u8>,
    },
    /// This again and again.
    Endless(Vec<u8>),
    /// Nothing, until the client leaves.
    Silent,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200, "", body)
    }

    /// With header lines, each ended by CR and LF.
    pub(crate) fn status(status: u16, headers: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::Whole { status, headers: headers.to_owned(), body: body.into() }
    }
}

/// A host that answers by its script until it is dropped.
pub(crate) struct WebHost {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    pub(crate) arrivals: mpsc::UnboundedReceiver<String>,
    is_closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl WebHost {
    /// The script sees the path, and how many were asked for it before.
    pub(crate) fn new(script: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(move |_, path, before| script(path, before))
    }

    /// The script sees the host's port, and the path.
    pub(crate) fn telling_port(script: impl Fn(u16, &str) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(move |port, path, _| script(port, path))
    }

    fn serving(script: impl Fn(u16, &str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let is_closing = Arc::new(AtomicBool::new(false));
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let (log, closing, script) = (Arc::clone(&requests), Arc::clone(&is_closing), Arc::new(script));
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let (log, arrived, script) = (Arc::clone(&log), arrived.clone(), Arc::clone(&script));
                thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read_request(&mut stream) else { return };
                    let path = request.split(' ').nth(1).unwrap().to_owned();
                    let before = {
                        let mut log = log.lock().unwrap();
                        log.push(request);
                        log.iter().filter(|request| request.split(' ').nth(1) == Some(&path)).count() - 1
                    };
                    let _ = arrived.send(path.clone());
                    // A client that goes away in the middle is none of the host's concern.
                    let _ = answer(&mut stream, script(address.port(), &path, before));
                });
            }
        });
        Self { address, requests, arrivals, is_closing, thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// As an operator writes it.
    pub(crate) fn written(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far, with their headers.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn settings(&self, bounds: Bounds) -> Settings {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        Settings {
            user_agent: "standpipe/test (+ops@example.com)".to_owned(),
            tls: Arc::new(tls),
            directory: self.written().parse().unwrap(),
            web: WebReach::PrivateNetwork,
            bounds,
        }
    }

    /// A resolver with this host as its directory, and no distance between its lookups.
    pub(crate) fn resolver(&self, bounds: Bounds) -> Resolver {
        Resolver::new(&self.settings(Bounds { directory_every: Duration::ZERO, ..bounds })).unwrap()
    }
}

impl Drop for WebHost {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok() || thread::panicking(), "the host panicked");
        }
    }
}

fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    Some(String::from_utf8(request).unwrap())
}

fn answer(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Whole { status, headers, body } => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body)
        }
        Reply::Endless(piece) => {
            stream.write_all(b"HTTP/1.1 200 X\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&piece)?;
            }
        }
        Reply::Silent => {
            while stream.read(&mut [0; 64])? > 0 {}
            Ok(())
        }
    }
}

/// Moves the clock on.
pub(crate) async fn pass(wait: Duration) {
    pause();
    advance(wait).await;
    resume();
}

/// Looks at a future once.
pub(crate) async fn look<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(future.poll_unpin(context))).await
}
