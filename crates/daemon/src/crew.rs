use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use standpipe_cursor::CursorStore;
use standpipe_pipeline::{Acquire, Observer};
use standpipe_supervisor::{AddError, Backoff, ChildSpec, Handle, Intensity};

use crate::daemon::{Daemon, HostSetup};
use crate::host::Host;
use crate::ingest::Reader;
use crate::ledger::HostLedger;
use crate::run::{child_grace, stall_after};
use crate::settings::Plan;
use crate::sinks::Sinks;
use crate::{Metrics, Newcomers, StartError};

/// How soon one of thousands is tried again that was lost, and how seldom at last.
const FOUND_BACKOFF: Duration = Duration::from_secs(15);
const FOUND_BACKOFF_CAP: Duration = Duration::from_hours(1);

/// The hosts that are read, and what their children are made of: those of the settings, and those that come later.
pub(crate) struct Crew<D> {
    daemon: D,
    plan: Plan,
    metrics: Arc<Metrics>,
    sinks: Sinks,
    /// The names of all that were made children.
    known: Mutex<HashSet<String>>,
    supervisor: OnceLock<Handle>,
}

impl<D: Daemon> Crew<D> {
    pub(crate) fn new(plan: Plan, metrics: Arc<Metrics>, sinks: Sinks) -> Result<Arc<Self>, StartError> {
        let daemon = D::new(&plan).map_err(StartError::Daemon)?;
        if let Some(lookups) = daemon.lookups() {
            metrics.looked_up_by(lookups);
        }
        let (known, supervisor) = (Mutex::default(), OnceLock::new());
        Ok(Arc::new(Self { daemon, plan, metrics, sinks, known, supervisor }))
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn sinks(&self) -> &Sinks {
        &self.sinks
    }

    /// The children that are there from the beginning.
    pub(crate) fn first(self: &Arc<Self>) -> Vec<ChildSpec> {
        let hosts = D::hosts(&self.plan).into_iter().filter_map(|host| self.child(&host, Origin::Settings));
        hosts.chain(self.daemon.attendants()).collect()
    }

    /// By whom later children are taken on.
    pub(crate) fn works_for(&self, supervisor: Handle) {
        let _ = self.supervisor.set(supervisor);
    }

    /// The child of a host; `None` where it has one.
    fn child(self: &Arc<Self>, host: &D::Host, origin: Origin) -> Option<ChildSpec> {
        if !self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(host.name().to_owned()) {
            return None;
        }
        let ledger = match origin {
            Origin::Settings => self.metrics.open_ledger(host.name()),
            Origin::Found => self.metrics.open_ledger_of_found(host.name()),
        };
        let setup = HostSetup {
            plan: &self.plan,
            key: host.key(D::STREAM),
            prober: self.metrics.prober(host.endpoint(), &ledger),
            newcomers: self.newcomers(),
            was_found: origin == Origin::Found,
        };
        let reader = Arc::new(self.daemon.reader(host, setup));
        let post = Post { name: host.name(), reader, ledger };
        let child = match self.sinks.clone() {
            Sinks::Redis(sinks) => post.child(move |observer| sinks.observed_by(observer)),
            Sinks::Log(log) => post.child(move |observer| log.observed_by(observer)),
            Sinks::Lines(lines) => post.child(move |observer| lines.observed_by(observer)),
        };
        let child = child.grace(child_grace(&self.plan)).stall_after(Some(stall_after(&self.plan)));
        Some(match origin {
            Origin::Settings => child,
            // Many are down for ever, and none of them may end the daemon, whatever it sends.
            Origin::Found => child
                .backoff(Backoff::new(FOUND_BACKOFF, FOUND_BACKOFF_CAP).stable_after(None))
                .intensity(Intensity::new(u32::MAX, FOUND_BACKOFF_CAP * 2))
                .quiet(true),
        })
    }

    fn newcomers(self: &Arc<Self>) -> Newcomers<D::Host> {
        let crew = Arc::downgrade(self);
        Newcomers::by(move |host: D::Host| {
            let over = || AddError::Over { child: host.name().into() };
            let crew = crew.upgrade().ok_or_else(over)?;
            let supervisor = crew.supervisor.get().ok_or_else(over)?;
            let Some(child) = crew.child(&host, Origin::Found) else { return Ok(false) };
            supervisor.add(child).map(|()| true)
        })
    }
}

/// Who named a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Settings,
    Found,
}

/// One host, and what its child is made of.
struct Post<'a, R> {
    name: &'a str,
    reader: Arc<R>,
    ledger: Arc<HostLedger>,
}

impl<R: Reader> Post<'_, R> {
    fn child<A: Acquire + CursorStore + Clone + 'static>(
        self,
        sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
    ) -> ChildSpec {
        let Self { name, reader, ledger } = self;
        let child = move |scope| {
            let (reader, sinks, ledger) = (Arc::clone(&reader), sinks.clone(), Arc::clone(&ledger));
            async move { reader.read(sinks, ledger, scope).await }
        };
        ChildSpec::new(name, child).host(name)
    }
}

#[cfg(test)]
mod tests;
