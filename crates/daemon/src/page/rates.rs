use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::heartbeat::millis;
use crate::metrics::Watched;

/// From one look at the counts to the next.
pub(crate) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Over how many of these times a rate is taken.
const SPAN: usize = 2;
/// How many rates are kept: one each span, half an hour in all.
const KEPT: usize = 180;

/// How fast each host was of late, and how much lay in the stream: for the page, from the moment that it is opened.
///
/// It is read from the counts every five seconds, so the way of a frame knows nothing of it. Its size is that of half an
/// hour of every host: 180 numbers.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    hosts: HashMap<Arc<str>, Track>,
    entries: VecDeque<Option<u64>>,
    looks: usize,
}

/// One host.
#[derive(Debug, Default)]
struct Track {
    /// The counts of the last span.
    counts: VecDeque<(Instant, u64)>,
    rates: VecDeque<f64>,
}

/// What was kept, oldest first.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    /// From one number to the next.
    every_ms: u64,
    /// Entries in the stream.
    entries: Vec<Option<u64>>,
    /// Events a second of each host; one that is new has fewer.
    hosts: BTreeMap<String, Vec<f64>>,
}

impl Rates {
    /// Looks at the counts.
    pub(crate) fn look(&self, watched: &Watched) {
        let children = watched.supervisor.get().map(|handle| handle.status().children).unwrap_or_default();
        let counts = children.into_iter().filter_map(|child| Some((child.host?, child.events)));
        self.take(Instant::now(), counts, watched.length.backlog());
    }

    fn take(&self, now: Instant, counts: impl Iterator<Item = (Arc<str>, u64)>, entries: Option<u64>) {
        let mut kept = self.lock();
        let is_end_of_span = kept.looks.is_multiple_of(SPAN);
        kept.looks += 1;
        for (host, events) in counts {
            let track = kept.hosts.entry(host).or_default();
            push(&mut track.counts, (now, events), SPAN + 1);
            if is_end_of_span && let Some(rate) = track.rate() {
                push(&mut track.rates, rate, KEPT);
            }
        }
        if is_end_of_span {
            push(&mut kept.entries, entries, KEPT);
        }
    }

    /// Events a second over the last ten seconds.
    pub(crate) fn of(&self, host: &str) -> Option<f64> {
        self.lock().hosts.get(host)?.rate()
    }

    /// All that is kept.
    pub(crate) fn history(&self) -> History {
        let kept = self.lock();
        let rates = |track: &Track| track.rates.iter().copied().collect();
        History {
            every_ms: millis(LOOK_EVERY) * SPAN as u64,
            entries: kept.entries.iter().copied().collect(),
            hosts: kept.hosts.iter().map(|(host, track)| (host.to_string(), rates(track))).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // What it guards is whole between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Track {
    /// To a tenth, which is more than anybody reads.
    fn rate(&self) -> Option<f64> {
        let ((began, before), (now, after)) = (self.counts.front()?, self.counts.back()?);
        let seconds = now.duration_since(*began).as_secs_f64();
        let events = u32::try_from(after.saturating_sub(*before)).unwrap_or(u32::MAX);
        (seconds > 0.0).then(|| (f64::from(events) / seconds * 10.0).round() / 10.0)
    }
}

fn push<T>(ring: &mut VecDeque<T>, item: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_ten_seconds() {
        let rates = Rates::default();
        let began = Instant::now();
        let mut events = 0;
        for look in 0..=20 {
            rates.take(began + LOOK_EVERY * look, [("a".into(), events)].into_iter(), Some(events));
            let expected = if look == 0 { None } else { Some(50.0) };
            assert_eq!(rates.of("a"), expected, "look {look}");
            events += 250;
        }
        for look in 21..=26 {
            rates.take(began + LOOK_EVERY * look, [("a".into(), events)].into_iter(), None);
        }
        assert_eq!((rates.of("a"), rates.of("b")), (Some(0.0), None));
    }

    #[test]
    fn i7_half_an_hour_is_kept_and_no_more() {
        let rates = Rates::default();
        let began = Instant::now();
        for look in 0..5_000_u32 {
            let counts = [("a".into(), u64::from(look) * 5)].into_iter();
            rates.take(began + LOOK_EVERY * look, counts, Some(u64::from(look)));
        }
        let history = rates.history();
        assert_eq!((history.every_ms, history.entries.len()), (10_000, KEPT));
        assert_eq!(history.hosts["a"], vec![1.0; KEPT]);
        assert_eq!(history.entries.last(), Some(&Some(4_998)));
    }
}
