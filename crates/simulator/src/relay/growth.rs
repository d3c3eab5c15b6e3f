//! How the live end of a stream moves.

use std::time::Duration;

use tokio::time::Instant;

/// How fast frames come to be: so many in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    frames: u32,
    per: Duration,
}

impl Pace {
    /// No frame comes to be by itself.
    pub const STILL: Self = Self { frames: 0, per: Duration::from_secs(1) };

    /// So many frames every second.
    #[must_use]
    pub const fn per_second(frames: u32) -> Self {
        Self { frames, per: Duration::from_secs(1) }
    }

    /// One frame every `interval`; of zero length, none.
    #[must_use]
    pub const fn one_every(interval: Duration) -> Self {
        if interval.is_zero() { Self::STILL } else { Self { frames: 1, per: interval } }
    }
}

/// Which frames are there, as a function of time: nothing has to run for it to move.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    /// How many frames there were at `since`.
    frames: u64,
    since: Instant,
    pace: Pace,
    /// How many there will ever be.
    total: u64,
    /// How many of the newest are kept.
    pub(super) retention: u64,
}

impl Growth {
    pub(super) fn new(frames: u64, pace: Pace, total: u64, retention: u64) -> Self {
        Self { frames: frames.min(total), since: Instant::now(), pace, total, retention }
    }

    /// How many frames there are: those with numbers below this.
    pub(crate) fn frames(&self) -> u64 {
        let elapsed = self.since.elapsed().as_nanos();
        let grown = elapsed * u128::from(self.pace.frames) / self.pace.per.as_nanos().max(1);
        let grown = u64::try_from(grown).unwrap_or(u64::MAX);
        self.frames.saturating_add(grown).min(self.total)
    }

    /// The number of the oldest frame that is kept.
    pub(super) fn oldest(&self) -> u64 {
        self.frames().saturating_sub(self.retention)
    }

    /// When frame number `index` will be there; `None` for never, as things stand.
    pub(super) fn due(&self, index: u64) -> Option<Instant> {
        if index >= self.total {
            return None;
        }
        let missing = u128::from((index + 1).saturating_sub(self.frames));
        let nanos = (missing * self.pace.per.as_nanos()).checked_div(u128::from(self.pace.frames))?;
        Some(self.since + Duration::from_nanos(u64::try_from(nanos).ok()?.saturating_add(1)))
    }

    /// Whether frame number `index` will never be there.
    pub(super) fn is_past_the_end(&self, index: u64) -> bool {
        index >= self.total
    }

    pub(super) fn set_pace(&mut self, pace: Pace) {
        *self = Self { frames: self.frames(), since: Instant::now(), pace, ..*self };
    }

    pub(super) fn grow(&mut self, frames: u64) {
        let grown = self.frames().saturating_add(frames).min(self.total);
        *self = Self { frames: grown, since: Instant::now(), ..*self };
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn frames_come_at_their_pace_up_to_the_total() {
        let mut growth = Growth::new(10, Pace::per_second(1000), 2000, u64::MAX);
        assert_eq!((growth.frames(), growth.oldest()), (10, 0));
        advance(Duration::from_millis(500)).await;
        assert_eq!(growth.frames(), 510);
        growth.grow(90);
        assert_eq!(growth.frames(), 600);
        growth.set_pace(Pace::STILL);
        advance(Duration::from_secs(10)).await;
        assert_eq!((growth.frames(), growth.due(600)), (600, None));
        growth.set_pace(Pace::one_every(Duration::from_millis(2)));
        growth.retention = 100;
        advance(Duration::from_mins(1)).await;
        assert_eq!((growth.frames(), growth.oldest()), (2000, 1900));
        assert_eq!(growth.due(2000), None);
        assert!(growth.is_past_the_end(2000) && !growth.is_past_the_end(1999));
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_is_there_when_it_is_due() {
        for pace in [Pace::per_second(1), Pace::per_second(7), Pace::per_second(1_000_000)] {
            let growth = Growth::new(3, pace, u64::MAX, u64::MAX);
            for index in [3, 4, 50] {
                let due = growth.due(index).unwrap();
                advance(due.duration_since(Instant::now())).await;
                assert!(growth.frames() > index, "{pace:?} {index}");
            }
        }
    }
}
