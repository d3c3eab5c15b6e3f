//! The faults of a host: which are planned, and which have happened.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::directory::LookupFault;
use crate::feed::Feed;
use crate::listing::{PageAsked, PageAt, PageFault, RowFlaw};
use crate::relay::fault::{At, Fault, Rule, StreamFault, UpgradeFault};

/// Names one planned fault of one relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(u64);

/// The faults that a relay, or whoever serves documents, is to have. They can be added and removed at any time; connections that exist
/// follow at once.
///
/// Every fault counts how often it happened, so that a check can show that it has seen what it is about.
#[derive(Debug)]
pub struct FaultPlan {
    planned: Mutex<Planned>,
    version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Planned {
    next: u64,
    rules: BTreeMap<FaultId, Rule>,
    fired: BTreeMap<FaultId, (&'static str, u64)>,
}

impl FaultPlan {
    pub(crate) fn new() -> Self {
        Self { planned: Mutex::default(), version: watch::Sender::new(0) }
    }

    /// Plans a fault.
    pub fn add(&self, rule: Rule) -> FaultId {
        let mut planned = self.lock();
        let id = FaultId(planned.next);
        planned.next += 1;
        planned.fired.insert(id, (rule.name(), 0));
        planned.rules.insert(id, rule);
        drop(planned);
        self.changed();
        id
    }

    /// Drops a fault from the plan. What it did stays counted.
    pub fn remove(&self, id: FaultId) {
        self.lock().rules.remove(&id);
        self.changed();
    }

    /// Drops all faults from the plan. What they did stays counted.
    pub fn clear(&self) {
        self.lock().rules.clear();
        self.changed();
    }

    /// How often a fault has happened.
    pub fn fired(&self, id: FaultId) -> u64 {
        self.lock().fired.get(&id).map_or(0, |(_, count)| *count)
    }

    /// How often faults of each name have happened; those planned and not seen yet with 0.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for (name, count) in self.lock().fired.values() {
            *counts.entry(*name).or_default() += count;
        }
        counts
    }

    /// Waits until a fault has happened so often. Cancel-safe.
    pub async fn until_fired(&self, id: FaultId, times: u64) {
        let mut version = self.subscribe();
        while self.fired(id) < times {
            // The sender lives as long as the plan does.
            let _ = version.changed().await;
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.version.subscribe()
    }

    /// What happens to a client that connects. Counted.
    pub(super) fn upgrade(
        &self,
        ordinal: u64,
        concerns: impl Fn(&UpgradeFault) -> bool,
    ) -> Option<UpgradeFault> {
        self.first(ordinal, |fault| match fault {
            Fault::Upgrade(fault) if concerns(fault) => Some(fault.clone()),
            Fault::Upgrade(_) | Fault::Stream(..) | Fault::Page(..) | Fault::Lookup(..) => None,
        })
    }

    /// What is planned for a connection that has sent `sent` frames, but for what it has had already.
    pub(super) fn armed(&self, ordinal: u64, sent: u64, had: &BTreeSet<FaultId>, feed: &Feed) -> Vec<Armed> {
        let planned = self.lock();
        let rules = planned
            .rules
            .iter()
            .filter(|(id, rule)| rule.connections.contains(&ordinal) && !had.contains(*id));
        rules
            .filter_map(|(id, rule)| match &rule.fault {
                Fault::Stream(at, fault) => {
                    let (when, every) = match at {
                        At::Frames(frames) => (When::Sent(*frames), None),
                        At::Every(frames) => (When::Sent(sent + frames), Some(*frames)),
                        At::Seq(seq) => (When::Next(feed.index_after(seq.saturating_sub(1))), None),
                    };
                    Some(Armed { id: *id, when, every, needs_a_frame: fault.needs_a_frame() })
                }
                Fault::Upgrade(_) | Fault::Page(..) | Fault::Lookup(..) => None,
            })
            .collect()
    }

    /// Takes a fault that is due, and counts it; `None` if it is used up or was removed.
    pub(super) fn take(&self, id: FaultId) -> Option<StreamFault> {
        let mut planned = self.lock();
        let fault = match &planned.rules.get(&id)?.fault {
            Fault::Stream(_, fault) => fault.clone(),
            Fault::Upgrade(_) | Fault::Page(..) | Fault::Lookup(..) => return None,
        };
        planned.count(id);
        drop(planned);
        self.changed();
        Some(fault)
    }

    /// What happens to a page that is asked for: faults of rows, each with its row's place, and at most one fault of
    /// the whole page, the one that was planned first. Counted.
    pub(crate) fn page(&self, asked: &PageAsked<'_>) -> (Option<PageFault>, Vec<(u64, RowFlaw)>) {
        let mut planned = self.lock();
        let (mut whole, mut flaws, mut due) = (None, Vec::new(), Vec::new());
        for (id, rule) in &planned.rules {
            let Fault::Page(at, fault) = &rule.fault else { continue };
            if !rule.connections.contains(&asked.ordinal) {
                continue;
            }
            let Some(places) = at.due(fault, asked) else { continue };
            if let PageFault::Row(flaw) = fault {
                flaws.extend(places.into_iter().map(|place| (place, *flaw)));
            } else if whole.is_none() {
                whole = Some(fault.clone());
            } else {
                continue;
            }
            due.push(*id);
        }
        for id in &due {
            planned.count(*id);
        }
        drop(planned);
        if !due.is_empty() {
            self.changed();
        }
        (whole, flaws)
    }

    /// What happens to a document that is asked for. Counted.
    pub(crate) fn lookup(&self, ordinal: u64, did: &str) -> Option<LookupFault> {
        self.first(ordinal, |fault| match fault {
            Fault::Lookup(whose, fault) if whose.as_ref().is_none_or(|whose| whose == did) => {
                Some(fault.clone())
            }
            Fault::Upgrade(_) | Fault::Stream(..) | Fault::Page(..) | Fault::Lookup(..) => None,
        })
    }

    /// What the first rule that is due makes of a connection or request. Counted.
    fn first<F>(&self, ordinal: u64, due: impl Fn(&Fault) -> Option<F>) -> Option<F> {
        let mut planned = self.lock();
        let mut rules = planned.rules.iter().filter(|(_, rule)| rule.connections.contains(&ordinal));
        let (id, fault) = rules.find_map(|(id, rule)| Some((*id, due(&rule.fault)?)))?;
        planned.count(id);
        drop(planned);
        self.changed();
        Some(fault)
    }

    /// Which rows can never be had, for as long as the plan stays as it is.
    pub(super) fn withheld(&self) -> Vec<PageAt> {
        let planned = self.lock();
        let rules =
            planned.rules.values().filter(|rule| rule.times == u64::MAX && rule.connections.end == u64::MAX);
        rules
            .filter_map(|rule| match &rule.fault {
                Fault::Page(at, fault) if fault.withholds() => Some(*at),
                Fault::Page(..) | Fault::Lookup(..) | Fault::Upgrade(_) | Fault::Stream(..) => None,
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Planned> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self) {
        self.version.send_modify(|version| *version += 1);
    }
}

impl Planned {
    fn count(&mut self, id: FaultId) {
        if let Some((_, count)) = self.fired.get_mut(&id) {
            *count += 1;
            if self.rules.get(&id).is_some_and(|rule| *count >= rule.times) {
                self.rules.remove(&id);
            }
        }
    }
}

/// A fault that waits for its moment on one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Armed {
    pub(super) id: FaultId,
    when: When,
    every: Option<u64>,
    needs_a_frame: bool,
}

#[derive(Clone, Copy, Debug)]
enum When {
    /// So many frames have been sent.
    Sent(u64),
    /// The next frame has this number.
    Next(u64),
}

impl Armed {
    /// How many frames may be sent before it is due, when `sent` have been and `next` comes next.
    pub(super) fn room(&self, next: u64, sent: u64) -> u64 {
        match self.when {
            When::Sent(frames) => frames.saturating_sub(sent),
            When::Next(index) => index.checked_sub(next).unwrap_or(u64::MAX),
        }
    }

    /// Whether it is due; `more` says whether the next frame is there.
    pub(super) fn is_due(&self, next: u64, sent: u64, more: bool) -> bool {
        match self.when {
            When::Sent(frames) => sent >= frames && (more || !self.needs_a_frame),
            When::Next(index) => next == index && more,
        }
    }

    /// The same fault's next time on the same connection.
    pub(super) fn again(&self, sent: u64) -> Option<Self> {
        self.every.map(|every| Self { when: When::Sent(sent + every), ..*self })
    }
}
