use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

const HOUR: Duration = Duration::from_hours(1);
/// More restarts than these are not told apart: one in three seconds, all of an hour long.
const RESTARTS_KEPT: usize = 1_200;

/// Counts by label; the labels are those that the program has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counted {
    pub(crate) entries: Labelled,
    pub(crate) dropped: Labelled,
    pub(crate) noted: Labelled,
    /// By the word for a signature, and the reason for that.
    pub(crate) judged: Labelled<(&'static str, &'static str)>,
    pub(crate) retired: Labelled,
    pub(crate) gaps: Labelled,
    pub(crate) gaps_closed: Labelled,
    pub(crate) quarantined: Labelled,
    pub(crate) endings: Labelled,
    pub(crate) restarts: Labelled,
    pub(crate) waits: Labelled,
    pub(crate) probes_of_host: Labelled,
    pub(crate) probes_of_sink: Labelled,
}

pub(crate) type Labelled<L = &'static str> = Vec<(L, u64)>;

pub(crate) fn add_all<L: PartialEq>(counts: &mut Labelled<L>, more: impl Iterator<Item = (L, u64)>) {
    more.for_each(|(label, count)| add(counts, label, count));
}

pub(crate) fn add<L: PartialEq>(counts: &mut Labelled<L>, label: L, more: u64) {
    match counts.iter_mut().find(|(known, _)| *known == label) {
        Some((_, count)) => *count += more,
        None => counts.push((label, more)),
    }
}

/// When a child was started again.
#[derive(Debug, Default)]
pub(crate) struct Restarts(VecDeque<Instant>);

impl Restarts {
    pub(super) fn note(&mut self) {
        if self.0.len() == RESTARTS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Instant::now());
    }

    /// How many within the last hour; 1,200 stand for as many or more.
    pub(super) fn last_hour(&mut self) -> u64 {
        let now = Instant::now();
        self.0.retain(|at| now.saturating_duration_since(*at) < HOUR);
        self.0.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn restarts_are_counted_for_an_hour_and_kept_within_bounds() {
        let mut restarts = Restarts::default();
        restarts.note();
        tokio::time::advance(HOUR / 2).await;
        restarts.note();
        assert_eq!(restarts.last_hour(), 2);
        tokio::time::advance(HOUR / 2).await;
        assert_eq!(restarts.last_hour(), 1);
        (0..10_000).for_each(|_| restarts.note());
        assert_eq!(restarts.last_hour(), 1_200);
    }
}
