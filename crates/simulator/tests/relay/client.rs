//! A client by tokio-tungstenite, whose every wait has an end.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use standpipe_simulator::{Feed, Mix, Relay, RelaySettings, World, WorldSettings};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("nothing came within 20 s")
}

pub(crate) fn world() -> World {
    let settings =
        WorldSettings { seed: 4711, mix: Mix::even(), first_seq: 1000, ..WorldSettings::default() };
    println!("seed {}", settings.seed);
    World::new(settings)
}

/// A relay with a hundred frames, seqs 1000 to 1099.
pub(crate) fn relay(settings: RelaySettings) -> Relay {
    Relay::start(Feed::World(world()), RelaySettings { backlog: 100, ..settings }).unwrap()
}

pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    pub(crate) async fn dial(relay: &Relay, query: &str) -> Result<Self, Error> {
        let url = format!("{}/xrpc/com.atproto.sync.subscribeRepos{query}", relay.url());
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("user-agent", "test/1".parse().unwrap());
        let config = WebSocketConfig::default().max_message_size(Some(5_000_000));
        let tcp = within(TcpStream::connect(relay.addr())).await.unwrap();
        let connect = tokio_tungstenite::client_async_with_config(request, tcp, Some(config));
        Ok(Self { socket: within(connect).await?.0 })
    }

    /// Connects with a cursor.
    pub(crate) async fn at(relay: &Relay, cursor: u64) -> Self {
        Self::dial(relay, &format!("?cursor={cursor}")).await.unwrap()
    }

    /// The next message as it is; pings and pongs too. `None` at the end of the connection.
    pub(crate) async fn raw(&mut self) -> Option<Result<Message, Error>> {
        within(self.socket.next()).await
    }

    /// The payload of the next message, which has to be a binary one.
    pub(crate) async fn frame(&mut self) -> Vec<u8> {
        match self.raw().await {
            Some(Ok(Message::Binary(frame))) => frame.to_vec(),
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// Expects the world's frames with these numbers, byte for byte.
    pub(crate) async fn expect(&mut self, indexes: impl IntoIterator<Item = u64>) {
        let world = world();
        for index in indexes {
            assert_eq!(self.frame().await, world.frame_at(index), "frame {index}");
        }
    }

    /// The close code and reason of the next message, which has to be a close frame.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        match self.raw().await {
            Some(Ok(Message::Close(Some(close)))) => (close.code.into(), close.reason.to_string()),
            other => panic!("not a close frame: {other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, message: Message) {
        within(self.socket.send(message)).await.unwrap();
    }

    pub(crate) async fn close(&mut self) {
        within(self.socket.close(None)).await.unwrap();
    }
}
