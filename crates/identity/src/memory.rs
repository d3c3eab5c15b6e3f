use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Shared, WeakShared};
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::select;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::document::Identity;
use crate::error::ResolveError;
use crate::generations::Generations;
use crate::settings::Bounds;

pub(crate) type Outcome = Result<Arc<Identity>, Arc<ResolveError>>;
type Lookup = Pin<Box<dyn Future<Output = Outcome> + Send>>;
pub(crate) type Flight = Shared<Lookup>;

/// What is known, what failed, and what is on its way.
pub(crate) struct Memory {
    bounds: Bounds,
    shared: Arc<SharedState>,
}

struct SharedState {
    state: Mutex<State>,
    launched: Notify,
}

struct State {
    known: Generations<Arc<str>, Known>,
    failures: Generations<Arc<str>, Failure>,
    flights: HashMap<Arc<str>, (u64, WeakShared<Lookup>)>,
    launches: u64,
    /// Flights for the driver to take over; `None` where there is none.
    newcomers: Option<Vec<Flight>>,
}

struct Known {
    identity: Arc<Identity>,
    /// `None` where it is to be forgotten.
    fetched: Option<Instant>,
    /// The same by the wall clock, for the next process.
    fetched_at: Timestamp,
    /// Whether it was fetched by an earlier process. It is looked up again as soon as it is used.
    is_recalled: bool,
    label_key_since: Timestamp,
}

struct Failure {
    error: Arc<ResolveError>,
    until: Option<Instant>,
}

/// What one process knew of an identity, for the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keepsake {
    pub(crate) identity: Arc<Identity>,
    /// When it was fetched.
    pub(crate) fetched_at: Timestamp,
    /// When its label key was first seen.
    pub(crate) label_key_since: Timestamp,
}

/// What is remembered of a DID.
pub(crate) enum Look {
    Known(Recollection),
    /// It was looked up in vain not long ago, and nothing is known that could stand in for it.
    Failed(Arc<ResolveError>),
    Unknown,
}

/// An identity that is not too old to be used.
pub(crate) struct Recollection {
    pub(crate) identity: Arc<Identity>,
    /// When it was fetched.
    pub(crate) fetched: Instant,
    /// Whether it should be looked up again.
    pub(crate) is_stale: bool,
    /// Whether it was fetched by an earlier process and not since.
    pub(crate) is_recalled: bool,
    /// Whether it was looked up again in vain not long ago.
    pub(crate) is_unconfirmed: bool,
    /// When its label key was first seen.
    pub(crate) label_key_since: Timestamp,
}

impl Memory {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let state = State {
            known: Generations::with_cap(bounds.identities),
            failures: Generations::with_cap(bounds.failures),
            flights: HashMap::new(),
            launches: 0,
            newcomers: None,
        };
        Self { bounds, shared: Arc::new(SharedState { state: Mutex::new(state), launched: Notify::new() }) }
    }

    pub(crate) fn look(&self, did: &str) -> Look {
        let now = Instant::now();
        let mut state = self.shared.state();
        let failure = state.failure(did, now);
        let Some(known) = state.known.get_mut(did) else {
            return failure.map_or(Look::Unknown, Look::Failed);
        };
        let is_recalled = known.is_recalled;
        let usable = known.fetched.filter(|fetched| now - *fetched < self.bounds.max_age);
        match (usable, failure) {
            (Some(fetched), failure) => Look::Known(Recollection {
                identity: Arc::clone(&known.identity),
                fetched,
                is_stale: (is_recalled || now - fetched >= self.bounds.fresh_for) && failure.is_none(),
                is_recalled,
                is_unconfirmed: failure.is_some(),
                label_key_since: known.label_key_since,
            }),
            (None, Some(error)) => Look::Failed(error),
            (None, None) => Look::Unknown,
        }
    }

    pub(crate) fn learn(&self, did: &str, identity: &Arc<Identity>, now: Timestamp) {
        let mut state = self.shared.state();
        let before =
            state.known.get_mut(did).filter(|before| before.identity.label_key() == identity.label_key());
        let label_key_since = before.map_or(now, |before| before.label_key_since);
        let known = Known {
            identity: Arc::clone(identity),
            fetched: Some(Instant::now()),
            fetched_at: now,
            is_recalled: false,
            label_key_since,
        };
        state.failures.remove(did);
        state.known.insert(did.into(), known);
    }

    /// What was used last and is not too old, for the next process.
    pub(crate) fn keepsakes(&self) -> Vec<Keepsake> {
        let now = Instant::now();
        let state = self.shared.state();
        let usable = state.known.values().filter(|known| {
            known.fetched.is_some_and(|fetched| now.saturating_duration_since(fetched) < self.bounds.max_age)
        });
        let keepsakes = usable.take(self.bounds.kept).map(|known| Keepsake {
            identity: Arc::clone(&known.identity),
            fetched_at: known.fetched_at,
            label_key_since: known.label_key_since,
        });
        keepsakes.collect()
    }

    /// Takes over what an earlier process knew, unless more is known. It ages by the wall clock until now; what comes from
    /// the future is not believed.
    pub(crate) fn recall(&self, keepsake: Keepsake, now: Timestamp) {
        let Keepsake { identity, fetched_at, label_key_since } = keepsake;
        let Ok(age) = Duration::try_from(now.duration_since(fetched_at)) else { return };
        let fetched = Instant::now().checked_sub(age);
        let mut state = self.shared.state();
        if fetched.is_none() || state.known.get_mut(identity.did()).is_some() {
            return;
        }
        let did = identity.did().into();
        state.known.insert(did, Known { identity, fetched, fetched_at, is_recalled: true, label_key_since });
    }

    pub(crate) fn learn_failure(&self, did: &str, error: &Arc<ResolveError>) {
        let mut state = self.shared.state();
        if error.is_final() {
            state.known.remove(did);
        }
        if let Some(age) = error.age(self.bounds.error_age) {
            let failure = Failure { error: Arc::clone(error), until: Instant::now().checked_add(age) };
            state.failures.insert(did.into(), failure);
        }
    }

    pub(crate) fn forget(&self, did: &str) {
        let mut state = self.shared.state();
        state.failures.remove(did);
        if let Some(known) = state.known.get_mut(did) {
            known.fetched = None;
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.shared.state().known.len()
    }

    /// The flight of a DID that is on its way, or a new one; `None` where there are too many.
    pub(crate) fn join(&self, did: &str, launch: impl FnOnce(Landing) -> Lookup) -> Option<Flight> {
        let mut state = self.shared.state();
        if let Some(flight) = state.flights.get(did).and_then(|(_, flight)| flight.upgrade()) {
            return Some(flight);
        }
        if state.flights.len() >= self.bounds.lookups {
            return None;
        }
        state.launches += 1;
        let (did, number) = (Arc::<str>::from(did), state.launches);
        let landing = Landing { shared: Arc::clone(&self.shared), did: Arc::clone(&did), number };
        let flight = launch(landing).shared();
        // It has not been polled, so it is not over.
        if let Some(weak) = flight.downgrade() {
            state.flights.insert(did, (number, weak));
        }
        if let Some(newcomers) = &mut state.newcomers {
            newcomers.push(flight.clone());
            self.shared.launched.notify_one();
        }
        Some(flight)
    }

    /// Polls all flights, for ever.
    pub(crate) async fn drive(&self) {
        let aboard: Vec<_> = {
            let mut state = self.shared.state();
            state.newcomers.get_or_insert_default();
            state.flights.values().filter_map(|(_, flight)| flight.upgrade()).collect()
        };
        let _seat = DriversSeat(&self.shared);
        let mut flights: FuturesUnordered<Flight> = aboard.into_iter().collect();
        loop {
            let newcomers = self.shared.state().newcomers.as_mut().map(std::mem::take);
            flights.extend(newcomers.unwrap_or_default());
            select! {
                Some(_) = flights.next() => {}
                () = self.shared.launched.notified() => {}
            }
        }
    }
}

impl SharedState {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn failure(&mut self, did: &str, now: Instant) -> Option<Arc<ResolveError>> {
        let failure = self.failures.get_mut(did)?;
        failure.until.is_none_or(|until| now < until).then(|| Arc::clone(&failure.error))
    }
}

/// What a flight belongs to. Dropped, the flight is over.
pub(crate) struct Landing {
    shared: Arc<SharedState>,
    did: Arc<str>,
    number: u64,
}

impl Landing {
    pub(crate) fn did(&self) -> &str {
        &self.did
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        // Another may have been launched, when the last who waited for this one had just left.
        if state.flights.get(&self.did).is_some_and(|(number, _)| *number == self.number) {
            state.flights.remove(&self.did);
        }
    }
}

/// Given back when the driver leaves.
struct DriversSeat<'s>(&'s SharedState);

impl Drop for DriversSeat<'_> {
    fn drop(&mut self) {
        let left = self.0.state().newcomers.take();
        // A flight that nobody waits for ends here, and takes the lock for that.
        drop(left);
    }
}

#[cfg(test)]
mod tests;
