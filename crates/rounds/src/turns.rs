use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

/// How long a host has its turn while others wait for theirs. A request that is on its way is waited for.
const TURN: Duration = Duration::from_secs(30);

/// How long a host may be silent before it is waited for at the side.
const SILENCE: Duration = Duration::from_secs(2);
/// How many are waited for at the side, for each that has its turn.
const SIDE: usize = 4;

/// The places of those that are asked at the same time. Clones are one.
///
/// A host that has been asked and says nothing costs a connection and no more, so it gives its place to another as long
/// as there are places at the side.
#[derive(Clone, Debug)]
pub struct Turns {
    places: Arc<Semaphore>,
    side: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

/// A place that is taken, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Turns,
    began: Instant,
    /// When the host itself is due for something else.
    due: Option<Instant>,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    _place: OwnedSemaphorePermit,
    is_at_the_side: bool,
}

impl Turns {
    /// So many places.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        let places = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Self { places: places(at_once), side: places(at_once.saturating_mul(SIDE)), waiting: Arc::default() }
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
        let held = Mutex::new(Held { _place: place, is_at_the_side: false });
        Turn { turns: self.clone(), began: Instant::now(), due: None, held }
    }
}

impl Turn {
    /// The same, of a host that is due for something else then.
    pub(crate) fn until(self, due: Option<Instant>) -> Self {
        Self { due, ..self }
    }

    /// Whether the host is due for something else.
    pub(crate) fn is_due_elsewhere(&self) -> bool {
        self.due.is_some_and(|due| Instant::now() >= due)
    }

    /// Whether somebody waits for a place.
    pub(crate) fn is_wanted(&self) -> bool {
        self.turns.waiting.load(Ordering::Relaxed) > 0
    }

    /// Whether the host should leave now.
    pub(crate) fn is_over(&self) -> bool {
        self.is_wanted() && (self.began.elapsed() >= TURN || self.held().is_at_the_side)
    }

    /// Waits as long as a host may be silent that others wait for, and then steps aside where there is room: it goes on,
    /// and another has its place. Cancel-safe, and begins anew when it is called anew.
    pub(crate) async fn step_aside_when_silent(&self) -> Infallible {
        loop {
            sleep(SILENCE).await;
            let mut held = self.held();
            if held.is_at_the_side || !self.is_wanted() {
                continue;
            }
            if let Ok(place) = Arc::clone(&self.turns.side).try_acquire_owned() {
                *held = Held { _place: place, is_at_the_side: true };
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test(start_paused = true)]
    async fn i8_a_silent_host_gives_its_place_to_another_and_leaves_when_it_has_answered() {
        let turns = Turns::new(1);
        let silent: Vec<_> = {
            let mut silent = Vec::new();
            // As many as there is room for at the side, and one that keeps its place.
            for _ in 0..=SIDE {
                let turn = turns.next().await;
                let mut next = Box::pin(turns.next());
                assert!(polled_once(&mut next).await.is_none());
                let mut silence = Box::pin(turn.step_aside_when_silent());
                assert!(polled_once(&mut silence).await.is_none());
                advance(SILENCE).await;
                assert!(polled_once(&mut silence).await.is_none());
                assert_eq!(turn.is_over(), silent.len() < SIDE);
                drop((silence, next));
                silent.push(turn);
            }
            silent
        };
        // Nobody waits: it may go on.
        assert!(turns.free().is_none() && silent.iter().all(|turn| !turn.is_over()));
        drop(silent);
        assert!(turns.free().is_some());
    }

    async fn polled_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }
}
