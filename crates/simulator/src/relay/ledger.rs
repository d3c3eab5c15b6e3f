//! What is known of each connection.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// What a relay knows of one connection, from its acceptance on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// The connection's number, from 0 in the order of acceptance.
    pub ordinal: u64,
    /// The cursor that the client asked for.
    pub cursor: Option<u64>,
    /// The request's query, as it was sent.
    pub query: String,
    /// The client's `User-Agent`.
    pub user_agent: Option<String>,
    /// Whether the client got its websocket.
    pub upgraded: bool,
    /// How many of the relay's frames were handed to the socket.
    pub frames: u64,
    /// How many bytes of websocket were handed to the socket, heads and faults included.
    pub bytes: u64,
    /// The seq of the last frame that was handed to the socket.
    pub last_seq: Option<u64>,
    /// Whether a write has blocked for longer than it may.
    pub too_slow: bool,
    /// How many pings the client sent.
    pub pings: u64,
    /// How many pongs the client sent.
    pub pongs: u64,
    /// How many text or binary messages the client sent. There should be none.
    pub messages: u64,
    /// The client's close frame: its code, 1005 where it has none, and reason.
    pub close: Option<(u16, String)>,
    /// How it ended; `None` while it is open.
    pub ended: Option<Ended>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client sent a close frame.
    ByClient,
    /// The client was gone, without a close frame.
    ClientGone,
    /// The client got something else than a websocket.
    Refused,
    /// A fault ended it.
    ByFault,
    /// The client's cursor was in the future.
    FutureCursor,
    /// The client took too long to read.
    TooSlow,
    /// There was nothing more to send.
    AtEnd,
    /// The client asked for pages of lists, or for a document, instead of a websocket, and left.
    Listed,
}

/// What is known of each of a host's connections, or requests, in the order of their ordinals.
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    entries: Mutex<Vec<T>>,
    changes: watch::Sender<()>,
}

impl<T: Clone> Ledger<T> {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(Vec::new()), changes: watch::Sender::new(()) }
    }

    /// Enters what `entry` makes of the new ordinal, and gives that.
    pub(crate) fn open(&self, entry: impl FnOnce(u64) -> T) -> u64 {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let ordinal = entries.len() as u64;
        entries.push(entry(ordinal));
        drop(entries);
        self.changes.send_replace(());
        ordinal
    }

    pub(crate) fn note(&self, ordinal: u64, change: impl FnOnce(&mut T)) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let found = usize::try_from(ordinal).ok().and_then(|ordinal| entries.get_mut(ordinal));
        found.map(change);
        drop(entries);
        self.changes.send_replace(());
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    pub(crate) fn snapshot(&self) -> Vec<T> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the entries are as wanted. Cancel-safe.
    pub(crate) async fn until(&self, mut wanted: impl FnMut(&[T]) -> bool) {
        let mut changes = self.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if wanted(&self.entries.lock().unwrap_or_else(PoisonError::into_inner)) {
                return;
            }
            // The sender lives as long as the ledger does.
            let _ = changes.changed().await;
        }
    }
}
