use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How many endings of its own doing a child may have within a window before it is over its intensity.
///
/// Only [`Failed`](crate::Ending::Failed), [`Panicked`](crate::Ending::Panicked) and
/// [`Stalled`](crate::Ending::Stalled) spend. A child that is over stays over until a whole window has passed
/// without such an ending; the window is therefore longer than the backoff's cap. It is at most a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    endings: u32,
    pub(crate) window: Duration,
}

impl Intensity {
    /// Allows `endings` within any `window`; the next one is over. With 0 the first is.
    #[must_use]
    pub const fn new(endings: u32, window: Duration) -> Self {
        Self { endings, window }
    }
}

impl Default for Intensity {
    /// 5 within 5 minutes.
    fn default() -> Self {
        Self::new(5, Duration::from_mins(5))
    }
}

/// What one child has spent of its intensity.
#[derive(Debug)]
pub(crate) struct Ledger {
    intensity: Intensity,
    spent: VecDeque<Instant>,
    over: bool,
}

impl Ledger {
    pub(crate) fn new(intensity: Intensity) -> Self {
        Self { intensity, spent: VecDeque::new(), over: false }
    }

    /// Writes down an ending, and says until when the child is over its intensity, if it is.
    pub(crate) fn spend(&mut self, now: Instant) -> Option<Instant> {
        self.spent.retain(|ending| now.saturating_duration_since(*ending) < self.intensity.window);
        if self.spent.is_empty() {
            self.over = false;
        }
        self.spent.push_back(now);
        let allowed = usize::try_from(self.intensity.endings).unwrap_or(usize::MAX);
        self.over |= self.spent.len() > allowed;
        while self.spent.len() > allowed.max(1) {
            self.spent.pop_front();
        }
        self.over_until()
    }

    /// Until when the child is over its intensity if it spends nothing more; may have passed.
    pub(crate) fn over_until(&self) -> Option<Instant> {
        let last = self.spent.back().filter(|_| self.over)?;
        Some(*last + self.intensity.window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spends at each second given, and says for each whether that was over.
    fn spend_at(intensity: Intensity, seconds: &[u64]) -> Vec<bool> {
        let mut ledger = Ledger::new(intensity);
        let start = Instant::now();
        seconds.iter().map(|at| ledger.spend(start + Duration::from_secs(*at)).is_some()).collect()
    }

    #[test]
    fn one_ending_more_than_allowed_within_the_window_is_over() {
        let three_a_minute = Intensity::new(3, Duration::from_mins(1));
        assert_eq!(spend_at(three_a_minute, &[0, 1, 2, 3]), [false, false, false, true]);
        assert_eq!(spend_at(three_a_minute, &[0, 20, 40, 60, 80, 100]), [false; 6]);
        assert_eq!(spend_at(Intensity::new(0, Duration::from_mins(1)), &[0, 100]), [true, true]);
    }

    #[test]
    fn what_is_over_stays_over_until_a_whole_window_is_clean() {
        let one_a_minute = Intensity::new(1, Duration::from_mins(1));
        assert_eq!(
            spend_at(one_a_minute, &[0, 1, 60, 119, 180, 181]),
            [false, true, true, true, false, true]
        );
    }

    #[test]
    fn a_ledger_does_not_grow_with_what_is_spent() {
        let mut ledger = Ledger::new(Intensity::new(3, Duration::from_mins(1)));
        let now = Instant::now();
        for _ in 0..1_000 {
            ledger.spend(now);
        }
        assert_eq!(ledger.spent.len(), 3);
    }
}
