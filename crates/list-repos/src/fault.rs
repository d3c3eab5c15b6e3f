use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

/// How much of a host's text is quoted, before escaping.
const EXCERPT_BYTES: usize = 200;

/// The beginning of what a host sent, fit for a log line: cut, quoted, control characters escaped.
pub(crate) fn excerpt(sent: &[u8]) -> Box<str> {
    let kept = &sent[..sent.len().min(EXCERPT_BYTES)];
    let more = if kept.len() < sent.len() { "…" } else { "" };
    format!("{:?}{more}", String::from_utf8_lossy(kept)).into()
}

/// What came back for a request, where it was no page.
#[derive(Debug, Error)]
#[non_exhaustive]
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
    /// The answer was not whole in time.
    #[error("have the whole answer within {within:?}")]
    Overdue {
        /// The time for one page.
        within: Duration,
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
    /// The body, as it was or inflated, is larger than a page may be.
    #[error("read a page of more than {limit_bytes} bytes")]
    TooLarge {
        /// The most that is read.
        limit_bytes: usize,
    },
    /// The body is no page.
    #[error(transparent)]
    Body(BodyFault),
    /// The cursor behind the page is the one that was sent, or one of before.
    #[error("the cursor behind the page, {cursor}, is not new")]
    CursorLoop {
        /// The cursor, quoted.
        cursor: Box<str>,
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

/// What is wrong with a body.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BodyFault {
    /// It is something else: an HTML page, nothing.
    #[error("the answer is no JSON object, it begins {begins}")]
    NotJson {
        /// The beginning, quoted.
        begins: Box<str>,
    },
    /// It ends early, or its syntax is broken.
    #[error("the answer is broken JSON")]
    Broken {
        /// Where.
        source: serde_json::Error,
    },
    /// The list is missing.
    #[error("the answer has no {field}")]
    NoRows {
        /// The list's name.
        field: &'static str,
    },
    /// The cursor is no text, too long to be stored, or a mark of ours.
    #[error("the answer has an unusable cursor {begins}")]
    Cursor {
        /// The beginning, quoted.
        begins: Box<str>,
    },
}

/// What a fault says of what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// The host as a whole cannot be had at the moment; it says nothing of the page.
    Outage,
    /// This page could not be had: perhaps because of what is in it.
    Page,
    /// Asking again will not help.
    Refusal,
}

impl Fault {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect",
            Self::Broken { .. } => "broken",
            Self::Overdue { .. } => "overdue",
            Self::Status { .. } => "status",
            Self::Limited { .. } => "rate_limited",
            Self::Refused { .. } => "refused",
            Self::Redirect { .. } => "redirect",
            Self::Private(_) => "private_address",
            Self::TooLarge { .. } => "too_large",
            Self::Body(BodyFault::NotJson { .. }) => "not_json",
            Self::Body(BodyFault::Broken { .. }) => "broken_json",
            Self::Body(BodyFault::NoRows { .. }) => "no_rows",
            Self::Body(BodyFault::Cursor { .. }) => "unusable_cursor",
            Self::CursorLoop { .. } => "cursor_loop",
        }
    }

    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Connect { .. } | Self::Limited { .. } => Class::Outage,
            Self::Broken { .. }
            | Self::Overdue { .. }
            | Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::Body(_)
            | Self::CursorLoop { .. } => Class::Page,
            Self::Refused { .. } | Self::Redirect { .. } | Self::Private(_) => Class::Refusal,
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
