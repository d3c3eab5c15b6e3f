use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::RigError;

/// The longest that a check waits for a fault to fire.
const DEADLINE: Duration = Duration::from_secs(30);

/// How a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// With a reset: what was on its way is lost.
    Reset,
    /// In good order: what was forwarded arrives, then the end.
    Fin,
}

/// How often each fault fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fired {
    /// Connections accepted and forwarded.
    pub connections: u64,
    /// Connections cut by [`Proxy::cut`].
    pub cut: u64,
    /// Pieces held back by [`Proxy::black_hole`].
    pub held: u64,
    /// Pieces delayed by [`Proxy::delay`].
    pub delayed: u64,
    /// Replies eaten by [`Proxy::eat_replies`], each with its connection.
    pub eaten: u64,
    /// Connections turned away by [`Proxy::refuse`].
    pub refused: u64,
}

/// A TCP proxy on a loopback port whose faults a check switches on and off. It passes everything by default.
///
/// Dropping it resets every connection and frees the port.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    faults: watch::Sender<Faults>,
    fired: watch::Sender<Fired>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Debug, Default)]
struct Faults {
    black_hole: bool,
    delay: Duration,
    refuse: bool,
    /// Replies still to be eaten, and the bytes in a request that make its reply one of them.
    eat: u64,
    marker: Vec<u8>,
    /// Rises with every cut; connections of an earlier generation end.
    generation: u64,
    cut: Option<Cut>,
}

impl Proxy {
    /// Starts a proxy on a free loopback port to the target.
    pub async fn start(target: SocketAddr) -> Result<Self, RigError> {
        let failed = RigError::io("open the proxy's port");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(RigError::io("open the proxy's port"))?;
        let (faults, fired) = (watch::Sender::default(), watch::Sender::default());
        let accepting = accept(listener, target, faults.clone(), fired.clone());
        #[expect(
            clippy::disallowed_methods,
            reason = "the rig has no supervisor; the task ends with the proxy"
        )]
        let accepting = tokio::spawn(accepting);
        Ok(Self { address, faults, fired, accepting })
    }

    /// Where to connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts all connections that are open now. New ones pass.
    pub fn cut(&self, cut: Cut) {
        self.faults.send_modify(|faults| {
            faults.generation += 1;
            faults.cut = Some(cut);
        });
    }

    /// Holds back everything in both directions, as a network that loses every packet does; connections stay open, and
    /// what was held arrives when this is switched off.
    pub fn black_hole(&self, on: bool) {
        self.faults.send_modify(|faults| faults.black_hole = on);
    }

    /// Delays each piece in each direction by this long; zero ends it.
    pub fn delay(&self, by: Duration) {
        self.faults.send_modify(|faults| faults.delay = by);
    }

    /// Turns new connections away with a reset. Open ones pass.
    pub fn refuse(&self, on: bool) {
        self.faults.send_modify(|faults| faults.refuse = on);
    }

    /// Eats the next `count` replies to requests that contain the marker: the request is forwarded, what comes back
    /// next is dropped, and the connection is reset. An empty marker means any request.
    pub fn eat_replies(&self, count: u64, marker: &[u8]) {
        self.faults.send_modify(|faults| {
            faults.eat = count;
            faults.marker = marker.to_vec();
        });
    }

    /// How often each fault has fired.
    #[must_use]
    pub fn fired(&self) -> Fired {
        *self.fired.borrow()
    }

    /// Waits until the counts are as wanted, and returns them.
    ///
    /// Cancel-safe. It has a deadline of 30 seconds.
    pub async fn until(&self, wanted: impl FnMut(&Fired) -> bool) -> Result<Fired, RigError> {
        let mut counts = self.fired.subscribe();
        let mut wanted = wanted;
        let reached = timeout(DEADLINE, counts.wait_for(|fired| wanted(fired))).await;
        match reached {
            Ok(Ok(fired)) => Ok(*fired),
            Ok(Err(_)) | Err(_) => Err(RigError::Deadline { what: "a fault to fire", after: DEADLINE }),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    faults: watch::Sender<Faults>,
    fired: watch::Sender<Fired>,
) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((client, _)) = listener.accept().await else { continue };
        if faults.borrow().refuse {
            reset(&client);
            fired.send_modify(|fired| fired.refused += 1);
            continue;
        }
        fired.send_modify(|fired| fired.connections += 1);
        connections.spawn(Connection { faults: faults.clone(), fired: fired.clone() }.serve(client, target));
    }
}

/// A dropped stream sends a reset instead of an end.
fn reset(stream: &TcpStream) {
    // A stream that is closed already needs none.
    let _ = stream.set_zero_linger();
}

#[derive(Clone)]
struct Connection {
    faults: watch::Sender<Faults>,
    fired: watch::Sender<Fired>,
}

/// The fault that ended a connection.
enum Ended {
    Cut(Cut),
    Eaten,
}

impl Connection {
    async fn serve(self, mut client: TcpStream, target: SocketAddr) {
        let mut faults = self.faults.subscribe();
        let born = faults.borrow_and_update().generation;
        let Ok(mut server) = TcpStream::connect(target).await else {
            reset(&client);
            return;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let armed = watch::Sender::new(false);
        let ended = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let both = async {
                tokio::try_join!(
                    self.forward_requests(from_client, to_server, &armed),
                    self.forward_replies(from_server, to_client, &armed)
                )
            };
            tokio::select! {
                biased;
                cut = cut(&mut faults, born) => Some(Ended::Cut(cut)),
                ended = both => ended.err(),
            }
        };
        match ended {
            None | Some(Ended::Cut(Cut::Fin)) => {
                // A side that has gone needs no farewell.
                let _ = (client.shutdown().await, server.shutdown().await);
            }
            Some(Ended::Cut(Cut::Reset) | Ended::Eaten) => {
                reset(&client);
                reset(&server);
            }
        }
        drop((client, server));
        self.fired.send_modify(|fired| match ended {
            None => {}
            Some(Ended::Cut(_)) => fired.cut += 1,
            Some(Ended::Eaten) => fired.eaten += 1,
        });
    }

    async fn forward_requests(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        armed: &watch::Sender<bool>,
    ) -> Result<(), Ended> {
        let mut piece = vec![0; 64 * 1024];
        // The end of the last piece, since a marker may lie across two.
        let mut seen = Vec::new();
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.hinder().await;
            let (eats, marker) = {
                let faults = self.faults.borrow();
                (faults.eat > 0, faults.marker.clone())
            };
            seen.extend_from_slice(&piece[..length]);
            if eats && contains(&seen, &marker) {
                armed.send_replace(true);
            }
            seen.drain(..seen.len().saturating_sub(marker.len().saturating_sub(1)));
            if to.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        // The other side may have gone already.
        let _ = to.shutdown().await;
        Ok(())
    }

    async fn forward_replies(
        &self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
        armed: &watch::Sender<bool>,
    ) -> Result<(), Ended> {
        let mut piece = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            self.hinder().await;
            if armed.send_replace(false) && self.take_one_to_eat() {
                return Err(Ended::Eaten);
            }
            if to.write_all(&piece[..length]).await.is_err() {
                break;
            }
        }
        // The other side may have gone already.
        let _ = to.shutdown().await;
        Ok(())
    }

    fn take_one_to_eat(&self) -> bool {
        self.faults.send_if_modified(|faults| {
            let eats = faults.eat > 0;
            faults.eat = faults.eat.saturating_sub(1);
            eats
        })
    }

    /// Waits for as long as the faults hold a piece back.
    async fn hinder(&self) {
        let (black_hole, delay) = {
            let faults = self.faults.borrow();
            (faults.black_hole, faults.delay)
        };
        if !delay.is_zero() {
            self.fired.send_modify(|fired| fired.delayed += 1);
            sleep(delay).await;
        }
        if black_hole {
            self.fired.send_modify(|fired| fired.held += 1);
            // The sender lives as long as this connection.
            let _ = self.faults.subscribe().wait_for(|faults| !faults.black_hole).await;
        }
    }
}

/// Completes when connections of this generation are cut.
async fn cut(faults: &mut watch::Receiver<Faults>, born: u64) -> Cut {
    match faults.wait_for(|faults| faults.generation > born).await {
        Ok(faults) => faults.cut.unwrap_or(Cut::Reset),
        Err(_) => Cut::Reset,
    }
}

fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    marker.is_empty() || bytes.windows(marker.len()).any(|window| window == marker)
}
