use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use opentelemetry::KeyValue;
use standpipe_supervisor::{ChildStatus, ExitReport, Handle, Heartbeat};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chronicle::Chronicled;
use crate::found::Beats;
use crate::health::{Health, ReadyLimits};
use crate::heartbeat;
use crate::ledger::HostLedger;
use crate::lookups::Lookups;
use crate::stream::Stream;

/// What the metrics are read from.
pub(crate) struct Watched {
    pub(crate) daemon: &'static str,
    pub(crate) stream: &'static str,
    pub(crate) high_water: Option<u64>,
    pub(crate) length: Stream,
    pub(crate) hosts: RwLock<Vec<Arc<HostLedger>>>,
    by_name: RwLock<HashMap<Arc<str>, Arc<HostLedger>>>,
    beats: Beats,
    pub(crate) supervisor: OnceLock<Handle>,
    pub(crate) limits: OnceLock<ReadyLimits>,
    pub(crate) chronicle: Chronicled,
    pub(crate) lookups: OnceLock<Arc<dyn Lookups>>,
    /// A host that had to be looked up was found, and was not there before.
    pub(super) relocated: Arc<Notify>,
    /// The last heartbeats that were told.
    pub(crate) heartbeat_at: Mutex<Option<Instant>>,
}

impl Watched {
    pub(super) fn new(daemon: &'static str, stream: &'static str, high_water: Option<u64>) -> Self {
        Self {
            daemon,
            stream,
            high_water,
            length: Stream::default(),
            hosts: RwLock::default(),
            by_name: RwLock::default(),
            beats: Beats::default(),
            supervisor: OnceLock::new(),
            limits: OnceLock::new(),
            chronicle: Chronicled::default(),
            lookups: OnceLock::new(),
            relocated: Arc::default(),
            heartbeat_at: Mutex::default(),
        }
    }

    pub(super) fn add(&self, ledger: &Arc<HostLedger>) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.insert(Arc::clone(ledger.host()), Arc::clone(ledger));
        drop(by_name);
        self.hosts.write().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(ledger));
    }

    pub(crate) fn each_host(&self, mut look: impl FnMut(&HostLedger)) {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().for_each(|ledger| look(ledger));
    }

    /// Those that read a host of the settings.
    pub(super) fn each_child(&self, mut look: impl FnMut(&ChildStatus, KeyValue)) {
        for child in self.supervisor.get().map(|handle| handle.status().children).unwrap_or_default() {
            if let Some(host) = child.host.clone().filter(|host| !self.is_found(host)) {
                look(&child, KeyValue::new("host", host));
            }
        }
    }

    pub(super) fn is_found(&self, host: &str) -> bool {
        self.ledger_of(host).is_some_and(|ledger| ledger.is_found())
    }

    pub(crate) fn ledger_of(&self, host: &str) -> Option<Arc<HostLedger>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    pub(crate) fn health(&self) -> Health {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let limits = self.limits.get().copied().unwrap_or_default();
        Health::of(self.supervisor.get(), &hosts, self.length.trouble(), limits)
    }
}

/// Tells the ledgers how their hosts' children ended, and the log how they are.
pub struct Listener(Arc<Watched>);

impl Listener {
    pub(super) fn new(watched: Arc<Watched>) -> Self {
        Self(watched)
    }
}

impl standpipe_supervisor::Observer for Listener {
    fn exited(&self, report: &Arc<ExitReport>) {
        if let Some(ledger) = report.host.as_ref().and_then(|host| self.0.ledger_of(host)) {
            ledger.ended(report);
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) {
        *self.0.heartbeat_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match heartbeat.status.host.as_ref().and_then(|host| self.0.ledger_of(host)) {
            Some(ledger) if ledger.is_found() => self.0.beats.beat(&self.0),
            Some(ledger) => heartbeat::tell(heartbeat, &ledger, &self.0.length),
            None => heartbeat::tell_attendant(heartbeat),
        }
    }
}
