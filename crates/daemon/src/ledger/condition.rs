use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::Backpressure;
use standpipe_supervisor::chain;
use tokio::time::Instant;

use crate::gaps::Position;
use crate::probes::Look;

/// How a host stands at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) link: Link,
    pub(crate) store: Store,
    /// When it was last connected, if it is not.
    pub(crate) connected_until: Option<Instant>,
    /// Since when it is connected, by the wall clock.
    pub(crate) connected_since: Option<Timestamp>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) event_time: Option<Timestamp>,
    /// The cursor and the time of its event, where both are known to belong together.
    pub(crate) left: Option<Position>,
    /// When a batch was last delivered, by the clock that only runs forward.
    pub(crate) delivered_at: Option<Instant>,
    /// When it last delivered, or answered a ping.
    pub(crate) sign_at: Option<Instant>,
    pub(crate) hold: Option<Hold>,
    pub(crate) last_exit_at: Option<Timestamp>,
    /// Where it is, as far as it is known: scheme, name and port.
    pub(crate) endpoint: Option<String>,
    /// Where a host was found last that has to be looked up, by this process or an earlier one.
    pub(super) residence: Option<String>,
    /// What the last look at both sides came back with.
    pub(crate) look: Option<Look>,
}

/// Why a host waits for an operator, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Hold {
    /// Since when, by the wall clock.
    pub since: String,
    /// Why, in a sentence.
    pub cause: String,
    /// How often it was tried since.
    pub tries: u64,
}

/// How we stand with the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Link {
    #[default]
    Down,
    Connecting,
    Up,
    /// Given back because the sink takes nothing.
    Parked,
}

/// How we stand with the sink.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Store {
    /// It was not asked yet.
    #[default]
    Unasked,
    Flowing,
    Full,
    Unavailable {
        cause: String,
    },
}

impl Condition {
    pub(super) fn set_link(&mut self, link: Link) {
        if self.link == Link::Up && link != Link::Up {
            self.connected_until = Some(Instant::now());
            self.connected_since = None;
        }
        if self.link != Link::Up && link == Link::Up {
            self.connected_since = Some(Timestamp::now());
            self.sign_at = Some(Instant::now());
        }
        self.link = link;
    }

    pub(super) fn delivered(&mut self, through: &Cursor, event_time: Option<Timestamp>) {
        let now = Instant::now();
        self.cursor = Some(through.clone());
        self.event_time = event_time.or(self.event_time);
        if let (Some(seq), Some(time)) = (through.seq().map(Seq::number), event_time) {
            self.left = Some(Position { seq, time });
        }
        self.delivered_at = Some(now);
        self.sign_at = Some(now);
    }

    pub(super) fn gave_a_sign(&mut self) {
        self.sign_at = Some(Instant::now());
    }

    /// How long ago the host was connected; `None` if it never was.
    pub(crate) fn connected_ago(&self, now: Instant) -> Option<Duration> {
        match self.link {
            Link::Up => Some(Duration::ZERO),
            Link::Down | Link::Connecting | Link::Parked => {
                self.connected_until.map(|until| now.saturating_duration_since(until))
            }
        }
    }

    /// How old the last event in the sink is by its own time, in milliseconds; negative where it is from the future.
    pub(crate) fn lag_ms(&self) -> Option<i64> {
        let lag = Timestamp::now().duration_since(self.event_time?).as_millis();
        Some(i64::try_from(lag).unwrap_or(i64::MAX))
    }
}

impl Hold {
    pub(super) fn new(cause: String) -> Self {
        Self { since: Timestamp::now().to_string(), cause, tries: 0 }
    }
}

impl Store {
    pub(super) fn of(backpressure: Backpressure<'_>) -> Self {
        match backpressure {
            Backpressure::Flowing => Self::Flowing,
            Backpressure::Full { backlog: _ } => Self::Full,
            Backpressure::Unavailable { cause } => Self::Unavailable { cause: chain(cause) },
        }
    }
}
