use std::error::Error;

use thiserror::Error;

/// Why a stored cursor could not be had.
///
/// None of these may be read as "no cursor": that would replay or skip history without anybody's word.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CursorError {
    /// Something is stored that this daemon cannot have written. An operator has to look.
    #[error("read the stored cursor {found:?}: it is no cursor of this stream")]
    Unreadable {
        /// The stored text, cut to 80 characters.
        found: String,
    },
    /// The store did not answer; the same question may be asked again.
    #[error("reach the cursor store")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The store answered with a refusal that will not pass by itself.
    #[error("use the cursor store")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl CursorError {
    /// An [`CursorError::Unreadable`] that quotes at most 80 characters of what was found.
    #[must_use]
    pub fn unreadable(found: &str) -> Self {
        Self::Unreadable { found: found.chars().take(80).collect() }
    }
}

/// Why a text does not name a host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Nothing is left after scheme and slashes.
    #[error("host {written:?} is empty")]
    Empty {
        /// The text as written.
        written: String,
    },
    /// A scheme other than https, wss, http and ws.
    #[error("host {written:?} has an unknown scheme; write it without one, or with https, wss, http or ws")]
    Scheme {
        /// The text as written.
        written: String,
    },
    /// A path, query, fragment or user part: a host is only a name and perhaps a port.
    #[error("host {written:?} has more than a name and a port")]
    NotOnlyAHost {
        /// The text as written.
        written: String,
    },
    /// The name is neither a DNS name nor an IP address.
    #[error(
        "host {written:?} is not a DNS name or an IP address (write names beyond ASCII in their xn-- form)"
    )]
    Name {
        /// The text as written.
        written: String,
    },
    /// The port is not a number from 1 to 65535.
    #[error("host {written:?} has no port from 1 to 65535 behind its colon")]
    Port {
        /// The text as written.
        written: String,
    },
}
