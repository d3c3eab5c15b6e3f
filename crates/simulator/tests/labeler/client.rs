//! Clients whose every wait has an end.

use std::time::Duration;

use futures_util::StreamExt as _;
use standpipe_simulator::Relay;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error, Message};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("nothing came within 20 s")
}

/// What came back over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// How many bytes the body was to have.
    pub(crate) fn promised(&self) -> usize {
        let line = self.head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        line.unwrap().parse().unwrap()
    }
}

/// An HTTP client that keeps its connection.
pub(crate) struct Web(TcpStream);

impl Web {
    pub(crate) async fn at(url: &str) -> Self {
        Self(within(TcpStream::connect(url.strip_prefix("http://").unwrap())).await.unwrap())
    }

    pub(crate) async fn ask(&mut self, path: &str) {
        let host = self.0.peer_addr().unwrap();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: test/1\r\n\r\n", host.port());
        within(self.0.write_all(request.as_bytes())).await.unwrap();
    }

    /// The next answer, as far as it goes; an error where there is none.
    pub(crate) async fn answer(&mut self) -> std::io::Result<Answer> {
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                let body = bytes[end + 4..].to_vec();
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let mut answer = Answer { status, head, body };
                while answer.body.len() < answer.promised() {
                    if within(self.0.read_buf(&mut answer.body)).await? == 0 {
                        break;
                    }
                }
                return Ok(answer);
            }
            if within(self.0.read_buf(&mut bytes)).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.ask(path).await;
        self.answer().await.unwrap()
    }
}

/// Asks once, on a connection of its own.
pub(crate) async fn get(url: &str, path: &str) -> Answer {
    Web::at(url).await.get(path).await
}

/// A client of a labeler.
pub(crate) struct Subscriber(WebSocketStream<TcpStream>);

impl Subscriber {
    pub(crate) async fn dial(host: &Relay, cursor: u64) -> Result<Self, Error> {
        let url = format!("{}/xrpc/com.atproto.label.subscribeLabels?cursor={cursor}", host.url());
        let tcp = within(TcpStream::connect(host.addr())).await?;
        Ok(Self(within(tokio_tungstenite::client_async(url, tcp)).await?.0))
    }

    /// The next message; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, Error>> {
        within(self.0.next()).await
    }

    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        self.next().await.unwrap().unwrap().into_data().to_vec()
    }
}
