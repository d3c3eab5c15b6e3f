use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use standpipe_cursor::{Cursor, Resume};
use standpipe_pipeline::{Backpressure, Observation, Observer};
use standpipe_supervisor::chain;
use tokio::time::Instant;

use crate::quarantine::Intake;

/// The account of one host over all its connections and incarnations: what metrics and health pages are made of.
///
/// Written once a batch and once a change of condition, without allocation; read by whoever asks.
#[derive(Debug)]
pub struct HostLedger {
    host: Arc<str>,
    pub(crate) frames: AtomicU64,
    pub(crate) frame_bytes: AtomicU64,
    pub(crate) entry_bytes: AtomicU64,
    pub(crate) batches_applied: AtomicU64,
    pub(crate) batches_already: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) parks: AtomicU64,
    pub(crate) bytes_in_flight: AtomicU64,
    delivery_seconds: Histogram<f64>,
    attributes: [KeyValue; 1],
    counted: Mutex<Counted>,
    condition: Mutex<Condition>,
    stream: Stream,
    quarantine: Intake,
}

/// Counts by label; the labels are those that the program has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) entries: Labelled,
    pub(crate) dropped: Labelled,
    pub(crate) noted: Labelled,
    pub(crate) retired: Labelled,
    pub(crate) gaps: Labelled,
    pub(crate) quarantined: Labelled,
    pub(crate) endings: Labelled,
}

pub(crate) type Labelled = Vec<(&'static str, u64)>;

/// How a host stands at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    pub(crate) link: Link,
    pub(crate) store: Store,
    /// When it was last connected, if it is not.
    pub(crate) connected_until: Option<Instant>,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) event_time: Option<Timestamp>,
}

/// How the stream that all hosts share is, as their deliveries and a look at the sink last said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream(Arc<Mutex<StreamCondition>>);

#[derive(Debug, Default)]
struct StreamCondition {
    backlog: Option<u64>,
    trouble: Option<String>,
}

impl Stream {
    /// Entries in the stream.
    pub(crate) fn backlog(&self) -> Option<u64> {
        lock(&self.0).backlog
    }

    /// What the last look at the sink came back with, if it did not answer.
    pub(crate) fn trouble(&self) -> Option<String> {
        lock(&self.0).trouble.clone()
    }

    pub(crate) fn has(&self, backlog: u64) {
        *lock(&self.0) = StreamCondition { backlog: Some(backlog), trouble: None };
    }

    pub(crate) fn is_silent(&self, trouble: String) {
        lock(&self.0).trouble = Some(trouble);
    }
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

impl HostLedger {
    pub(crate) fn new(
        host: Arc<str>,
        delivery_seconds: Histogram<f64>,
        stream: Stream,
        quarantine: Intake,
    ) -> Self {
        Self {
            frames: AtomicU64::new(0),
            frame_bytes: AtomicU64::new(0),
            entry_bytes: AtomicU64::new(0),
            batches_applied: AtomicU64::new(0),
            batches_already: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            bytes_in_flight: AtomicU64::new(0),
            delivery_seconds,
            attributes: [KeyValue::new("host", Arc::clone(&host))],
            counted: Mutex::default(),
            condition: Mutex::default(),
            stream,
            quarantine,
            host,
        }
    }

    /// The host's canonical name.
    #[must_use]
    pub fn host(&self) -> &Arc<str> {
        &self.host
    }

    pub(crate) fn attributes(&self) -> &[KeyValue; 1] {
        &self.attributes
    }

    pub(crate) fn counted(&self) -> Counted {
        lock(&self.counted).clone()
    }

    pub(crate) fn condition(&self) -> Condition {
        lock(&self.condition).clone()
    }

    /// The cursor behind which everything is durable, as far as it is known here.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        lock(&self.condition).cursor.clone()
    }

    /// An incarnation ended: nothing is connected and nothing is on its way.
    pub(crate) fn ended(&self, ending: &'static str) {
        add(&mut lock(&self.counted).endings, ending, 1);
        self.bytes_in_flight.store(0, Relaxed);
        let mut condition = lock(&self.condition);
        condition.set_link(Link::Down);
        condition.store = Store::Unasked;
    }

    /// Changes how the host stands.
    fn change(&self, change: impl FnOnce(&mut Condition)) {
        change(&mut lock(&self.condition));
    }
}

impl Observer for HostLedger {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Connecting => self.change(|condition| condition.set_link(Link::Connecting)),
            Observation::Connected { resume } => {
                self.connections.fetch_add(1, Relaxed);
                self.change(|condition| {
                    condition.set_link(Link::Up);
                    if let Resume::After(seq) = resume {
                        condition.cursor = Some(seq.into());
                    }
                });
            }
            Observation::Parked => {
                self.parks.fetch_add(1, Relaxed);
                self.change(|condition| condition.set_link(Link::Parked));
            }
            Observation::Delivering { batch } => {
                self.bytes_in_flight.store(batch.bytes() as u64, Relaxed);
            }
            Observation::Delivered { batch, ack, took } => {
                let tally = batch.tally();
                self.bytes_in_flight.store(0, Relaxed);
                self.frames.fetch_add(tally.frames, Relaxed);
                self.frame_bytes.fetch_add(tally.frame_bytes, Relaxed);
                self.entry_bytes.fetch_add(batch.bytes() as u64, Relaxed);
                let batches = if ack.already { &self.batches_already } else { &self.batches_applied };
                batches.fetch_add(1, Relaxed);
                self.delivery_seconds.record(took.as_secs_f64(), &self.attributes);
                let mut counted = lock(&self.counted);
                add_all(&mut counted.entries, tally.written.iter());
                add_all(&mut counted.dropped, tally.dropped.iter());
                add_all(&mut counted.noted, tally.noted.iter());
                drop(counted);
                let event_time = batch.event_time().parse().ok();
                self.change(|condition| {
                    condition.cursor = Some(batch.through().clone());
                    condition.event_time = event_time.or(condition.event_time);
                });
                ack.backlog.into_iter().for_each(|entries| self.stream.has(entries));
            }
            Observation::Backpressure(backpressure) => {
                if let Backpressure::Full { backlog } = backpressure {
                    self.stream.has(backlog);
                }
                self.change(|condition| condition.store = Store::of(backpressure));
            }
            Observation::Retired { entries, unread } => {
                let mut counted = lock(&self.counted);
                add(&mut counted.retired, "unread", unread);
                add(&mut counted.retired, "read", entries.saturating_sub(unread));
            }
            Observation::Quarantined { reason, seq, frame } => {
                add(&mut lock(&self.counted).quarantined, reason, 1);
                self.quarantine.offer(&self.host, reason, seq, frame);
            }
            Observation::Gap { reason, .. } => {
                add(&mut lock(&self.counted).gaps, reason, 1);
                tracing::warn!(
                    host = &*self.host,
                    reason,
                    "the host has a gap: events that it no longer serves are missing"
                );
            }
            unknown => tracing::debug!(?unknown, "an observation that has no account"),
        }
    }
}

impl Condition {
    fn set_link(&mut self, link: Link) {
        if self.link == Link::Up && link != Link::Up {
            self.connected_until = Some(Instant::now());
        }
        self.link = link;
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
}

impl Store {
    fn of(backpressure: Backpressure<'_>) -> Self {
        match backpressure {
            Backpressure::Flowing => Self::Flowing,
            Backpressure::Full { backlog: _ } => Self::Full,
            Backpressure::Unavailable { cause } => Self::Unavailable { cause: chain(cause) },
        }
    }
}

fn add_all(counts: &mut Labelled, more: impl Iterator<Item = (&'static str, u64)>) {
    more.for_each(|(label, count)| add(counts, label, count));
}

fn add(counts: &mut Labelled, label: &'static str, more: u64) {
    match counts.iter_mut().find(|(known, _)| *known == label) {
        Some((_, count)) => *count += more,
        None => counts.push((label, more)),
    }
}

/// What the locks guard is whole between any two statements, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
