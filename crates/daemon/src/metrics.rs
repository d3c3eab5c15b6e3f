//! What is counted, and how it is shown.

mod instruments;
mod origin;
mod register;
mod watched;

use std::fmt;
use std::sync::{Arc, PoisonError};

use opentelemetry::metrics::{Histogram, Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use standpipe_cursor::Endpoint;
use standpipe_supervisor::Handle;

use crate::chronicle::Chronicle;
use crate::error::StartError;
use crate::health::{Health, ReadyLimits};
use crate::ledger::HostLedger;
use crate::lookups::Lookups;
use crate::probes::Prober;
use crate::quarantine::Intake;
use crate::stream::Stream;
use crate::telemetry::Telemetry;

pub use instruments::{INSTRUMENTS, Instrument, Kind};
pub use origin::{ORIGIN, OriginName};
use register::Register;
pub use watched::Listener;
pub(crate) use watched::Watched;

/// From half a millisecond, which a local sink takes, to a minute of waiting.
const DELIVERY_BOUNDARIES: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// The metrics of one process. None is global: each test has its own.
///
/// Most are read from the hosts' ledgers when somebody asks, so that a batch costs a few atomic additions.
pub struct Metrics {
    registry: Registry,
    provider: SdkMeterProvider,
    meter: Meter,
    delivery_seconds: Histogram<f64>,
    watched: Arc<Watched>,
    quarantine: Intake,
}

impl Metrics {
    /// Metrics of a daemon that writes to the stream. `high_water` is the backlog at which it waits.
    ///
    /// # Errors
    ///
    /// [`StartError::Metrics`]: the exporter refuses, which is a fault of this program.
    pub fn new(
        daemon: &'static str,
        stream: &'static str,
        high_water: Option<u64>,
        quarantine: Intake,
    ) -> Result<Self, StartError> {
        Self::with_telemetry(daemon, stream, high_water, quarantine, &Telemetry::off())
    }

    /// As [`new`](Self::new), with a collector that gets them too.
    pub(crate) fn with_telemetry(
        daemon: &'static str,
        stream: &'static str,
        high_water: Option<u64>,
        quarantine: Intake,
        telemetry: &Telemetry,
    ) -> Result<Self, StartError> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .without_units()
            .without_target_info()
            .scope_info_enabled(false)
            .build()
            .map_err(StartError::Metrics)?;
        let provider = telemetry.meter_provider(SdkMeterProvider::builder().with_reader(exporter));
        let meter = provider.meter("standpipe");
        let delivery_seconds = meter
            .f64_histogram(instruments::DELIVERY_SECONDS.name)
            .with_description(instruments::DELIVERY_SECONDS.meaning)
            .with_unit("s")
            .with_boundaries(DELIVERY_BOUNDARIES.to_vec())
            .build();
        let watched = Arc::new(Watched::new(daemon, stream, high_water));
        Register { meter: meter.clone(), watched: Arc::clone(&watched) }.ours(&quarantine);
        Ok(Self { registry, provider, meter, delivery_seconds, watched, quarantine })
    }

    /// Opens the ledger of a host.
    #[must_use]
    pub fn open_ledger(&self, host: &str) -> Arc<HostLedger> {
        self.keep(self.ledger(host))
    }

    /// Opens the ledger of a host that another named: it has no metrics of its own, and the daemon is ready without it.
    #[must_use]
    pub fn open_ledger_of_found(&self, host: &str) -> Arc<HostLedger> {
        self.keep(self.ledger(host).found())
    }

    fn ledger(&self, host: &str) -> HostLedger {
        HostLedger::new(
            host.into(),
            self.delivery_seconds.clone(),
            self.watched.length.clone(),
            self.quarantine.clone(),
            self.watched.chronicle.clone(),
            Arc::clone(&self.watched.relocated),
        )
    }

    fn keep(&self, ledger: HostLedger) -> Arc<HostLedger> {
        let ledger = Arc::new(ledger);
        self.watched.add(&ledger);
        ledger
    }

    /// Says whose children are watched. Only the first word counts.
    pub fn watch(&self, supervisor: Handle) {
        let _ = self.watched.supervisor.set(supervisor);
    }

    /// Listens to the supervisor: counts how the children of the hosts end, and tells their heartbeats, each on one
    /// line, in place of the supervisor's own.
    #[must_use]
    pub fn listener(&self) -> Listener {
        Listener::new(Arc::clone(&self.watched))
    }

    /// Says what makes the daemon unready besides trouble. Only the first word counts.
    pub fn limit(&self, limits: ReadyLimits) {
        let _ = self.watched.limits.set(limits);
    }

    /// Says who writes down what must outlive the process. Only the first word counts.
    pub fn chronicled_by(&self, chronicle: Arc<dyn Chronicle>) {
        self.watched.chronicle.by(chronicle);
    }

    /// Says who looks identities up. Only the first word counts.
    pub fn looked_up_by(&self, lookups: Arc<dyn Lookups>) {
        let _ = self.watched.lookups.set(lookups);
    }

    /// Who looks identities up, if anybody does.
    pub(crate) fn lookups(&self) -> Option<&Arc<dyn Lookups>> {
        self.watched.lookups.get()
    }

    /// Shows the origin ingester's names too.
    pub fn show_origin_names(&self) {
        Register { meter: self.meter.clone(), watched: Arc::clone(&self.watched) }.origin_names();
    }

    /// What looks at both sides before this host is tried again. Where it is may be said later.
    #[must_use]
    pub fn prober(&self, endpoint: Option<&Endpoint>, ledger: &Arc<HostLedger>) -> Prober {
        Prober::new(endpoint.cloned(), Arc::clone(ledger), self.stream())
    }

    /// Whether this is a host that others named.
    pub(crate) fn is_found(&self, host: &str) -> bool {
        self.watched.is_found(host)
    }

    /// The ledgers that were opened.
    pub(crate) fn ledgers(&self) -> Vec<Arc<HostLedger>> {
        self.watched.hosts.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a host that had to be looked up was found, and was not there before. Cancel-safe; for one who waits.
    pub(crate) async fn relocated(&self) {
        self.watched.relocated.notified().await;
    }

    /// What status pages are made of.
    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }

    /// The account of the stream that all hosts write to.
    pub(crate) fn stream(&self) -> Stream {
        self.watched.length.clone()
    }

    /// How the daemon is at this moment.
    #[must_use]
    pub fn health(&self) -> Health {
        self.watched.health()
    }

    /// The exposition in Prometheus text format 0.0.4.
    ///
    /// # Errors
    ///
    /// An error of the encoder's.
    pub fn exposition(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("provider", &self.provider).finish_non_exhaustive()
    }
}
