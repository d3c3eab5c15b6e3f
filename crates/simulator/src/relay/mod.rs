//! A relay: one host that serves `com.atproto.sync.subscribeRepos`, or a labeler that serves
//! `com.atproto.label.subscribeLabels` and is no other in all else.

mod client;
mod connection;
mod cursor;
mod fault;
mod fault_text;
mod growth;
mod ledger;
mod lookup_text;
mod output;
mod page_text;
mod plan;
mod session;
mod settings;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use self::cursor::{CursorRules, FutureCursor, Inside, TooOld};
pub use self::fault::{Message, Rule, Silence, StreamFault, UpgradeFault};
pub(crate) use self::growth::Growth;
pub use self::growth::Pace;
pub(crate) use self::ledger::Ledger;
pub use self::ledger::{Connection, Ended};
pub use self::plan::{FaultId, FaultPlan};
pub use self::settings::{AtEnd, RelaySettings};
use crate::SimulatorError;
use crate::feed::Feed;
use crate::listing::{ListedAccount, Listing, PageRequest};
use crate::net::listener::{accept_each, listen};

/// A running relay. It ends, connections and all, when it is dropped.
///
/// Backpressure is the socket's own: a client that does not read blocks its own connection and no other.
#[derive(Debug)]
pub struct Relay {
    addr: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What all connections of a relay share.
#[derive(Debug)]
struct Shared {
    feed: Feed,
    settings: RelaySettings,
    growth: Arc<watch::Sender<Growth>>,
    faults: FaultPlan,
    ledger: Ledger<Connection>,
    listing: Option<Listing>,
}

impl Relay {
    /// Starts a relay on the current runtime.
    ///
    /// # Errors
    /// [`SimulatorError::Listen`] if the address cannot be had.
    pub fn start(feed: Feed, settings: RelaySettings) -> Result<Self, SimulatorError> {
        let growth = Self::growth_of(&feed, &settings);
        Ok(Self::serve(Self::bind(&settings)?, feed, settings, growth))
    }

    /// Listens where a relay is to be, and says where that is.
    pub(crate) fn bind(settings: &RelaySettings) -> Result<(TcpListener, SocketAddr), SimulatorError> {
        let listener = listen(settings.listen, settings.send_buffer)?;
        let listen_error = |source| SimulatorError::Listen { addr: settings.listen, source };
        let addr = listener.local_addr().map_err(listen_error)?;
        Ok((listener, addr))
    }

    /// Starts a relay where it listens already, with the frames that have come to be so far.
    pub(crate) fn serve(
        (listener, addr): (TcpListener, SocketAddr),
        feed: Feed,
        settings: RelaySettings,
        growth: Growth,
    ) -> Self {
        let listing = settings.listing.clone().map(Listing::new);
        let shared = Arc::new(Shared {
            feed,
            listing,
            settings,
            growth: Arc::new(watch::Sender::new(growth)),
            faults: FaultPlan::new(),
            ledger: Ledger::new(),
        });
        let serving = Arc::clone(&shared);
        let accepting = accept_each(listener, move |tcp| connection::serve(tcp, Arc::clone(&serving)));
        Self { addr, shared, accepting }
    }

    /// Which frames there are when a relay of this feed starts.
    pub(crate) fn growth_of(feed: &Feed, settings: &RelaySettings) -> Growth {
        let total = settings.total.unwrap_or(u64::MAX).min(feed.len().unwrap_or(u64::MAX));
        Growth::new(settings.backlog, settings.pace, total, settings.retention.unwrap_or(u64::MAX))
    }

    /// Which frames are there, for somebody who may outlive it.
    pub(crate) fn growth(&self) -> Arc<watch::Sender<Growth>> {
        Arc::clone(&self.shared.growth)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where it listens, as a host is written: `ws://127.0.0.1:PORT`, or `wss://` with TLS.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.settings.tls.is_some() { "wss" } else { "ws" };
        format!("{scheme}://{}", self.addr)
    }

    /// What it serves.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.shared.feed
    }

    /// How many frames have come to be: those numbered from 0 to below this.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.shared.growth.borrow().frames()
    }

    /// The seq of the newest frame; `None` before the first.
    #[must_use]
    pub fn newest_seq(&self) -> Option<u64> {
        self.frames().checked_sub(1).and_then(|newest| self.shared.feed.seq_at(newest))
    }

    /// Makes so many frames come to be at once, not beyond the total.
    pub fn grow(&self, frames: u64) {
        self.shared.growth.send_modify(|growth| growth.grow(frames));
    }

    /// From now on, frames come to be at this pace.
    pub fn set_pace(&self, pace: Pace) {
        self.shared.growth.send_modify(|growth| growth.set_pace(pace));
    }

    /// Keeps so many of the newest frames, for clients that connect from now on; `None`: all.
    pub fn set_retention(&self, frames: Option<u64>) {
        self.shared.growth.send_modify(|growth| growth.retention = frames.unwrap_or(u64::MAX));
    }

    /// The faults that it is to have, to add to and to count.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.shared.faults
    }

    /// Does this to every connection that exists, now, and to no later one.
    #[must_use]
    pub fn disrupt(&self, fault: StreamFault) -> FaultId {
        let existing = 0..self.shared.ledger.len();
        self.shared.faults.add(Rule::after_frames(0, fault).on_connections(existing))
    }

    /// Does this once to the client that is served, and waits until one is served again, on a later connection.
    ///
    /// Without a deadline of its own. Cancel-safe, but for the fault, which stays.
    pub async fn strike(&self, fault: StreamFault) {
        let newest = self.until_serving(0).await;
        // Later ones as well: the client may be one that is gone, which was not missed yet.
        let rule = Rule::after_frames(0, fault).times(1).on_connections(newest..u64::MAX);
        let id = self.shared.faults.add(rule);
        self.shared.faults.until_fired(id, 1).await;
        self.until_serving(newest + 1).await;
    }

    /// The newest connection on which a client has its websocket: its ordinal. Others may be newer that never get one,
    /// such as that of a look whether the host answers.
    #[must_use]
    pub fn serving(&self) -> Option<u64> {
        newest_serving(&self.connections())
    }

    /// Waits until a client has its websocket on this connection or a later one, and gives the newest such.
    ///
    /// Without a deadline of its own. Cancel-safe.
    pub async fn until_serving(&self, from: u64) -> u64 {
        let mut found = None;
        self.until(|connections| {
            found = newest_serving(connections).filter(|ordinal| *ordinal >= from);
            found.is_some()
        })
        .await;
        found.unwrap_or(from)
    }

    /// All connections so far, in the order of their ordinals.
    #[must_use]
    pub fn connections(&self) -> Vec<Connection> {
        self.shared.ledger.snapshot()
    }

    /// Waits until the connections are as wanted; `wanted` is asked whenever something changes about them.
    /// Without a deadline of its own. Cancel-safe.
    pub async fn until(&self, wanted: impl FnMut(&[Connection]) -> bool) {
        self.shared.ledger.until(wanted).await;
    }

    /// Where it listens for requests of pages: `http://127.0.0.1:PORT`, or `https://` with TLS.
    #[must_use]
    pub fn http_url(&self) -> String {
        self.url().replacen("ws", "http", 1)
    }

    /// All requests for pages of lists so far, in the order of their ordinals.
    #[must_use]
    pub fn page_requests(&self) -> Vec<PageRequest> {
        self.shared.listing.as_ref().map(|listing| listing.requests.snapshot()).unwrap_or_default()
    }

    /// Waits until the requests for pages are as wanted, as [`until`](Self::until) does for connections. For ever,
    /// where the host has no lists. Cancel-safe.
    pub async fn until_pages(&self, wanted: impl FnMut(&[PageRequest]) -> bool) {
        match &self.shared.listing {
            Some(listing) => listing.requests.until(wanted).await,
            None => std::future::pending().await,
        }
    }

    /// How many accounts it has, listed or not.
    #[must_use]
    pub fn accounts(&self) -> u64 {
        self.shared.listing.as_ref().map_or(0, |listing| listing.settings().accounts())
    }

    /// The accounts that `listRepos` can get out of this host, in the order of its list: all that it lists, but for
    /// rows that a fault without a limit of its times keeps back or spoils. What a client must find.
    pub fn servable(&self) -> impl Iterator<Item = ListedAccount> {
        let settings = self.shared.listing.as_ref().map(Listing::settings);
        let all = settings.into_iter().flat_map(|settings| {
            let accounts = (0..).map_while(|place| Some((place, settings.account_at(place)?)));
            accounts.filter(|(_, account)| settings.lists(account))
        });
        let withheld = self.shared.faults.withheld();
        all.filter(move |(place, _)| !withheld.iter().any(|at| at.is_about(*place)))
            .map(|(_, account)| account)
    }

    /// Ends all connections and stops listening; when it returns, the address is free. Not cancel-safe.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // An aborted task has no other outcome than being cancelled.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn newest_serving(connections: &[Connection]) -> Option<u64> {
    let serving = |connection: &&Connection| connection.upgraded && connection.ended.is_none();
    connections.iter().rev().find(serving).map(|connection| connection.ordinal)
}
