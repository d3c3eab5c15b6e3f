use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::Incident;

/// How many records wait for the disk at most.
const ROOM: usize = 1_024;

/// What waits for the disk. Handing in never waits.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    news: Condvar,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Incident>,
    farewell: Option<Incident>,
    has_said_farewell: bool,
    wants_breath: bool,
    stage: Stage,
    /// Records that found no room, not told yet.
    overflowed: u64,
    /// Everything handed in that found room, and how much of it was dealt with.
    handed_in: u64,
    dealt_with: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    #[default]
    Open,
    /// Nothing more is handed in.
    Closed,
    /// Nothing more is taken.
    Ended,
}

/// What was taken from the queue at once.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) incidents: Vec<Incident>,
    /// The last word, after all others.
    pub(crate) farewell: Option<Incident>,
    pub(crate) overflowed: u64,
    /// Nothing will follow.
    pub(crate) is_last: bool,
}

impl Queue {
    /// Says whether there was room.
    pub(crate) fn hand_in(&self, incident: Incident) -> bool {
        let mut state = self.state();
        let has_room = state.waiting.len() < ROOM && state.stage == Stage::Open;
        if has_room {
            state.waiting.push_back(incident);
            state.handed_in += 1;
        } else {
            state.overflowed += 1;
        }
        drop(state);
        self.news.notify_one();
        has_room
    }

    /// The first farewell counts, and always has room.
    pub(crate) fn say_farewell(&self, incident: Incident) {
        let mut state = self.state();
        if !state.has_said_farewell {
            state.has_said_farewell = true;
            state.farewell = Some(incident);
            state.handed_in += 1;
        }
        drop(state);
        self.news.notify_one();
    }

    pub(crate) fn ask_for_breath(&self) {
        self.state().wants_breath = true;
        self.news.notify_one();
    }

    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.stage = state.stage.max(Stage::Closed);
        drop(state);
        self.news.notify_one();
        self.done.notify_all();
    }

    /// Waits for something to do, but no longer than this.
    pub(crate) fn take(&self, within: Duration) -> Taken {
        let is_idle = |state: &mut State| {
            state.waiting.is_empty()
                && state.farewell.is_none()
                && !state.wants_breath
                && state.stage == Stage::Open
        };
        let waited = self.news.wait_timeout_while(self.state(), within, is_idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.wants_breath = false;
        Taken {
            incidents: state.waiting.drain(..).collect(),
            farewell: state.farewell.take(),
            overflowed: std::mem::take(&mut state.overflowed),
            is_last: state.stage != Stage::Open,
        }
    }

    pub(crate) fn dealt_with(&self, records: u64) {
        self.state().dealt_with += records;
        self.done.notify_all();
    }

    /// Waits until everything that was handed in before is dealt with; says whether that came to pass in time.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let state = self.state();
        let until = state.handed_in;
        let waited = self.done.wait_timeout_while(state, within, |state| state.dealt_with < until);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.dealt_with >= until
    }

    /// Says that nothing will be taken any more.
    pub(crate) fn end(&self) {
        self.state().stage = Stage::Ended;
        self.done.notify_all();
    }

    /// Waits until nothing will be taken any more; says whether that came to pass in time.
    pub(crate) fn ended(&self, within: Duration) -> bool {
        let waited = self.done.wait_timeout_while(self.state(), within, |state| state.stage != Stage::Ended);
        waited.unwrap_or_else(PoisonError::into_inner).0.stage == Stage::Ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::What;

    fn incident(host: &str) -> Incident {
        let what = What::Released { host: host.to_owned() };
        Incident { at: jiff::Timestamp::UNIX_EPOCH, run: String::new(), daemon: String::new(), what }
    }

    #[test]
    fn i7_what_comes_faster_than_the_disk_takes_it_is_counted_and_the_farewell_has_room() {
        let queue = Queue::default();
        let taken_in = (0..ROOM + 5).filter(|_| queue.hand_in(incident("a"))).count();
        queue.say_farewell(incident("last"));
        queue.say_farewell(incident("not heard"));
        let taken = queue.take(Duration::ZERO);
        assert_eq!((taken_in, taken.incidents.len(), taken.overflowed), (ROOM, ROOM, 5));
        assert_eq!(taken.farewell, Some(incident("last")));
        assert_eq!(queue.take(Duration::ZERO).overflowed, 0);
    }

    #[test]
    fn i10_a_flush_waits_for_what_came_before_it_and_no_longer_than_it_may() {
        let queue = Queue::default();
        assert!(queue.flush(Duration::ZERO));
        queue.hand_in(incident("a"));
        assert!(!queue.flush(Duration::from_millis(1)));
        queue.dealt_with(1);
        assert!(queue.flush(Duration::ZERO));
    }
}
