//! A scripted host: it answers the upgrade by hand and writes websocket frames byte by byte, so that nothing that
//! the client under test does wrong can be made up for by the same code on the other side.

use std::io;

use standpipe_cursor::Resume;
use standpipe_pipeline::{RawMessage, Silent, Source};
use standpipe_subscription::{Deadlines, Settings, Subscription, SubscriptionError, Tls, UserAgent};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub(crate) const NSID: &str = "com.atproto.sync.subscribeRepos";

pub(crate) const BINARY: u8 = 0x82;
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// What a test over memory has in its pipe in each direction, in bytes.
const PIPE_BYTES: usize = 64 * 1024;

pub(crate) fn settings(deadlines: Deadlines) -> Settings {
    let nobody = Tls::with_roots_in("/dev/null".as_ref());
    Settings { user_agent: UserAgent::with_contact("ops@example.com").unwrap(), tls: nobody, deadlines }
}

/// Both ends of an established subscription, over memory, so that paused time is exact.
pub(crate) async fn established(deadlines: Deadlines) -> (Host<DuplexStream>, Subscription<DuplexStream>) {
    established_with(deadlines, "", PIPE_BYTES).await
}

/// As [`established`], with further headers in the answer and so many bytes between the two.
pub(crate) async fn established_with(
    deadlines: Deadlines,
    headers: &str,
    pipe_bytes: usize,
) -> (Host<DuplexStream>, Subscription<DuplexStream>) {
    let (host, client) = duplex(pipe_bytes);
    let mut host = Host::new(host);
    let (_, subscription) = tokio::join!(host.accept(headers), subscribe(client, deadlines));
    (host, subscription.unwrap())
}

/// Subscribes over a transport.
pub(crate) async fn subscribe<T: AsyncRead + AsyncWrite + Send + Unpin>(
    transport: T,
    deadlines: Deadlines,
) -> Result<Subscription<T>, SubscriptionError> {
    let endpoint = "ws://relay.example".parse().unwrap();
    Subscription::over(transport, &settings(deadlines), &endpoint, NSID, Resume::Live, &Silent::shared())
        .await
}

/// Answers the upgrade with these bytes, and says what became of the subscription.
pub(crate) async fn answered(answer: &[u8]) -> SubscriptionError {
    let (host, client) = duplex(PIPE_BYTES);
    let mut host = Host::new(host);
    let script = async {
        host.request().await;
        host.write(answer).await;
    };
    let ((), subscription) = tokio::join!(script, subscribe(client, Deadlines::repos()));
    subscription.expect_err("no upgrade")
}

/// The next message, which is binary.
pub(crate) async fn message<T>(subscription: &mut Subscription<T>) -> Vec<u8>
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    match raw_message(subscription).await {
        RawMessage::Binary(bytes) => bytes.to_vec(),
        RawMessage::Text(text) => panic!("{text:?} came as text"),
    }
}

/// The next message.
pub(crate) async fn raw_message<T>(subscription: &mut Subscription<T>) -> RawMessage
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    subscription.next().await.expect("a message").expect("a subscription has no last message")
}

/// Why there is no next message.
pub(crate) async fn ending(subscription: &mut Subscription<DuplexStream>) -> SubscriptionError {
    subscription.next().await.expect_err("the subscription is over")
}

/// The host's end of a connection.
pub(crate) struct Host<T> {
    pub(crate) transport: T,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Host<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self { transport }
    }

    /// Reads the request's head.
    pub(crate) async fn request(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.transport.read_u8().await.expect("a request"));
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads the request and switches to websocket, with further headers. Returns the request.
    pub(crate) async fn accept(&mut self, headers: &str) -> String {
        let request = self.request().await;
        self.write(switch(&request, headers).as_bytes()).await;
        request
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.transport.write_all(bytes).await.unwrap();
        self.transport.flush().await.unwrap();
    }

    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.write(&frame(first, payload)).await;
    }

    /// Reads one frame of the client: its first byte and its payload, unmasked.
    pub(crate) async fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let first = self.transport.read_u8().await?;
        let second = self.transport.read_u8().await?;
        assert_eq!(second & 0x80, 0x80, "a client masks its frames");
        let len = usize::from(second & 0x7f);
        assert!(len < 126, "a client of ours sends nothing long");
        let mut mask = [0; 4];
        self.transport.read_exact(&mut mask).await?;
        let mut payload = vec![0; len];
        self.transport.read_exact(&mut payload).await?;
        let unmasked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        Ok((first, unmasked))
    }

    /// Answers pings, for ever.
    pub(crate) async fn answer_pings(&mut self) {
        loop {
            let (first, payload) = self.receive().await.expect("the client is there");
            assert_eq!(first, PING);
            self.send(PONG, &payload).await;
        }
    }
}

/// The answer that switches to websocket.
pub(crate) fn switch(request: &str, headers: &str) -> String {
    let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
}

/// A frame of a server, whose length says what its payload has.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// A frame's header with whatever length.
pub(crate) fn header(first: u8, len: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    if let Ok(len @ 0..126) = u8::try_from(len) {
        bytes.push(len);
    } else if let Ok(len) = u16::try_from(len) {
        bytes.push(126);
        bytes.extend(len.to_be_bytes());
    } else {
        bytes.push(127);
        bytes.extend(len.to_be_bytes());
    }
    bytes
}
