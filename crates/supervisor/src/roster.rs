use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::record::Record;
use crate::{AddError, ChildSpec, RemoveError, SetupError};

/// The children of one supervisor, as they come and go.
#[derive(Debug)]
pub(crate) struct Roster {
    list: Mutex<List>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct List {
    records: Vec<Arc<Record>>,
    arrivals: Vec<Arrival>,
    closed: bool,
}

/// A child that nobody keeps yet.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) spec: ChildSpec,
    pub(crate) record: Arc<Record>,
}

impl Roster {
    /// A roster on which these have arrived.
    pub(crate) fn new(children: Vec<ChildSpec>) -> Result<Self, SetupError> {
        let mut list = List::default();
        children.into_iter().try_for_each(|child| list.enlist(child))?;
        Ok(Self { list: Mutex::new(list), arrived: Notify::new() })
    }

    pub(crate) fn add(&self, child: ChildSpec) -> Result<(), AddError> {
        let mut list = self.lock();
        if list.closed {
            return Err(AddError::Over { child: child.name });
        }
        list.enlist(child)?;
        drop(list);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits until a child was added. Cancel-safe.
    pub(crate) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Hands over those that nobody keeps yet.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        mem::take(&mut self.lock().arrivals)
    }

    /// Takes nobody on from here; those that nobody keeps yet were stopped before they began.
    pub(crate) fn close(&self) {
        let mut list = self.lock();
        list.closed = true;
        for arrival in list.arrivals.drain(..) {
            arrival.record.close();
        }
    }

    /// Takes nobody on from here, unless somebody has arrived already; answers whether it did.
    pub(crate) fn close_if_nobody_arrived(&self) -> bool {
        let mut list = self.lock();
        list.closed |= list.arrivals.is_empty();
        list.closed
    }

    /// Asks a child to leave; whoever keeps it closes its record, and strikes it.
    pub(crate) fn dismiss(&self, child: &str) -> Result<Arc<Record>, RemoveError> {
        let mut list = self.lock();
        let record = list.records.iter().find(|record| &*record.child == child);
        let record = Arc::clone(record.ok_or_else(|| RemoveError::Unknown { child: child.into() })?);
        record.dismiss();
        for unkept in list.arrivals.extract_if(.., |arrival| Arc::ptr_eq(&arrival.record, &record)) {
            unkept.record.close();
        }
        Ok(record)
    }

    pub(crate) fn strike(&self, record: &Arc<Record>) {
        self.lock().records.retain(|listed| !Arc::ptr_eq(listed, record));
    }

    /// Everybody, in the order in which they were added.
    pub(crate) fn records(&self) -> Vec<Arc<Record>> {
        self.lock().records.clone()
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl List {
    fn enlist(&mut self, spec: ChildSpec) -> Result<(), SetupError> {
        spec.check()?;
        if self.records.iter().any(|record| record.child == spec.name) {
            return Err(SetupError::DuplicateChild { child: spec.name });
        }
        let record = Arc::new(Record::new(&spec));
        self.records.push(Arc::clone(&record));
        self.arrivals.push(Arrival { spec, record });
        Ok(())
    }
}
