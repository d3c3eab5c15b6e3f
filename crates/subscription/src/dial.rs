use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use standpipe_cursor::Endpoint;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

use crate::error::Phase;
use crate::race::race;
use crate::{Settings, SubscriptionError, Tls, Transport};

/// How long one address is tried before the next one is tried beside it (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The one deadline for everything that happens before the first message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectDeadline {
    within: Duration,
    began: Instant,
}

impl ConnectDeadline {
    /// Begins now.
    pub(crate) fn begin(settings: &Settings) -> Self {
        Self { within: settings.deadlines.connect, began: Instant::now() }
    }

    /// Runs one phase, at most until the deadline.
    pub(crate) async fn hold<O>(
        self,
        phase: Phase,
        work: impl Future<Output = Result<O, SubscriptionError>>,
    ) -> Result<O, SubscriptionError> {
        let overdue = |_| SubscriptionError::Overdue { phase, within: self.within };
        timeout(self.within.saturating_sub(self.began.elapsed()), work).await.map_err(overdue)?
    }
}

/// Opens a connection to the host: name, TCP and, unless it was written without, TLS.
pub(crate) async fn dial(
    tls: &Tls,
    endpoint: &Endpoint,
    permits: Permits,
    deadline: ConnectDeadline,
) -> Result<Transport, SubscriptionError> {
    let addresses = deadline.hold(Phase::Resolve, resolve(endpoint, permits)).await?;
    let stream = deadline.hold(Phase::Dial, reach_one(endpoint, addresses)).await?;
    if !endpoint.is_tls() {
        return Ok(stream.into());
    }
    let host = endpoint.host();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| SubscriptionError::ServerName { host: host.to_owned() })?;
    let secured = async {
        let failed = |source| SubscriptionError::Tls { host: host.to_owned(), source };
        tls.connector().connect(name, stream).await.map_err(failed)
    };
    Ok(deadline.hold(Phase::Tls, secured).await?.into())
}

/// Says which addresses may be dialled.
pub type Permits = fn(IpAddr) -> bool;

/// For hosts that an operator wrote: any.
pub(crate) const ANY: Permits = |_| true;

/// The host's addresses that are permitted, in the order in which to try them.
async fn resolve(endpoint: &Endpoint, permits: Permits) -> Result<Vec<SocketAddr>, SubscriptionError> {
    let (host, port) = (endpoint.host(), endpoint.port());
    let found = if let Ok(address) = host.parse::<IpAddr>() {
        vec![SocketAddr::new(address, port)]
    } else {
        let found = lookup_host((host, port)).await;
        alternate(found.map_err(|source| SubscriptionError::Resolve { host: host.to_owned(), source })?)
    };
    let (permitted, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|address| permits(address.ip()));
    match (permitted.is_empty(), others.first()) {
        (true, Some(first)) => {
            Err(SubscriptionError::Forbidden { host: host.to_owned(), address: first.ip() })
        }
        _ => Ok(permitted),
    }
}

/// Takes turns between IPv6 and IPv4, beginning with the family that the resolver put first (RFC 8305 section 4).
fn alternate(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut found = found.peekable();
    let v6_first = found.peek().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = found.partition(|address| address.is_ipv6() == v6_first);
    let mut alternating = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let turn = [first.next(), second.next()];
        if turn == [None, None] {
            return alternating;
        }
        alternating.extend(turn.into_iter().flatten());
    }
}

/// Connects to the host and closes the connection again, as a look whether it is there; answers which address took it.
///
/// It has no deadline of its own. Cancel-safe: what was opened is closed.
///
/// # Errors
///
/// [`SubscriptionError`]: the host has no address, or none that accepts.
pub async fn reach(endpoint: &Endpoint) -> Result<SocketAddr, SubscriptionError> {
    reach_where(endpoint, ANY).await
}

/// As [`reach`], at addresses that are permitted only.
///
/// # Errors
///
/// [`SubscriptionError`], also where no address is permitted.
pub async fn reach_where(endpoint: &Endpoint, permits: Permits) -> Result<SocketAddr, SubscriptionError> {
    let stream = reach_one(endpoint, resolve(endpoint, permits).await?).await?;
    stream.peer_addr().map_err(|source| SubscriptionError::Broken { in_message: false, source })
}

/// A TCP connection to the first of the host's addresses that answers.
async fn reach_one(endpoint: &Endpoint, addresses: Vec<SocketAddr>) -> Result<TcpStream, SubscriptionError> {
    let tried = addresses.len();
    let attempts = addresses.into_iter().map(|address| async move {
        let connected = TcpStream::connect(address).await.and_then(tuned);
        connected.map_err(|source| {
            tracing::debug!(%address, error = %source, "address not reached");
            SubscriptionError::Dial { tried, address, source }
        })
    });
    let no_address = || SubscriptionError::NoAddress { host: endpoint.host().to_owned() };
    race(attempts, STAGGER).await.ok_or_else(no_address)?
}

/// Small writes (pings, pongs) leave at once, and the kernel notices a peer that is gone even while nobody reads.
fn tuned(stream: TcpStream) -> io::Result<TcpStream> {
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_secs(15))
        .with_retries(4);
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    fn host() -> Endpoint {
        "relay.example".parse().unwrap()
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns_and_the_resolvers_favourite_begins() {
        let check = |found: &[&str], order: &[&str]| {
            assert_eq!(alternate(addresses(found).into_iter()), addresses(order));
        };
        let (a6, b6, c6) = ("[::a]:1", "[::b]:1", "[::c]:1");
        let (a4, b4) = ("10.0.0.1:1", "10.0.0.2:1");
        check(&[a6, b6, c6, a4, b4], &[a6, a4, b6, b4, c6]);
        check(&[a4, b4, a6], &[a4, a6, b4]);
        check(&[a4], &[a4]);
        check(&[], &[]);
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_us_from_the_other_family() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let v4 = listener.local_addr().unwrap();
        let v6 = SocketAddr::new("::1".parse().unwrap(), v4.port());
        let stream = reach_one(&host(), vec![v6, v4]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), v4);
        assert!(stream.nodelay().unwrap());
        assert!(SockRef::from(&stream).keepalive().unwrap());
    }

    /// A listener that accepts nothing and whose queue is full, so that further attempts get no answer at all; and
    /// what fills the queue. `None` where the platform cannot be brought to it.
    async fn black_hole() -> Option<(SocketAddr, (TcpListener, Vec<TcpStream>))> {
        let socket = TcpSocket::new_v6().ok()?;
        socket.bind("[::1]:0".parse().unwrap()).ok()?;
        let listener = socket.listen(1).ok()?;
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        while queued.len() < 64 {
            match timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
                Ok(stream) => queued.push(stream.ok()?),
                Err(_) => return Some((address, (listener, queued))),
            }
        }
        println!("skipped: no black hole to be had on this machine");
        None
    }

    #[tokio::test]
    async fn i10_a_black_holed_address_does_not_keep_us_from_the_other_family() {
        let Some((black_hole, _held)) = black_hole().await else { return };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let v4 = listener.local_addr().unwrap();
        let began = Instant::now();
        let stream = reach_one(&host(), vec![black_hole, v4]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), v4);
        assert!(began.elapsed() >= STAGGER);
    }

    #[tokio::test]
    async fn i10_a_host_that_is_a_black_hole_is_overdue() {
        let Some((black_hole, _held)) = black_hole().await else { return };
        let within = Duration::from_millis(100);
        let deadline = ConnectDeadline { within, began: Instant::now() };
        let endpoint = format!("ws://{black_hole}").parse().unwrap();
        let tls = Tls::with_roots_in("/dev/null".as_ref());
        let error = dial(&tls, &endpoint, ANY, deadline).await.unwrap_err();
        assert_eq!(
            (error.label(), error.to_string().as_str()),
            ("overdue_dial", "reach the host within 100ms")
        );
    }

    #[tokio::test]
    async fn what_is_not_permitted_is_not_dialled() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            let endpoint = format!("ws://{host}:{port}").parse().unwrap();
            let error = reach_where(&endpoint, |address| !address.is_loopback()).await.unwrap_err();
            assert_eq!(error.label(), "forbidden", "{host}");
            assert!(error.to_string().contains("no public address"), "{error}");
            reach_where(&endpoint, |address| address.is_loopback()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn when_no_address_answers_the_last_one_is_named() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let bound_but_deaf = socket.local_addr().unwrap();
        let error = reach_one(&host(), vec![bound_but_deaf, bound_but_deaf]).await.unwrap_err();
        assert_eq!(error.to_string(), format!("reach {bound_but_deaf}, the last of 2 addresses"));
        assert_eq!(error.label(), "dial");
    }

    #[tokio::test]
    async fn a_host_without_an_address_is_named() {
        let error = reach_one(&host(), Vec::new()).await.unwrap_err();
        assert_eq!(error.to_string(), "resolve relay.example: it has no address");
    }
}
