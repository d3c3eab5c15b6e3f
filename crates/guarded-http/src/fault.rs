use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

/// How much of a host's text is quoted, before escaping.
const EXCERPT_BYTES: usize = 200;

/// The beginning of what a host sent, fit for a log line: cut, quoted, control characters escaped.
#[must_use]
pub fn excerpt(sent: &[u8]) -> Box<str> {
    let kept = &sent[..sent.len().min(EXCERPT_BYTES)];
    let more = if kept.len() < sent.len() { "…" } else { "" };
    format!("{:?}{more}", String::from_utf8_lossy(kept)).into()
}

/// What came back for a request, where it was no answer.
#[derive(Debug, Error)]
pub enum Fault {
    /// No connection to the host: name, address, TCP or TLS.
    #[error("reach the host")]
    Connect {
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// The connection broke before the answer was whole, or what arrived was not HTTP.
    #[error("read the whole answer")]
    Broken {
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// The host, or a proxy before it, has trouble: 5xx, 408 and 425.
    #[error("the host answered {status} {body}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body, quoted.
        body: Box<str>,
    },
    /// The host wants us to come back later: 429, and 503 with a time.
    #[error("the host limits our rate (status {status})")]
    Limited {
        /// The HTTP status.
        status: u16,
        /// How much later, between one second and fifteen minutes, where it was said.
        after: Option<Duration>,
    },
    /// The host will not answer this request otherwise soon: 4xx and 501.
    #[error("the host answered {status} {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The beginning of the body, quoted.
        body: Box<str>,
    },
    /// The host redirects to where we do not follow.
    #[error("follow a redirect: {fault}")]
    Redirect {
        /// Why not.
        fault: RedirectFault,
    },
    /// The name leads to a private address, and may not.
    #[error(transparent)]
    Private(PrivateAddress),
    /// The body, as it was or inflated, is larger than allowed.
    #[error("read an answer of more than {limit_bytes} bytes")]
    TooLarge {
        /// The most that is read.
        limit_bytes: usize,
    },
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RedirectFault {
    /// There were too many already.
    #[error("it is one more than {0}")]
    TooMany(usize),
    /// It does not say where to, or not in a way that can be read.
    #[error("it has no usable Location")]
    Location,
    /// From https to something else.
    #[error("it leads away from https")]
    Downgrade,
    /// To something that is neither http nor https.
    #[error("its scheme is not of HTTP")]
    Scheme,
    /// To a URL that carries credentials.
    #[error("it carries credentials")]
    Credentials,
}

/// A name or an address that leads to a private, loopback, link-local or otherwise special place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name} leads to {address}, which is no public address")]
pub struct PrivateAddress {
    /// The name that was looked up, or the address as it was written.
    pub name: String,
    /// The first such address.
    pub address: IpAddr,
}

impl Fault {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Broken { .. } => "broken",
            Self::Status { .. } => "status",
            Self::Limited { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::Redirect { .. } => "redirect",
            Self::Private(_) => "private_address",
            Self::TooLarge { .. } => "too_large",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_cut_and_cannot_write_a_line_of_its_own() {
        assert_eq!(&*excerpt("a\n\u{1b}[2J\"".as_bytes()), r#""a\n\u{1b}[2J\"""#);
        let long = excerpt("é".repeat(1_000_000).as_bytes());
        assert_eq!(&*long, format!("\"{}\"…", "é".repeat(100)));
        assert_eq!(&*excerpt(&[0xff]), "\"\u{fffd}\"");
    }
}
