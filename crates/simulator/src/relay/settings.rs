//! How a relay is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::directory::Documents;
use crate::listing::ListingSettings;
use crate::net::Authority;
use crate::relay::{CursorRules, Pace};

/// How a relay is set up.
#[derive(Clone, Debug)]
pub struct RelaySettings {
    /// Where to listen; port 0 is any that is free.
    pub listen: SocketAddr,
    /// The authority of its certificate; `None`: without TLS.
    pub tls: Option<Authority>,
    /// How many frames are there from the beginning.
    pub backlog: u64,
    /// How fast more come to be.
    pub pace: Pace,
    /// How many there will ever be; `None`: as many as the feed has.
    pub total: Option<u64>,
    /// What happens to a client that has got all there will ever be.
    pub at_end: AtEnd,
    /// How many of the newest frames are kept for clients that connect; `None`: all.
    pub retention: Option<u64>,
    /// What it makes of cursors.
    pub cursors: CursorRules,
    /// How long a write may block before the client is told `ConsumerTooSlow` and cut off; `None`: for ever.
    ///
    /// The error frame goes out when the client reads again; if it does not within the same time once more,
    /// the connection is reset without it.
    pub too_slow: Option<Duration>,
    /// How long a connection may be idle before it is pinged; `None`: for ever.
    pub ping_after: Option<Duration>,
    /// The size of the sockets' send buffers in bytes; `None`: the system's choice.
    pub send_buffer: Option<u32>,
    /// What it lists over HTTP, on the same address; `None`: it has no such methods.
    pub listing: Option<ListingSettings>,
    /// Where the document of its `did:web` is, which it serves at `/.well-known/did.json`; `None`: it has none.
    pub documents: Option<Documents>,
}

impl Default for RelaySettings {
    /// On any free port of loopback, without TLS; nothing there and nothing coming; the specification's
    /// cursors; a ping after 30 idle seconds.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls: None,
            backlog: 0,
            pace: Pace::STILL,
            total: None,
            at_end: AtEnd::Idle,
            retention: None,
            cursors: CursorRules::SPECIFIED,
            too_slow: None,
            ping_after: Some(Duration::from_secs(30)),
            send_buffer: None,
            listing: None,
            documents: None,
        }
    }
}

/// What happens to a client that has got all there will ever be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// It waits.
    Idle,
    /// It gets a close frame.
    Close {
        /// The close code.
        code: u16,
        /// The reason, at most 123 bytes.
        reason: String,
    },
}
