use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use fred::clients::Client;
use fred::error::{Error as ClientError, ErrorKind};
use fred::interfaces::ClientLike;
use fred::types::config::{
    Config, ConnectionConfig, PerformanceConfig, ServerConfig, TcpConfig, TlsConfig, TlsConnector,
};
use fred::types::{ClusterHash, ConnectHandle, CustomCommand, Value};
use rustls::ClientConfig;
use socket2::TcpKeepalive;
use tokio::select;
use tokio::time::timeout;

use crate::outage::{Outage, Setback, is_refusal, setback};
use crate::{Deadlines, RedisSettings};

/// One connection to one server. The only place that knows the client library.
///
/// The library is used as a transport that may die: it never connects again by itself and never sends a command
/// twice. Whatever goes wrong ends the link, and its owner opens another.
#[derive(Debug)]
pub(crate) struct Link {
    client: Client,
    router: Router,
    deadlines: Deadlines,
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Nil,
    Integer(i64),
    Bytes(Bytes),
    Array(Vec<Reply>),
}

impl Link {
    /// Connects and logs in, within the deadlines.
    ///
    /// Cancel-safe: a cancelled call leaves no connection behind.
    pub(crate) async fn open(
        settings: &RedisSettings,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Setback> {
        let deadlines = settings.deadlines;
        let client = Client::new(
            configuration(settings, tls),
            Some(PerformanceConfig { default_command_timeout: deadlines.command, ..Default::default() }),
            Some(connection(deadlines)),
            None,
        );
        let attempt = client.clone();
        let mut connected = pin!(attempt.wait_for_connect());
        // Its first poll subscribes, so that the outcome of the attempt that begins after it is not missed.
        let early = poll_fn(|context| Poll::Ready(connected.as_mut().poll(context))).await;
        let mut router = Router(client.connect());
        let unreachable = |source| Outage::Unreachable { address: settings.address.to_string(), source };
        let outcome = match early {
            Poll::Ready(outcome) => outcome,
            // Name lookup, connecting and login, each with the library's own deadline as well.
            Poll::Pending => timeout(deadlines.connect * 3, async {
                select! {
                    biased;
                    outcome = &mut connected => outcome,
                    ended = &mut router.0 => Err(ended_error(ended)),
                }
            })
            .await
            .map_err(|elapsed| unreachable(elapsed.into()))?,
        };
        match outcome {
            Ok(()) => Ok(Self { client, router, deadlines }),
            Err(error) if is_reply(&error) => Err(setback("AUTH", error.details())),
            Err(error) => Err(unreachable(error.into()).into()),
        }
    }

    /// Sends one command and waits for its reply. After an [`Outage`] that breaks the link, it must not be used again.
    ///
    /// Not cancel-safe: the command of a cancelled call may still be carried out, and the link must not be used again.
    pub(crate) async fn command(&mut self, name: &'static str, words: Vec<Bytes>) -> Result<Reply, Setback> {
        let command = CustomCommand::new_static(name, ClusterHash::FirstKey, false);
        // The library's future is several kilobytes large, and would be copied into each that awaits this one.
        let mut sent = Box::pin(self.client.custom::<Value, Bytes>(command, words));
        let reply = timeout(self.deadlines.command, async {
            select! {
                biased;
                reply = &mut sent => reply,
                ended = &mut self.router.0 => Err(ended_error(ended)),
            }
        });
        let silent = || Outage::Silent { command: name, after: self.deadlines.command };
        match reply.await {
            Ok(Ok(value)) => Reply::new(value).ok_or_else(|| Outage::Odd { command: name }.into()),
            Ok(Err(error)) if is_reply(&error) => Err(setback(name, error.details())),
            Ok(Err(error)) if *error.kind() == ErrorKind::Timeout => Err(silent().into()),
            Ok(Err(error)) => Err(Outage::Lost { command: name, source: error.into() }.into()),
            Err(_) => Err(silent().into()),
        }
    }

    /// Whether the connection has ended already.
    pub(crate) fn is_dead(&self) -> bool {
        self.router.0.is_finished()
    }
}

/// The library's task of one connection, which ends with this.
#[derive(Debug)]
struct Router(ConnectHandle);

impl Drop for Router {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn ended_error(ended: Result<Result<(), ClientError>, tokio::task::JoinError>) -> ClientError {
    match ended {
        Ok(Err(error)) => error,
        Ok(Ok(())) | Err(_) => ClientError::new(ErrorKind::IO, "connection closed"),
    }
}

/// Refusals of the server come as errors of several kinds, with the server's words.
fn is_reply(error: &ClientError) -> bool {
    let kind_of_replies = match error.kind() {
        ErrorKind::Unknown
        | ErrorKind::Auth
        | ErrorKind::Cluster
        | ErrorKind::Config
        | ErrorKind::InvalidArgument
        | ErrorKind::InvalidCommand => true,
        ErrorKind::Routing
        | ErrorKind::IO
        | ErrorKind::Url
        | ErrorKind::Protocol
        | ErrorKind::Tls
        | ErrorKind::Canceled
        | ErrorKind::Timeout
        | ErrorKind::Parse
        | ErrorKind::Sentinel
        | ErrorKind::NotFound
        | ErrorKind::Backpressure => false,
    };
    kind_of_replies && is_refusal(error.details())
}

fn configuration(settings: &RedisSettings, tls: Option<&Arc<ClientConfig>>) -> Config {
    let address = &settings.address;
    let tls = tls.filter(|_| address.tls).map(|config| {
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(config));
        TlsConfig::from(TlsConnector::Rustls(connector))
    });
    Config {
        fail_fast: true,
        username: address.user.clone(),
        password: address.password.as_ref().map(|password| password.reveal().to_owned()),
        server: ServerConfig::new_centralized(address.host.clone(), address.port),
        database: (address.database > 0).then_some(address.database),
        tls,
        ..Config::default()
    }
}

/// Measured: docs/decisions/0003-which-redis-client.md says why each is as it is.
fn connection(deadlines: Deadlines) -> ConnectionConfig {
    ConnectionConfig {
        connection_timeout: deadlines.connect,
        internal_command_timeout: deadlines.connect,
        max_command_attempts: 1,
        max_redirections: 0,
        max_command_buffer_len: 0,
        reconnect_on_auth_error: true,
        tcp: TcpConfig {
            nodelay: Some(true),
            keepalive: Some(
                TcpKeepalive::new()
                    .with_time(Duration::from_secs(10))
                    .with_interval(Duration::from_secs(3))
                    .with_retries(3),
            ),
            #[cfg(target_os = "linux")]
            user_timeout: Some(Duration::from_secs(5)),
            ..TcpConfig::default()
        },
        ..ConnectionConfig::default()
    }
}

impl Reply {
    fn new(value: Value) -> Option<Self> {
        Some(match value {
            Value::Null => Self::Nil,
            Value::Integer(number) => Self::Integer(number),
            Value::String(text) => Self::Bytes(text.into_inner()),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::new).collect::<Option<_>>()?),
            Value::Boolean(_) | Value::Double(_) | Value::Queued | Value::Map(_) => return None,
        })
    }

    /// The number, where it is one that is not negative.
    pub(crate) fn count(&self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(*number).ok(),
            Self::Nil | Self::Bytes(_) | Self::Array(_) => None,
        }
    }

    /// The text, where it is one in UTF-8.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Nil | Self::Integer(_) | Self::Array(_) => None,
        }
    }
}
