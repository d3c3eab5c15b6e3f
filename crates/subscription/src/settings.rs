use std::time::Duration;

use crate::{Tls, UserAgent};

/// How to subscribe: the same for all hosts of one kind.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who we say that we are.
    pub user_agent: UserAgent,
    /// Whom we trust. Cheap to clone; all hosts share one.
    pub tls: Tls,
    /// How long each wait lasts.
    pub deadlines: Deadlines,
}

/// The largest message that is taken from the wire, in bytes: a little above the protocol's maximum of 5,000,000 for
/// a firehose message, so that one that is slightly too large is still seen whole and can be skipped by its decoder.
///
/// Source: <https://atproto.com/specs/sync>.
pub const MAX_MESSAGE_BYTES: usize = 5_242_880;

/// How long each wait for a host lasts. A wait of zero is over at once; one that no clock can count has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For everything before the first message: resolving, dialling, TLS and the upgrade, together.
    pub connect: Duration,
    /// The longest time without a whole message before the host counts as dead. `None` where silence is normal:
    /// a labeler may say nothing for days, and then only its answers to our pings show that it lives.
    pub idle: Option<Duration>,
    /// From one ping of ours to the next; a second at least.
    pub ping_every: Duration,
    /// The longest time after a ping in which nothing at all arrives: no pong, no message, no ping of the host's.
    pub pong_within: Duration,
    /// The longest time that one message takes from its first byte to its last.
    pub message_within: Duration,
    /// For taking leave in good order.
    pub park: Duration,
}

impl Deadlines {
    /// For `com.atproto.sync.subscribeRepos`, where silence means that something broke.
    #[must_use]
    pub const fn repos() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Some(Duration::from_secs(75)),
            ping_every: Duration::from_secs(30),
            pong_within: Duration::from_secs(20),
            message_within: Duration::from_secs(30),
            park: Duration::from_secs(2),
        }
    }

    /// For `com.atproto.label.subscribeLabels`, where silence is normal: as [`repos`](Self::repos), but without an
    /// idle deadline.
    #[must_use]
    pub const fn labels() -> Self {
        Self { idle: None, ..Self::repos() }
    }
}
