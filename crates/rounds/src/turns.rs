use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// How long a host has its turn while others wait for theirs. A request that is on its way is waited for.
const TURN: Duration = Duration::from_secs(30);

/// The places of those that are asked at the same time. Clones are one.
#[derive(Clone, Debug)]
pub struct Turns {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
    waiting: Arc<AtomicUsize>,
    began: Instant,
}

impl Turns {
    /// So many places.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        let places = Arc::new(Semaphore::new(at_once.min(Semaphore::MAX_PERMITS)));
        Self { places, waiting: Arc::default() }
    }

    /// A place, if one is free.
    pub(crate) fn free(&self) -> Option<Turn> {
        Arc::clone(&self.places).try_acquire_owned().ok().map(|place| self.begins(place))
    }

    /// A place, as soon as all have had theirs that were here before. Cancel-safe; who comes again is the last.
    pub(crate) async fn next(&self) -> Turn {
        let _waiting = Waiting::among(&self.waiting);
        match Arc::clone(&self.places).acquire_owned().await {
            Ok(place) => self.begins(place),
            // Nobody ever closes it.
            Err(_closed) => std::future::pending().await,
        }
    }

    fn begins(&self, place: OwnedSemaphorePermit) -> Turn {
        Turn { _place: place, waiting: Arc::clone(&self.waiting), began: Instant::now() }
    }
}

impl Turn {
    /// Whether somebody waits for a place.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether others should have it now.
    pub(crate) fn is_over(&self) -> bool {
        self.is_wanted() && self.began.elapsed() >= TURN
    }
}

/// Counts one who waits, for as long as that lasts.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn among(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn i8_a_turn_is_over_when_it_was_long_and_somebody_waits() {
        let turns = Turns::new(1);
        let turn = turns.free().unwrap();
        assert!(turns.free().is_none());
        advance(TURN * 10).await;
        assert!(!turn.is_wanted() && !turn.is_over());

        let mut next = Box::pin(turns.next());
        assert!(polled_once(&mut next).await.is_none());
        assert!(turn.is_wanted() && turn.is_over());
        drop(turn);
        let turn = next.await;
        assert!(!turn.is_wanted());

        // Who stops waiting wants nothing.
        let mut next = Box::pin(turns.next());
        assert!(polled_once(&mut next).await.is_none());
        assert!(turn.is_wanted() && !turn.is_over());
        drop(next);
        assert!(!turn.is_wanted());
    }

    async fn polled_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }
}
