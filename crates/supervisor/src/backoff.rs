use std::time::Duration;

/// The shortest wait before a restart, unless the base is shorter still.
const FLOOR: Duration = Duration::from_millis(100);

/// How long a child waits before it is started again.
///
/// Before the n-th restart in a row the wait is drawn evenly between 100 ms (or the base, if that is shorter)
/// and a ceiling of `base × 2ⁿ⁻¹`, at most `cap`: *full jitter*, which keeps many children of one broken peer
/// from returning together, as described in [Exponential Backoff And Jitter][aws].
///
/// The row ends, and the ceiling falls back to the base, only when an incarnation made real progress
/// ([`Scope::progressed`](crate::Scope::progressed)) or ran for as long as counts as stable.
///
/// [aws]: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    stable_after: Option<Duration>,
}

impl Backoff {
    /// A backoff whose ceiling doubles from `base` (at least 1 ms) to `cap` (from `base` to a year); 60 s of
    /// running are stable.
    ///
    /// The bounds are checked where the child is added.
    #[must_use]
    pub const fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, stable_after: Some(Duration::from_mins(1)) }
    }

    /// Sets after how long an incarnation counts as stable although it never reported progress; `None`:
    /// never.
    #[must_use]
    pub const fn stable_after(self, stable_after: Option<Duration>) -> Self {
        Self { stable_after, ..self }
    }
}

impl Default for Backoff {
    /// From 1 s to 60 s; 60 s of running are stable.
    fn default() -> Self {
        Self::new(Duration::from_secs(1), Duration::from_mins(1))
    }
}

/// Where one child is in its row of restarts.
#[derive(Debug)]
pub(crate) struct Pace {
    backoff: Backoff,
    restarts_in_a_row: u32,
    random: fastrand::Rng,
}

impl Pace {
    pub(crate) fn new(backoff: Backoff, random: fastrand::Rng) -> Self {
        Self { backoff, restarts_in_a_row: 0, random }
    }

    /// Draws the wait that follows an incarnation which `ran_for` so long.
    pub(crate) fn after(&mut self, ran_for: Duration, progressed: bool) -> Duration {
        let was_stable = self.backoff.stable_after.is_some_and(|stable| ran_for >= stable);
        if progressed || was_stable {
            self.restarts_in_a_row = 0;
        }
        let floor = FLOOR.min(self.backoff.base);
        let ceiling = self.ceiling();
        self.restarts_in_a_row = self.restarts_in_a_row.saturating_add(1);
        Duration::from_micros(self.random.u64(micros(floor)..=micros(ceiling)))
    }

    fn ceiling(&self) -> Duration {
        let doublings = 2_u32.saturating_pow(self.restarts_in_a_row);
        self.backoff.base.saturating_mul(doublings).min(self.backoff.cap)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace(backoff: Backoff, seed: u64) -> Pace {
        println!("seed {seed}");
        Pace::new(backoff, fastrand::Rng::with_seed(seed))
    }

    #[test]
    fn a_wait_is_never_zero_and_never_above_its_doubling_ceiling() {
        for seed in 0..200 {
            let mut pace = pace(Backoff::default(), seed);
            for ceiling in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
                let wait = pace.after(Duration::ZERO, false);
                assert!(wait >= FLOOR, "{wait:?}");
                assert!(wait <= Duration::from_secs(ceiling), "{wait:?} is above {ceiling} s");
            }
        }
    }

    #[test]
    fn waits_spread_over_the_whole_range() {
        let mut below_half = 0_u32;
        for seed in 0..1_000 {
            let mut pace = pace(Backoff::new(SECOND, SECOND), seed);
            below_half += u32::from(pace.after(Duration::ZERO, false) < Duration::from_millis(550));
        }
        assert!((420..=580).contains(&below_half), "{below_half} of 1,000 in the lower half");
    }

    #[test]
    fn only_progress_or_a_stable_run_brings_the_ceiling_down() {
        let settle = |stable_after, ran_for, progressed| {
            let mut pace = pace(Backoff::default().stable_after(stable_after), 1);
            for _ in 0..10 {
                pace.after(Duration::ZERO, false);
            }
            pace.after(ran_for, progressed);
            pace.ceiling()
        };
        let minute = Duration::from_mins(1);
        let low = SECOND * 2;
        assert_eq!(settle(Some(minute), SECOND, false), minute);
        assert_eq!(settle(Some(minute), Duration::from_secs(59), false), minute);
        assert_eq!(settle(Some(minute), minute, false), low);
        assert_eq!(settle(Some(minute), SECOND, true), low);
        assert_eq!(settle(None, minute * 600, false), minute);
        assert_eq!(settle(None, SECOND, true), low);
    }

    #[test]
    fn a_very_long_row_or_cap_overflows_nothing() {
        let mut pace = pace(Backoff::new(Duration::from_millis(1), Duration::MAX), 7);
        for _ in 0..200 {
            assert!(pace.after(Duration::ZERO, false) >= Duration::from_millis(1));
        }
    }
}
