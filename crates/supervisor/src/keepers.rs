use std::collections::BTreeMap;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::task::JoinSet;

use crate::keeper::Keeper;
use crate::observer::Observers;
use crate::record::Record;
use crate::roster::{Arrival, Roster};
use crate::{ExitReport, OnGiveUp};

/// The keepers of all children, and the order in which these are stopped.
///
/// Dropping this cuts off every child.
#[derive(Debug)]
pub(crate) struct Keepers {
    roster: Arc<Roster>,
    on_give_up: OnGiveUp,
    observers: Observers,
    random: fastrand::Rng,
    ordinals: Arc<AtomicU64>,
    keeping: JoinSet<Kept>,
    /// How many are kept in each stage that has any.
    stages: BTreeMap<u8, usize>,
    are_stopping: bool,
}

/// A child that has ended for good, with its last report if it ever began.
#[derive(Debug)]
struct Kept {
    record: Arc<Record>,
    last: Option<Arc<ExitReport>>,
}

impl Keepers {
    pub(crate) fn new(
        roster: Arc<Roster>,
        on_give_up: OnGiveUp,
        observers: Observers,
        random: fastrand::Rng,
    ) -> Self {
        Self {
            roster,
            on_give_up,
            observers,
            random,
            ordinals: Arc::default(),
            keeping: JoinSet::new(),
            stages: BTreeMap::new(),
            are_stopping: false,
        }
    }

    /// Begins to keep those that have arrived.
    pub(crate) fn take_on_arrivals(&mut self) {
        for Arrival { spec, record } in self.roster.arrivals() {
            *self.stages.entry(record.stage).or_default() += 1;
            let (ordinals, observers) = (Arc::clone(&self.ordinals), self.observers.clone());
            let random = self.random.fork();
            let keeper = Keeper::new(spec, Arc::clone(&record), random, self.on_give_up, ordinals, observers);
            self.keeping.spawn(async move { Kept { last: keeper.keep().await, record } });
        }
    }

    /// Begins to stop all children, stage by stage, and takes nobody on from here.
    pub(crate) fn stop(&mut self) {
        self.are_stopping = true;
        self.roster.close();
        self.stop_lowest();
    }

    /// Waits for the next child that ends for good, and answers its last report if that counts; `None` when there is
    /// no child. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Option<Arc<ExitReport>>> {
        let Kept { record, last } = match self.keeping.join_next().await? {
            Ok(kept) => kept,
            // A keeper that panics is a fault of this crate, and its child is unwatched from here on. Nobody but the
            // runtime aborts one.
            Err(error) => match error.try_into_panic() {
                Ok(payload) => panic::resume_unwind(payload),
                Err(_cut_off) => return Some(None),
            },
        };
        if let Some(kept) = self.stages.get_mut(&record.stage) {
            *kept -= 1;
        }
        let stages = self.stages.len();
        self.stages.retain(|_, kept| *kept > 0);
        // All of a stage were told already. To tell thousands once for each that ends takes longer than they do.
        if self.are_stopping && self.stages.len() < stages {
            self.stop_lowest();
        }
        if record.is_dismissed() {
            self.roster.strike(&record);
            return Some(None);
        }
        Some(last)
    }

    /// Stops the lowest stage that has children left, and with it whoever has not begun.
    fn stop_lowest(&self) {
        let Some((&lowest, _)) = self.stages.first_key_value() else { return };
        for record in self.roster.records() {
            if record.stage <= lowest || !record.has_begun() {
                record.stopper.give();
            }
        }
    }
}
