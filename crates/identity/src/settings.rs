use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use standpipe_cursor::Endpoint;
use standpipe_guarded_http::is_private;

/// How identities are looked up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we say that we are: the value of `User-Agent`.
    pub user_agent: String,
    /// Whom we trust, with ring as its provider.
    pub tls: Arc<ClientConfig>,
    /// Where `did:plc` is looked up, such as `plc.directory`. An operator wrote it, so it may be at a private address.
    pub directory: Endpoint,
    /// Where the hosts of `did:web` may be.
    pub web: WebReach,
    /// What bounds the work and the memory.
    pub bounds: Bounds,
}

/// Where hosts may be whose names strangers choose: those of `did:web`, and those that documents name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebReach {
    /// At public addresses, over https at its own port.
    #[default]
    Public,
    /// Anywhere: `localhost` over plain http, and with a port (`did:web:localhost%3A8080`). For tests, and for a network
    /// that is private as a whole.
    PrivateNetwork,
}

impl WebReach {
    /// Which addresses a host may have that a document names, for whoever connects to it by itself. To be asked of each
    /// address that is dialled, since a name may lead elsewhere a moment later.
    #[must_use]
    pub fn permits(self) -> fn(IpAddr) -> bool {
        match self {
            Self::Public => |address| !is_private(address),
            Self::PrivateNetwork => |_| true,
        }
    }
}

/// What bounds the work and the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Identities that are remembered: those that were used last, of at most 2 KB, mostly below 1 KB. Default 250,000.
    pub identities: usize,
    /// Identities that the next process is told of: those that were used last. Default 4,096.
    pub kept: usize,
    /// Failures that are remembered. Default 50,000.
    pub failures: usize,
    /// Lookups that are on their way or wait for their turn; further ones fail at once. Default 1,024.
    pub lookups: usize,
    /// How long an identity is used without another look. Default 1 h.
    pub fresh_for: Duration,
    /// How long it is used at most, where looking again fails. Default 24 h.
    pub max_age: Duration,
    /// How long a failure is believed. Default 2 min.
    pub error_age: Duration,
    /// Redirects that are followed. Default 0, as the reference implementation has it.
    pub redirects: usize,
    /// How long one lookup may take from the request to the last byte. Default 5 s.
    pub answer_within: Duration,
    /// How long a lookup may wait for its turn before it. Default 30 s.
    pub turn_within: Duration,
    /// The largest document in bytes, inflated. Default 262,144.
    pub document_max_bytes: usize,
    /// Lookups at the directory at the same time. Default 8.
    pub directory_at_once: NonZeroUsize,
    /// From one lookup at the directory to the next, at least. Default 50 ms.
    pub directory_every: Duration,
    /// Lookups of `did:web` at the same time; each of its hosts has one at most. Default 32.
    pub web_at_once: NonZeroUsize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            identities: 250_000,
            kept: 4096,
            failures: 50_000,
            lookups: 1024,
            fresh_for: Duration::from_hours(1),
            max_age: Duration::from_hours(24),
            error_age: Duration::from_mins(2),
            redirects: 0,
            answer_within: Duration::from_secs(5),
            turn_within: Duration::from_secs(30),
            document_max_bytes: 262_144,
            directory_at_once: const { NonZeroUsize::new(8).expect("above zero") },
            directory_every: Duration::from_millis(50),
            web_at_once: const { NonZeroUsize::new(32).expect("above zero") },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_documents_name_have_public_addresses_unless_the_network_is_private() {
        let (public, private) = (WebReach::Public.permits(), WebReach::PrivateNetwork.permits());
        for (address, is_public) in
            [("1.1.1.1", true), ("10.0.0.1", false), ("::1", false), ("169.254.169.254", false)]
        {
            let address = address.parse().unwrap();
            assert_eq!((public(address), private(address)), (is_public, true), "{address}");
        }
    }
}
