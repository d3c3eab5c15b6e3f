use std::time::{Duration, SystemTime};

use standpipe_cursor::{Endpoint, Resume};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;

use crate::answer::Answer;
use crate::{Quoted, SubscriptionError, UserAgent};

/// How long the body of a refusal is waited for. It is only quoted, so it is not worth more.
const BODY_WITHIN: Duration = Duration::from_millis(500);

/// The request that opens a subscription.
///
/// The exchange is ours and not the websocket client's: that one refuses an echoed `xrpc.v0.cbor`, lets an extension
/// pass that was not offered, and keeps of a refusal's body only what came together with its head.
///
/// No subprotocol, no extension and no origin is offered: RFC 6455 section 4.1 with the least that it asks for.
#[derive(Debug)]
pub(crate) struct Request {
    text: String,
    key: String,
}

impl Request {
    pub(crate) fn new(
        user_agent: &UserAgent,
        endpoint: &Endpoint,
        nsid: &str,
        resume: Resume,
    ) -> Result<Self, SubscriptionError> {
        let is_nsid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
        if nsid.is_empty() || !nsid.bytes().all(is_nsid) {
            return Err(SubscriptionError::Nsid { nsid: Quoted::new(nsid.as_bytes()) });
        }
        let query = resume.parameter().map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let host = endpoint.name();
        let key = generate_key();
        let text = format!(
            "GET /xrpc/{nsid}{query} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {user_agent}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        );
        Ok(Self { text, key })
    }

    /// Sends the request, and returns what came after the answer's head: the first frames.
    ///
    /// Its deadline is the caller's. Not cancel-safe: the transport is of no further use.
    pub(crate) async fn send<T>(self, transport: &mut T) -> Result<Vec<u8>, SubscriptionError>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let broken = |source| SubscriptionError::Exchange { source };
        transport.write_all(self.text.as_bytes()).await.map_err(broken)?;
        transport.flush().await.map_err(broken)?;
        let mut received = Vec::with_capacity(4096);
        let answer = loop {
            if transport.read_buf(&mut received).await.map_err(broken)? == 0 {
                return Err(SubscriptionError::NoAnswer);
            }
            match Answer::parse(&received) {
                Ok(None) => {}
                Ok(Some(answer)) => break answer,
                Err(fault) => return Err(SubscriptionError::BadAnswer { fault }),
            }
        };
        if answer.is_refusal() {
            let quotable = answer.body_len_bytes.unwrap_or(usize::MAX).min(Quoted::MAX_BYTES + 1);
            let enough = answer.head_len_bytes + quotable;
            // A body that is late, cut or broken is quoted as far as it came.
            _ = timeout(BODY_WITHIN, read_to(transport, &mut received, enough)).await;
        }
        let rest = received.split_off(answer.head_len_bytes);
        answer.judge(&self.key, SystemTime::now(), &rest)?;
        Ok(rest)
    }
}

async fn read_to<T: AsyncRead + Unpin>(transport: &mut T, received: &mut Vec<u8>, enough: usize) {
    while received.len() < enough && matches!(transport.read_buf(received).await, Ok(1..)) {}
}

#[cfg(test)]
mod tests {
    use standpipe_cursor::Seq;

    use super::*;

    fn request(host: &str, nsid: &str, resume: Resume) -> Result<String, SubscriptionError> {
        let user_agent = UserAgent::with_contact("ops@example.com").unwrap();
        let request = Request::new(&user_agent, &host.parse().unwrap(), nsid, resume)?;
        Ok(request.text.replace(&request.key, "KEY"))
    }

    #[test]
    fn the_request_says_who_asks_for_what_from_where_and_offers_nothing_else() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!(
            "GET /xrpc/com.atproto.sync.subscribeRepos?cursor=42 HTTP/1.1\r\nHost: [::1]:2470\r\n\
             User-Agent: standpipe/{version} (+ops@example.com)\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: KEY\r\n\r\n"
        );
        let resume = Resume::After(Seq::new(42).unwrap());
        assert_eq!(request("ws://[::1]:2470", "com.atproto.sync.subscribeRepos", resume).unwrap(), expected);
    }

    #[test]
    fn i11_from_now_on_is_said_by_leaving_the_cursor_out_and_from_the_oldest_by_zero() {
        let line =
            |resume| request("bsky.network", "a.b.c", resume).unwrap().lines().next().unwrap().to_owned();
        assert_eq!(line(Resume::Live), "GET /xrpc/a.b.c HTTP/1.1");
        assert_eq!(line(Resume::Oldest), "GET /xrpc/a.b.c?cursor=0 HTTP/1.1");
    }

    #[test]
    fn a_method_that_is_no_nsid_cannot_smuggle_a_request() {
        for nsid in ["", "a b", "a\r\nX: y", "a?cursor=1", "a/b", "ä"] {
            assert_eq!(request("a.b", nsid, Resume::Live).unwrap_err().label(), "nsid", "{nsid:?}");
        }
    }
}
