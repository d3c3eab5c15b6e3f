use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::net::http::{self, Request};
use crate::net::listener::Stream;

/// How long a connection may wait for its next request.
const IDLE: Duration = Duration::from_mins(1);

/// Whether a connection goes on after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    Broken,
}

/// How an answer breaks off.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum BreakOff {
    /// The connection ends in order.
    Cut,
    /// Nothing more comes until the client leaves.
    Stall,
}

/// The next request on a connection; `None`: the client is gone, or takes too long.
///
/// Not cancel-safe: what was read is lost.
pub(crate) async fn next_request(stream: &mut Stream) -> Option<Request> {
    Some(timeout(IDLE, http::read_request(stream)).await.ok()?.ok()?.0)
}

/// An answer to a request over HTTP, before anything goes wrong with it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![header("Content-Type", "application/json; charset=utf-8")];
        Self { status, headers, body: body.into() }
    }

    /// An XRPC error.
    pub(crate) fn error(status: u16, error: &str, message: &str) -> Self {
        Self::json(status, serde_json::json!({ "error": error, "message": message }).to_string())
    }

    /// 302 to the same path and query elsewhere; `to` is scheme and authority.
    pub(crate) fn redirect(to: &str, request: &Request) -> Self {
        let question = if request.query.is_empty() { "" } else { "?" };
        let location = format!("{to}{}{question}{}", request.path, request.query);
        Self { status: 302, headers: vec![header("Location", location)], body: Vec::new() }
    }

    /// Sends it; the connection stays open.
    pub(crate) async fn send(&self, stream: &mut Stream) -> io::Result<()> {
        stream.write_all(&self.to_bytes()).await?;
        stream.flush().await
    }

    /// Sends the head and half of the body, and ends the connection one way or the other.
    pub(crate) async fn break_off(&self, stream: &mut Stream, how: BreakOff) -> io::Result<Outcome> {
        let response = self.to_bytes();
        let half = response.len() - self.body.len().div_ceil(2);
        stream.write_all(response.get(..half).unwrap_or_default()).await?;
        stream.flush().await?;
        if how == BreakOff::Stall {
            stream.stall(None).await?;
        }
        stream.hang_up().await;
        Ok(Outcome::Broken)
    }

    fn to_bytes(&self) -> Vec<u8> {
        http::lasting_response(self.status, &self.headers, &self.body)
    }
}

pub(crate) fn header(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}
