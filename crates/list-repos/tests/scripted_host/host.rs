//! A host on loopback with a script, in a thread and a runtime of its own, so that a clock that is held in a test does
//! not hold it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::body::Incoming;
use hyper::header::{HOST, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::answers::{Answer, Pieces};

/// What a client asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// Which request of this host it is, from 1.
    pub(crate) number: usize,
    pub(crate) path: String,
    /// The query as it was sent.
    pub(crate) query: String,
    pub(crate) cursor: Option<String>,
    pub(crate) limit: usize,
    pub(crate) host: String,
    pub(crate) user_agent: String,
    /// Which connection it came on, from 1.
    pub(crate) connection: usize,
}

/// Longer than any test takes.
const TEST_WITHIN: Duration = Duration::from_mins(2);

type Script = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A host that answers by its script until it is dropped.
pub(crate) struct Host {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Asked>>>,
    arrivals: mpsc::UnboundedReceiver<Asked>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    pub(crate) fn new(script: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        Self::serving(None, Arc::new(script))
    }

    pub(crate) fn secure(
        tls: TlsAcceptor,
        script: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::serving(Some(tls), Arc::new(script))
    }

    fn serving(tls: Option<TlsAcceptor>, script: Arc<Script>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (arrived, arrivals) = mpsc::unbounded_channel();
        let log = Arc::<Mutex<Vec<Asked>>>::default();
        let service = Service { script, log: Arc::clone(&log), arrived };
        let thread = thread::spawn(move || {
            // In real time, since the clock of a test may be moved.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if timeout(TEST_WITHIN, service.serve(listener, tls, stopped)).await.is_err() {
                    println!("a test hangs");
                    std::process::abort();
                }
            });
        });
        Self { address, log, arrivals, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The host as an operator writes it.
    pub(crate) fn written(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// The cursors of all that was asked so far.
    pub(crate) fn cursors(&self) -> Vec<Option<String>> {
        self.asked().into_iter().map(|asked| asked.cursor).collect()
    }

    /// The next request that arrives.
    pub(crate) async fn arrival(&mut self) -> Asked {
        self.arrivals.recv().await.expect("the host is there")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the script panicked");
        }
    }
}

#[derive(Clone)]
struct Service {
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Asked>>>,
    arrived: mpsc::UnboundedSender<Asked>,
}

impl Service {
    async fn serve(
        self,
        listener: std::net::TcpListener,
        tls: Option<TlsAcceptor>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let listener = TcpListener::from_std(listener).unwrap();
        let mut connections = FuturesUnordered::new();
        let mut count = 0;
        loop {
            select! {
                _ = &mut stopped => return,
                accepted = listener.accept() => {
                    count += 1;
                    let (stream, _) = accepted.unwrap();
                    let (service, tls, connection) = (self.clone(), tls.clone(), count);
                    connections.push(async move {
                        match tls {
                            None => service.connection(stream, connection).await,
                            Some(tls) => {
                                if let Ok(stream) = tls.accept(stream).await {
                                    service.connection(stream, connection).await;
                                }
                            }
                        }
                    });
                }
                Some(()) = connections.next() => {}
            }
        }
    }

    async fn connection(&self, stream: impl AsyncRead + AsyncWrite + Unpin, connection: usize) {
        let service =
            service_fn(|request| std::future::ready(Ok::<_, Infallible>(self.answer(&request, connection))));
        // A client that goes away in the middle is none of the host's concern.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    fn answer(&self, request: &Request<Incoming>, connection: usize) -> Response<Pieces> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parameters: HashMap<_, _> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let mut asked = Asked {
            number: 0,
            path: request.uri().path().to_owned(),
            cursor: parameters.get("cursor").map(|cursor| decoded(cursor)),
            limit: parameters.get("limit").map_or(0, |limit| limit.parse().unwrap()),
            host: header(HOST).unwrap_or_default(),
            user_agent: header(USER_AGENT).unwrap_or_default(),
            query: query.clone(),
            connection,
        };
        {
            let mut log = self.log.lock().unwrap();
            asked.number = log.len() + 1;
            log.push(asked.clone());
        }
        let _ = self.arrived.send(asked.clone());
        (self.script)(&asked).into_response()
    }
}

/// The text behind a percent-encoded parameter.
fn decoded(parameter: &str) -> String {
    let mut bytes = parameter.bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(text).unwrap()
}
