use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

/// The way to one host, or to many that count as one: so many requests at a time, so long from one to the next, none
/// while the host wants to be left alone.
pub(crate) struct Lane {
    seats: Semaphore,
    every: Duration,
    /// When the next request may be sent; `None`: at once.
    next: Mutex<Option<Instant>>,
}

/// There is no turn in time; how long it would take, where that is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoTurn(pub(crate) Option<Duration>);

impl Lane {
    pub(crate) fn new(at_once: NonZeroUsize, every: Duration) -> Self {
        let seats = Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS));
        Self { seats, every, next: Mutex::new(None) }
    }

    /// Waits for a turn, which lasts as long as the seat is held. Fails at once where it is known to be too far.
    ///
    /// Cancel-safe: it gives the place in the line up.
    pub(crate) async fn turn(&self, within: Duration) -> Result<SemaphorePermit<'_>, NoTurn> {
        let now = Instant::now();
        let latest = now.checked_add(within);
        let too_far = |at: Instant| latest.is_some_and(|latest| at > latest);
        if let Some(at) = (*self.next()).filter(|at| too_far(*at)) {
            return Err(NoTurn(Some(at - now)));
        }
        let acquired = match latest {
            Some(latest) => timeout_at(latest, self.seats.acquire()).await.map_err(|_| NoTurn(None))?,
            None => self.seats.acquire().await,
        };
        // The semaphore is never closed.
        let seat = acquired.map_err(|_| NoTurn(None))?;
        let at = {
            let mut next = self.next();
            let now = Instant::now();
            let at = next.map_or(now, |next| next.max(now));
            if too_far(at) {
                return Err(NoTurn(Some(at - now)));
            }
            *next = at.checked_add(self.every);
            at
        };
        sleep_until(at).await;
        Ok(seat)
    }

    /// Sends nothing for a while.
    pub(crate) fn leave_alone(&self, wait: Duration) {
        let mut next = self.next();
        *next = (*next).max(Instant::now().checked_add(wait));
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lane(at_once: usize, every: Duration) -> Lane {
        Lane::new(NonZeroUsize::new(at_once).unwrap(), every)
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced() {
        let (lane, began) = (lane(8, SECOND), Instant::now());
        for number in 0..5 {
            drop(lane.turn(10 * SECOND).await.unwrap());
            assert_eq!(began.elapsed(), number * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn i10_whoever_finds_no_seat_does_not_wait_for_ever() {
        let (lane, began) = (lane(1, Duration::ZERO), Instant::now());
        let seat = lane.turn(SECOND).await.unwrap();
        assert_eq!(lane.turn(10 * SECOND).await.unwrap_err(), NoTurn(None));
        assert_eq!(began.elapsed(), 10 * SECOND);
        drop(seat);
        drop(lane.turn(SECOND).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_too_far_is_refused_at_once() {
        let (lane, began) = (lane(8, SECOND), Instant::now());
        lane.leave_alone(60 * SECOND);
        lane.leave_alone(SECOND);
        assert_eq!(lane.turn(30 * SECOND).await.unwrap_err(), NoTurn(Some(60 * SECOND)));
        assert_eq!(began.elapsed(), Duration::ZERO);
        drop(lane.turn(90 * SECOND).await.unwrap());
        assert_eq!(began.elapsed(), 60 * SECOND);
    }
}
