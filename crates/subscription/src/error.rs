use std::error::Error;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

use crate::refusal::Refusal;
use crate::{MAX_MESSAGE_BYTES, Quoted};

/// How long a host is left alone that will hardly answer otherwise soon.
pub(crate) const LONG_RETRY: Duration = Duration::from_mins(5);
/// How often a host is tried again that says that our cursor is ahead of it. It may come back with its old state.
const HELD_RETRY: Duration = Duration::from_mins(5);
/// How long a reader waits that was cut off as too slow: it would only be slower at once.
const TOO_SLOW_RETRY: Duration = Duration::from_secs(1);

/// Why a subscription could not be had, or is over.
///
/// Nothing here is fatal: a host may be back, as it was, at any time. See [`Transient::remedy`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SubscriptionError {
    /// What was asked for is no NSID, so no request can be written.
    #[error("subscribe to {nsid}: it is no NSID")]
    Nsid {
        /// What was asked for.
        nsid: Quoted,
    },
    /// The name could not be looked up.
    #[error("resolve {host}")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        #[source]
        source: io::Error,
    },
    /// The name was found, and has no address.
    #[error("resolve {host}: it has no address")]
    NoAddress {
        /// The name.
        host: String,
    },
    /// A host that somebody else named leads to addresses that are not permitted.
    #[error(
        "reach {host}: it has no public address, but {address}; say that the network is private if that is meant"
    )]
    Forbidden {
        /// The name.
        host: String,
        /// The first address that was found.
        address: IpAddr,
    },
    /// No address could be reached.
    #[error("reach {address}{}", last_of(*.tried))]
    Dial {
        /// How many were tried.
        tried: usize,
        /// The one that failed last.
        address: SocketAddr,
        /// What became of it.
        #[source]
        source: io::Error,
    },
    /// No certificate can be issued for such a name.
    #[error("verify {host}: no certificate can name it")]
    ServerName {
        /// The name.
        host: String,
    },
    /// TLS could not be set up: an unknown issuer, a wrong name, no common version, a connection that broke.
    #[error("set up TLS with {host}")]
    Tls {
        /// The name.
        host: String,
        /// What rustls, or the connection, said.
        #[source]
        source: io::Error,
    },
    /// The time for connecting was over before the host was through with this.
    #[error("{phase} within {within:?}")]
    Overdue {
        /// What it was at.
        phase: Phase,
        /// The time for all of it.
        within: Duration,
    },
    /// The connection broke during the upgrade.
    #[error("upgrade to a websocket")]
    Exchange {
        /// What became of the connection.
        #[source]
        source: io::Error,
    },
    /// The host closed without an answer. Some do so for a method that they do not implement.
    #[error("upgrade to a websocket: the host closed without an answer")]
    NoAnswer,
    /// The host answered, but not as RFC 6455 says.
    #[error("upgrade to a websocket: {fault}")]
    BadAnswer {
        /// What is wrong with the answer.
        fault: AnswerFault,
    },
    /// The host answered with something other than an upgrade.
    #[error("upgrade to a websocket: the host answered {status} {body}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What kind of refusal it is.
        refusal: Refusal,
        /// The beginning of the body.
        body: Quoted,
    },
    /// The host speaks a subprotocol that is not ours.
    #[error("upgrade to a websocket: the host speaks {subprotocol}, which is not xrpc.v0.cbor")]
    Subprotocol {
        /// What it named.
        subprotocol: Quoted,
    },
    /// No whole message arrived within the idle deadline.
    #[error("read on: no message for {within:?}")]
    Idle {
        /// The deadline.
        within: Duration,
    },
    /// Nothing at all arrived after a ping: the connection is half open.
    #[error("read on: nothing for {within:?} after a ping")]
    Unanswered {
        /// The deadline.
        within: Duration,
    },
    /// A message was begun and not brought to its end within its deadline.
    #[error("read on: a message is not complete after {within:?}")]
    Trickle {
        /// The deadline.
        within: Duration,
    },
    /// The host sends pings and pongs faster than they can be read, and nothing else.
    #[error("read on: more than {count} pings and pongs in a row")]
    ControlFlood {
        /// How many were read.
        count: u32,
    },
    /// A message is larger than [`MAX_MESSAGE_BYTES`]. Nothing of it was kept, so nobody can know it again.
    #[error("read a message of {len_bytes} bytes: {MAX_MESSAGE_BYTES} are allowed")]
    TooLarge {
        /// Its length, as far as it is known.
        len_bytes: usize,
    },
    /// The host said goodbye.
    #[error("read on: the host closed with {code} {reason}")]
    Closed {
        /// The close code; 1005 where none was given.
        code: u16,
        /// Its words. With code 1008 it is the name of an error, such as `ConsumerTooSlow`.
        reason: Quoted,
    },
    /// The connection ended without a goodbye.
    #[error("read on: the connection ended{}", within_message(*.in_message))]
    Ended {
        /// Whether a message was begun. What had arrived of it is gone.
        in_message: bool,
    },
    /// The connection broke.
    #[error("read on: the connection broke{}", within_message(*.in_message))]
    Broken {
        /// Whether a message was begun. What had arrived of it is gone.
        in_message: bool,
        /// What became of it.
        #[source]
        source: io::Error,
    },
    /// What arrived is no websocket stream.
    #[error("read on: the host breaks the websocket protocol")]
    Violation {
        /// How.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

fn last_of(tried: usize) -> String {
    if tried > 1 { format!(", the last of {tried} addresses") } else { String::new() }
}

fn within_message(in_message: bool) -> &'static str {
    if in_message { " inside a message" } else { "" }
}

/// The steps of connecting that share one deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Looking up the name.
    Resolve,
    /// Opening a TCP connection.
    Dial,
    /// The TLS handshake.
    Tls,
    /// The HTTP exchange.
    Upgrade,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolve the host",
            Self::Dial => "reach the host",
            Self::Tls => "set up TLS",
            Self::Upgrade => "upgrade to a websocket",
        })
    }
}

/// What is wrong with an answer to an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnswerFault {
    /// It does not begin as an HTTP/1 answer does.
    #[error("the answer is not HTTP")]
    NotHttp,
    /// Its head does not end in time.
    #[error("the answer's head is too large")]
    HeadTooLarge,
    /// It switches protocols, but not to websocket.
    #[error("the answer lacks the upgrade to websocket")]
    NoUpgrade,
    /// It answers another key than ours, as a cache would.
    #[error("the answer is for another key")]
    WrongKey,
    /// It turns on an extension that was not offered.
    #[error("the answer turns on an extension")]
    Extension,
}

impl SubscriptionError {
    /// A short, stable name for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Nsid { .. } => "nsid",
            Self::Resolve { .. } => "resolve",
            Self::NoAddress { .. } => "no_address",
            Self::Forbidden { .. } => "forbidden",
            Self::Dial { .. } => "dial",
            Self::ServerName { .. } => "server_name",
            Self::Tls { .. } => "tls",
            Self::Overdue { phase, .. } => match phase {
                Phase::Resolve => "overdue_resolve",
                Phase::Dial => "overdue_dial",
                Phase::Tls => "overdue_tls",
                Phase::Upgrade => "overdue_upgrade",
            },
            Self::Exchange { .. } => "exchange",
            Self::NoAnswer => "no_answer",
            Self::BadAnswer { .. } => "bad_answer",
            Self::Refused { refusal, .. } => refusal.label(),
            Self::Subprotocol { .. } => "subprotocol",
            Self::Idle { .. } => "idle",
            Self::Unanswered { .. } => "unanswered",
            Self::Trickle { .. } => "trickle",
            Self::ControlFlood { .. } => "control_flood",
            Self::TooLarge { .. } => "too_large",
            Self::Closed { code, .. } => close_label(*code),
            Self::Ended { in_message: false } => "ended",
            Self::Ended { in_message: true } => "ended_in_message",
            Self::Broken { .. } => "broken",
            Self::Violation { .. } => "violation",
        }
    }

    /// Whether somebody on either side has probably configured something wrongly, so that it will not pass by
    /// itself and an operator should look.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        if let Self::Refused { refusal, .. } = self {
            return refusal.is_configuration();
        }
        matches!(self, Self::Nsid { .. } | Self::ServerName { .. } | Self::Subprotocol { .. })
    }

    /// The name of the error that the host gave for closing: the reason of code 1008.
    #[must_use]
    pub fn error_name(&self) -> Option<&str> {
        if let Self::Closed { code: 1008, reason } = self
            && !reason.is_empty()
        {
            return Some(reason.as_str());
        }
        None
    }
}

impl Transient for SubscriptionError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Nsid { .. } => Remedy::Fail,
            Self::ServerName { .. } | Self::Subprotocol { .. } | Self::Forbidden { .. } => {
                Remedy::RetryAfter(LONG_RETRY)
            }
            Self::Refused { refusal, .. } => refusal.remedy(),
            Self::Resolve { .. }
            | Self::NoAddress { .. }
            | Self::Dial { .. }
            | Self::Tls { .. }
            | Self::Overdue { .. }
            | Self::Exchange { .. }
            | Self::NoAnswer
            | Self::BadAnswer { .. }
            | Self::Idle { .. }
            | Self::Unanswered { .. }
            | Self::Trickle { .. }
            | Self::ControlFlood { .. }
            | Self::TooLarge { .. }
            | Self::Ended { .. }
            | Self::Broken { .. }
            | Self::Violation { .. } => Remedy::Retry,
            // The error frame before such a goodbye may be lost on the way; the goodbye alone says the same.
            Self::Closed { .. } => match self.error_name() {
                Some("FutureCursor") => Remedy::Hold(HELD_RETRY),
                Some("ConsumerTooSlow") => Remedy::RetryAfter(TOO_SLOW_RETRY),
                Some(_) | None => Remedy::Retry,
            },
        }
    }
}

/// One label for each code that RFC 6455 and its registry know, and one for all others, which a host may invent.
fn close_label(code: u16) -> &'static str {
    match code {
        1000 => "close_1000",
        1001 => "close_1001",
        1002 => "close_1002",
        1003 => "close_1003",
        1005 => "close_1005",
        1007 => "close_1007",
        1008 => "close_1008",
        1009 => "close_1009",
        1010 => "close_1010",
        1011 => "close_1011",
        1012 => "close_1012",
        1013 => "close_1013",
        1014 => "close_1014",
        _ => "close_other",
    }
}
