mod account;
mod condition;
mod named;
mod observations;
mod residence;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use standpipe_cursor::{Cursor, Seq};
use standpipe_supervisor::{Ending, ExitReport, State};
use tokio::sync::Notify;

use crate::chronicle::Chronicled;
use crate::enumeration::{self, Enumeration};
use crate::gaps::{Gap, Gaps, Position, Repaid};
use crate::probes::Look;
use crate::quarantine::Intake;
use crate::stream::Stream;

use account::Counted;
pub(crate) use account::{Labelled, Restarts, add, add_all};
pub(crate) use condition::{Condition, Hold, Link, Store};
pub use named::NamedHosts;
pub(crate) use named::as_map;

/// What stands in place of a name for all hosts that were found: no host is called so.
pub(crate) const FOUND: &str = "*";

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
    pub(crate) signs_of_life: AtomicU64,
    pub(crate) bytes_in_flight: AtomicU64,
    delivery_seconds: Histogram<f64>,
    attributes: [KeyValue; 1],
    counted: Mutex<Counted>,
    condition: Mutex<Condition>,
    gaps: Mutex<Gaps>,
    restarts: Mutex<Restarts>,
    enumeration: Mutex<Option<Enumeration>>,
    named: Mutex<Option<NamedHosts>>,
    was_found: bool,
    stream: Stream,
    quarantine: Intake,
    chronicle: Chronicled,
    relocated: Arc<Notify>,
}

impl HostLedger {
    pub(crate) fn new(
        host: Arc<str>,
        delivery_seconds: Histogram<f64>,
        stream: Stream,
        quarantine: Intake,
        chronicle: Chronicled,
        relocated: Arc<Notify>,
    ) -> Self {
        Self {
            frames: AtomicU64::new(0),
            frame_bytes: AtomicU64::new(0),
            entry_bytes: AtomicU64::new(0),
            batches_applied: AtomicU64::new(0),
            batches_already: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            parks: AtomicU64::new(0),
            signs_of_life: AtomicU64::new(0),
            bytes_in_flight: AtomicU64::new(0),
            delivery_seconds,
            attributes: [KeyValue::new("host", Arc::clone(&host))],
            counted: Mutex::default(),
            condition: Mutex::default(),
            gaps: Mutex::default(),
            restarts: Mutex::default(),
            enumeration: Mutex::default(),
            named: Mutex::default(),
            was_found: false,
            stream,
            quarantine,
            chronicle,
            relocated,
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

    /// Says how the host's enumeration is. What was said of an estimate and of the last whole one is in what is handed
    /// over.
    pub fn enumerates<T>(&self, change: impl FnOnce(&mut Option<Enumeration>) -> T) -> T {
        change(&mut lock(&self.enumeration))
    }

    /// How the host's enumeration is, where it has one.
    pub(crate) fn enumeration(&self) -> Option<enumeration::Shown> {
        lock(&self.enumeration).as_ref().map(Enumeration::shown)
    }

    /// The last gaps, oldest first.
    pub(crate) fn gaps(&self) -> Vec<Gap> {
        lock(&self.gaps).iter().cloned().collect()
    }

    /// Another host named this one, and no settings: its trouble is nothing that an operator asked to hear of, and
    /// metrics have it with all others of its kind.
    pub(crate) fn found(self) -> Self {
        Self { was_found: true, attributes: [KeyValue::new("host", FOUND)], ..self }
    }

    /// Whether another host named it.
    pub(crate) fn is_found(&self) -> bool {
        self.was_found
    }

    /// Says which hosts this one has named, all of them.
    pub fn names(&self, named: NamedHosts) {
        *lock(&self.named) = Some(named);
    }

    /// Which hosts it has named at last, where it was asked.
    pub(crate) fn named(&self) -> Option<NamedHosts> {
        lock(&self.named).clone()
    }

    /// These ranges of the host's list, `(after, through]`, could not be read and are to be; no others. What was owed
    /// before and is not any more was read, and that is told.
    pub fn owes(&self, ranges: &[(u64, u64)]) {
        let repaid = lock(&self.gaps).owes(ranges);
        for part in repaid {
            let (after, through, told) = match part {
                Repaid::Whole(after, through) => {
                    add(&mut lock(&self.counted).gaps_closed, "poison_row", 1);
                    (after, through, "rows that were left out have been read")
                }
                Repaid::Part(after, through) => {
                    (after, through, "some of the rows that were left out have been read")
                }
            };
            tracing::info!(host = &*self.host, after, through, "{told}");
        }
    }

    /// How many ranges of the host's list are to be read yet.
    pub(crate) fn gaps_owed(&self) -> usize {
        lock(&self.gaps).owed()
    }

    /// How often the host's child was started again within the last hour.
    pub(crate) fn restarts_last_hour(&self) -> u64 {
        lock(&self.restarts).last_hour()
    }

    /// Where the host was left: the stored cursor and the time of the event that it stands for.
    pub(crate) fn position(&self) -> Option<Position> {
        lock(&self.condition).left
    }

    /// What an earlier process knew of where the host was left.
    pub(crate) fn was_left_at(&self, position: Position) {
        self.change(|condition| condition.left = condition.left.or(Some(position)));
    }

    /// An incarnation ended: nothing is connected and nothing is on its way.
    pub(crate) fn ended(&self, report: &ExitReport) {
        let mut counted = lock(&self.counted);
        add(&mut counted.endings, report.ending.kind(), 1);
        if report.verdict.restart_in().is_some() {
            add(&mut counted.restarts, report.ending.kind(), 1);
            lock(&self.restarts).note();
        }
        drop(counted);
        self.bytes_in_flight.store(0, Relaxed);
        self.change(|condition| {
            condition.set_link(Link::Down);
            condition.store = Store::Unasked;
            condition.last_exit_at = Some(Timestamp::now());
        });
        if let (State::Held, Ending::Lost { .. }) = (report.state, &report.ending) {
            self.held(report);
        }
    }

    /// The host waits for an operator's decision. It is told once, however often it is tried.
    fn held(&self, report: &ExitReport) {
        let cause = report.ending.cause().unwrap_or_default();
        let mut is_new = false;
        self.change(|condition| {
            is_new = condition.hold.is_none();
            let hold = condition.hold.get_or_insert_with(|| Hold::new(cause.clone()));
            hold.tries += 1;
        });
        if is_new && let Some(chronicle) = self.chronicle.get() {
            chronicle.held(&self.host, &cause, report.last_seq);
        }
    }

    /// What a look at both sides came back with, before the host was tried again.
    pub(crate) fn probed(&self, look: Look) {
        let mut counted = lock(&self.counted);
        add(&mut counted.probes_of_host, look.host.word(), 1);
        add(&mut counted.probes_of_sink, look.sink.word(), 1);
        drop(counted);
        self.change(|condition| condition.look = Some(look));
    }

    /// Changes how the host stands.
    fn change(&self, change: impl FnOnce(&mut Condition)) {
        change(&mut lock(&self.condition));
    }

    /// News came: the host goes on from here. Ends a hold, closes a gap, and shows one that was not told.
    fn began(&self, after: Option<Seq>, seq: Seq, time: &str) {
        let time = time.parse().ok();
        self.goes_on(Some(seq));
        let left = self.position().and_then(|left| left.moved_to(after?));
        let closed = lock(&self.gaps).close(seq, time);
        if let Some(gap) = closed {
            self.tell_whole(&gap);
        } else if let Some(gap) = left.and_then(|left| Gap::shown(left, seq, time)) {
            add(&mut lock(&self.counted).gaps, gap.reason, 1);
            lock(&self.gaps).add(gap.clone());
            self.tell_whole(&gap);
        }
    }

    /// Ends a hold.
    fn goes_on(&self, seq: Option<Seq>) {
        let mut was_held = false;
        self.change(|condition| was_held = condition.hold.take().is_some());
        if was_held {
            tracing::info!(host = &*self.host, seq = seq.map(Seq::number), "the held host goes on");
            if let Some(chronicle) = self.chronicle.get() {
                chronicle.released(&self.host);
            }
        }
    }

    /// A gap whose end is not known yet is told whole when news come.
    fn gap(&self, reason: &'static str, from: Option<Seq>, to: Option<Seq>) {
        let gap = Gap::new(reason, from, self.position());
        let gap = Gap { to: to.map(Seq::number), ..gap };
        if !lock(&self.gaps).add(gap.clone()) {
            return;
        }
        add(&mut lock(&self.counted).gaps, reason, 1);
        if to.is_some() {
            self.tell_whole(&gap);
            return;
        }
        let from = from.map(Seq::number);
        tracing::warn!(
            host = &*self.host,
            reason,
            from,
            "the host has a gap: events that it no longer serves are missing"
        );
    }

    /// Both ends of a gap are known.
    fn tell_whole(&self, gap: &Gap) {
        let (from_time, to_time) =
            (gap.from_time.map(|time| time.to_string()), gap.to_time.map(|time| time.to_string()));
        tracing::warn!(
            host = &*self.host,
            reason = gap.reason,
            from = gap.from,
            from_time,
            to = gap.to,
            to_time,
            "events are missing between these two"
        );
        if let Some(chronicle) = self.chronicle.get() {
            chronicle.gap(&self.host, gap);
        }
    }
}

/// What the locks guard is whole between any two statements, so a panic elsewhere leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
