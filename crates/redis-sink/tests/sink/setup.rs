//! A server, a faulty network before it, sinks, and an observer that remembers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorKey, Seq};
use standpipe_oracle::{Proxy, RedisOptions, RedisServer, Reply, RigError};
use standpipe_pipeline::{Ack, Acquire, Acquired, Backpressure, Observation, Observer, OpenBatch, Sink};
use standpipe_redis_sink::{Deadlines, RedisAddress, RedisError, RedisSettings, RedisSinks, RedisWriter};
use tokio::sync::watch;
use tokio::time::timeout;

/// The longest that anything in these tests may take.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) const STREAM: &str = "firehose_live";
pub(crate) const CURSOR: &str = "firehose_live:cursor:relay.example";
pub(crate) const FENCE: &str = "firehose_live:fence:relay.example";

pub(crate) struct World {
    pub(crate) server: RedisServer,
    pub(crate) proxy: Proxy,
    pub(crate) sinks: RedisSinks,
    pub(crate) told: Arc<Told>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(RedisOptions::default(), |settings| settings).await
    }

    pub(crate) async fn with(
        options: RedisOptions,
        change: impl FnOnce(RedisSettings) -> RedisSettings,
    ) -> Self {
        Self::start(options, change).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A world where the server can be set up so.
    pub(crate) async fn start(
        options: RedisOptions,
        change: impl FnOnce(RedisSettings) -> RedisSettings,
    ) -> Result<Self, RigError> {
        let server = RedisServer::start(options).await?;
        let proxy = Proxy::start(server.address()).await.unwrap();
        let told = Arc::new(Told::default());
        let sinks = RedisSinks::new(change(settings(proxy.address())));
        let sinks = sinks.observed_by(Arc::clone(&told) as Arc<dyn Observer>);
        Ok(Self { server, proxy, sinks, told })
    }

    pub(crate) async fn acquire(&self) -> Acquired<RedisWriter> {
        soon(self.sinks.acquire(&key())).await.unwrap()
    }

    pub(crate) async fn writer(&self) -> RedisWriter {
        self.acquire().await.sink
    }

    pub(crate) async fn run(&self, words: &[&str]) -> Reply {
        let reply = self.server.command(words).await.unwrap();
        assert!(!reply.is_error(), "{words:?}: {reply:?}");
        reply
    }

    /// All entries' payloads, in the stream's order.
    pub(crate) async fn entries(&self) -> Vec<String> {
        let entries = self.run(&["XRANGE", STREAM, "-", "+"]).await;
        let payload = |entry: &Reply| {
            let fields = entry.items()[1].items();
            assert_eq!((fields.len(), fields[0].text()), (2, Some("event")));
            fields[1].text().unwrap().to_owned()
        };
        entries.items().iter().map(payload).collect()
    }

    pub(crate) async fn cursor(&self) -> Option<String> {
        self.run(&["GET", CURSOR]).await.text().map(str::to_owned)
    }
}

/// Settings with deadlines that suit a server on loopback.
pub(crate) fn settings(address: SocketAddr) -> RedisSettings {
    let address: RedisAddress = format!("redis://{address}").parse().unwrap();
    let mut settings = RedisSettings::new(address, STREAM, "event");
    settings.deadlines = Deadlines { connect: Duration::from_millis(500), command: Duration::from_secs(2) };
    settings
}

pub(crate) fn key() -> CursorKey {
    key_of("relay.example")
}

pub(crate) fn key_of(host: &str) -> CursorKey {
    CursorKey::new(STREAM, &host.parse().unwrap())
}

pub(crate) fn seq(number: u64) -> Cursor {
    Seq::new(number).unwrap().into()
}

/// Fails instead of hanging.
pub(crate) async fn soon<T>(work: impl Future<Output = T>) -> T {
    timeout(DEADLINE, work).await.expect("this ends in time")
}

/// A batch: the cursor that it follows (0: none), the one that it reaches, and its entries.
pub(crate) type Given<'g> = (u64, u64, &'g [&'g str]);

/// Delivers one batch to the writer.
pub(crate) async fn deliver(writer: &mut RedisWriter, batch: Given<'_>) -> Result<Ack, RedisError> {
    soon(deliver_patiently(writer, batch)).await
}

/// The same, for as long as it takes.
pub(crate) async fn deliver_patiently(
    writer: &mut RedisWriter,
    (from, through, entries): Given<'_>,
) -> Result<Ack, RedisError> {
    let mut open = OpenBatch::following(Seq::new(from).map(Cursor::from));
    for entry in entries {
        let written: Result<(), Infallible> = open.append("create", |buffer| {
            buffer.extend_from_slice(entry.as_bytes());
            Ok(())
        });
        let Ok(()) = written;
    }
    open.close_frame(Seq::new(through).unwrap(), 1, "");
    writer.deliver(&open.seal(None).unwrap()).await
}

/// Remembers every state that was told, in words.
#[derive(Default)]
pub(crate) struct Told(watch::Sender<Vec<String>>);

impl Told {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits until a state that begins so has been told.
    pub(crate) async fn until(&self, beginning: &str) -> String {
        let mut states = self.0.subscribe();
        let find = |states: &Vec<String>| states.iter().find(|state| state.starts_with(beginning)).cloned();
        let told = timeout(DEADLINE, states.wait_for(|states| find(states).is_some())).await;
        let told = told.unwrap_or_else(|_| panic!("{beginning:?} was never told: {:?}", self.all())).unwrap();
        find(&told).unwrap()
    }
}

impl Observer for Told {
    fn observe(&self, observation: Observation<'_>) {
        let Observation::Backpressure(state) = observation else { return };
        let words = match state {
            Backpressure::Flowing => "flowing".to_owned(),
            Backpressure::Full { backlog } => format!("full {backlog}"),
            Backpressure::Unavailable { cause } => format!("unavailable: {cause}"),
        };
        self.0.send_modify(|states| states.push(words));
    }
}
