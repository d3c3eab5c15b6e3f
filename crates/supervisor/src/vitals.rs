use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{EventTime, State};

/// What one incarnation reports of itself: written by the child, read by anyone, without a lock but for the words
/// that it waits for.
///
/// Fields are read one by one, so a reader may see a state and its time from both sides of a change.
#[derive(Debug)]
pub(crate) struct Vitals {
    began: Instant,
    state: AtomicU8,
    state_since: AtomicU64,
    alive_at: AtomicU64,
    waiting_for: Mutex<Option<&'static str>>,
    connected_since: Latest,
    last_seq: Latest,
    last_event_time: Latest,
    events: AtomicU64,
    bytes: AtomicU64,
    progressed: AtomicBool,
}

impl Vitals {
    /// Vitals of an incarnation that begins now, and knows what its predecessor saw last.
    pub(crate) fn new(began: Instant, last_seq: Option<u64>, last_event_time: Option<EventTime>) -> Self {
        let vitals = Self {
            began,
            state: AtomicU8::new(State::Starting.index()),
            state_since: AtomicU64::new(0),
            alive_at: AtomicU64::new(0),
            waiting_for: Mutex::new(None),
            connected_since: Latest::default(),
            last_seq: Latest::default(),
            last_event_time: Latest::default(),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            progressed: AtomicBool::new(false),
        };
        vitals.note(last_seq, last_event_time);
        vitals
    }

    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Sets the state, and answers the one before it if that was another.
    pub(crate) fn set_state(&self, state: State) -> Option<State> {
        if self.state() == state {
            return None;
        }
        // First the sign of life, then the state: nobody sees a child that left a reason to wait and looks lifeless.
        let now = self.alive();
        let before = State::from_index(self.state.swap(state.index(), Ordering::AcqRel));
        self.state_since.store(now, Ordering::Relaxed);
        *self.words() = None;
        if !state.is_connected() {
            self.connected_since.clear();
        } else if !before.is_connected() {
            self.connected_since.set(now);
        }
        Some(before)
    }

    /// Notes a sign of life, and answers when it was, in microseconds since the beginning.
    pub(crate) fn alive(&self) -> u64 {
        let now = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.alive_at.store(now, Ordering::Relaxed);
        now
    }

    pub(crate) fn wait_for(&self, what: &'static str) {
        *self.words() = Some(what);
    }

    pub(crate) fn saw(&self, seq: Option<u64>, time: Option<EventTime>) {
        self.note(seq, time);
        self.alive();
    }

    fn note(&self, seq: Option<u64>, time: Option<EventTime>) {
        if let Some(seq) = seq {
            self.last_seq.set(seq);
        }
        if let Some(time) = time {
            self.last_event_time.set(time.unix_micros().cast_unsigned());
        }
    }

    pub(crate) fn progressed(&self, events: u64, bytes: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progressed.store(true, Ordering::Relaxed);
        self.alive();
    }

    pub(crate) fn state(&self) -> State {
        State::from_index(self.state.load(Ordering::Acquire))
    }

    pub(crate) fn state_for(&self, now: Instant) -> Duration {
        self.elapsed(now, self.state_since.load(Ordering::Relaxed))
    }

    pub(crate) fn waiting_for(&self) -> &'static str {
        self.words().unwrap_or_else(|| self.state().waits_for())
    }

    /// When the last sign of life was.
    pub(crate) fn last_alive(&self) -> Instant {
        self.began + Duration::from_micros(self.alive_at.load(Ordering::Relaxed))
    }

    pub(crate) fn connected_for(&self, now: Instant) -> Option<Duration> {
        self.connected_since.get().map(|since| self.elapsed(now, since))
    }

    pub(crate) fn last_seq(&self) -> Option<u64> {
        self.last_seq.get()
    }

    pub(crate) fn last_event_time(&self) -> Option<EventTime> {
        self.last_event_time.get().map(|micros| EventTime::from_unix_micros(micros.cast_signed()))
    }

    pub(crate) fn events(&self) -> u64 {
        self.events.load(Ordering::Relaxed)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn has_progressed(&self) -> bool {
        self.progressed.load(Ordering::Relaxed)
    }

    fn words(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.waiting_for.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self, now: Instant, since_micros: u64) -> Duration {
        now.saturating_duration_since(self.began).saturating_sub(Duration::from_micros(since_micros))
    }
}

/// An optional number that one side sets and another reads, without a value that means "none".
#[derive(Debug, Default)]
struct Latest {
    present: AtomicBool,
    value: AtomicU64,
}

impl Latest {
    fn set(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
        self.present.store(true, Ordering::Release);
    }

    fn clear(&self) {
        self.present.store(false, Ordering::Release);
    }

    fn get(&self) -> Option<u64> {
        self.present.load(Ordering::Acquire).then(|| self.value.load(Ordering::Relaxed))
    }
}
