//! What is counted, and how it is shown.

mod instruments;
mod origin;

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};
use standpipe_cursor::Endpoint;
use standpipe_supervisor::{ChildStatus, ExitReport, Handle, Heartbeat, Phase, Standing, State};
use tokio::runtime;
use tokio::time::Instant;

use crate::chronicle::{Chronicle, Chronicled};
use crate::error::StartError;
use crate::health::{Health, ReadyLimits};
use crate::heartbeat;
use crate::ledger::{HostLedger, Labelled, Link};
use crate::probes::Prober;
use crate::quarantine::Intake;
use crate::stream::Stream;
use crate::telemetry::Telemetry;

pub use instruments::{INSTRUMENTS, Instrument, Kind};
pub use origin::{ORIGIN, OriginName};

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

/// What the metrics are read from.
pub(crate) struct Watched {
    pub(crate) daemon: &'static str,
    pub(crate) stream: &'static str,
    pub(crate) high_water: Option<u64>,
    pub(crate) length: Stream,
    pub(crate) hosts: RwLock<Vec<Arc<HostLedger>>>,
    pub(crate) supervisor: OnceLock<Handle>,
    pub(crate) limits: OnceLock<ReadyLimits>,
    pub(crate) chronicle: Chronicled,
    /// The last heartbeats that were told.
    pub(crate) heartbeat_at: Mutex<Option<Instant>>,
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
        let watched = Arc::new(Watched {
            daemon,
            stream,
            high_water,
            length: Stream::default(),
            hosts: RwLock::default(),
            supervisor: OnceLock::new(),
            limits: OnceLock::new(),
            chronicle: Chronicled::default(),
            heartbeat_at: Mutex::default(),
        });
        let register = Register { meter: meter.clone(), watched: Arc::clone(&watched) };
        register.build_info(daemon);
        register.hosts();
        register.standing();
        register.stream();
        register.children();
        register.quarantine(&quarantine);
        register.incidents();
        Ok(Self { registry, provider, meter, delivery_seconds, watched, quarantine })
    }

    /// Opens the ledger of a host.
    #[must_use]
    pub fn open_ledger(&self, host: &str) -> Arc<HostLedger> {
        let ledger = HostLedger::new(
            host.into(),
            self.delivery_seconds.clone(),
            self.watched.length.clone(),
            self.quarantine.clone(),
            self.watched.chronicle.clone(),
        );
        let ledger = Arc::new(ledger);
        let mut hosts = self.watched.hosts.write().unwrap_or_else(PoisonError::into_inner);
        hosts.push(Arc::clone(&ledger));
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
        Listener(Arc::clone(&self.watched))
    }

    /// Says what makes the daemon unready besides trouble. Only the first word counts.
    pub fn limit(&self, limits: ReadyLimits) {
        let _ = self.watched.limits.set(limits);
    }

    /// Says who writes down what must outlive the process. Only the first word counts.
    pub fn chronicled_by(&self, chronicle: Arc<dyn Chronicle>) {
        self.watched.chronicle.by(chronicle);
    }

    /// Shows the origin ingester's names too.
    pub fn show_origin_names(&self) {
        Register { meter: self.meter.clone(), watched: Arc::clone(&self.watched) }.origin_names();
    }

    /// What looks at both sides before this host is tried again.
    #[must_use]
    pub fn prober(&self, host: &Endpoint, ledger: &Arc<HostLedger>) -> Prober {
        Prober::new(host.clone(), Arc::clone(ledger), self.stream())
    }

    /// The ledgers that were opened.
    pub(crate) fn ledgers(&self) -> Vec<Arc<HostLedger>> {
        self.watched.hosts.read().unwrap_or_else(PoisonError::into_inner).clone()
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

/// Tells the ledgers how their hosts' children ended, and the log how they are.
pub struct Listener(Arc<Watched>);

impl standpipe_supervisor::Observer for Listener {
    fn exited(&self, report: &Arc<ExitReport>) {
        if let Some(ledger) = self.0.ledger_of(report.host.as_ref()) {
            ledger.ended(report);
        }
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) {
        *self.0.heartbeat_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        if let Some(ledger) = self.0.ledger_of(heartbeat.status.host.as_ref()) {
            heartbeat::tell(heartbeat, &ledger, &self.0.length);
        }
    }
}

impl Watched {
    fn each_host(&self, mut look: impl FnMut(&HostLedger)) {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().for_each(|ledger| look(ledger));
    }

    fn each_child(&self, mut look: impl FnMut(&ChildStatus, KeyValue)) {
        for child in self.supervisor.get().map(|handle| handle.status().children).unwrap_or_default() {
            if let Some(host) = child.host.clone() {
                look(&child, KeyValue::new("host", host));
            }
        }
    }

    fn ledger_of(&self, host: Option<&Arc<str>>) -> Option<Arc<HostLedger>> {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        hosts.iter().find(|ledger| Some(ledger.host()) == host).cloned()
    }

    pub(crate) fn health(&self) -> Health {
        let hosts = self.hosts.read().unwrap_or_else(PoisonError::into_inner);
        let limits = self.limits.get().copied().unwrap_or_default();
        Health::of(self.supervisor.get(), &hosts, self.length.trouble(), limits)
    }
}

/// Registers what is read when somebody asks.
struct Register {
    meter: Meter,
    watched: Arc<Watched>,
}

impl Register {
    fn build_info(&self, daemon: &'static str) {
        let labels = [KeyValue::new("daemon", daemon), KeyValue::new("version", env!("CARGO_PKG_VERSION"))];
        self.gauge(instruments::BUILD_INFO, move |_, observer| observer.observe(1.0, &labels));
    }

    fn hosts(&self) {
        self.host_counter(instruments::FRAMES, |ledger| ledger.frames.load(Relaxed));
        self.host_counter(instruments::FRAME_BYTES, |ledger| ledger.frame_bytes.load(Relaxed));
        self.host_counter(instruments::ENTRY_BYTES, |ledger| ledger.entry_bytes.load(Relaxed));
        self.host_counter(instruments::CONNECTIONS, |ledger| ledger.connections.load(Relaxed));
        self.host_counter(instruments::PARKS, |ledger| ledger.parks.load(Relaxed));
        self.labelled_counter(instruments::ENTRIES, |ledger| ledger.counted().entries);
        self.labelled_counter(instruments::DROPPED, |ledger| ledger.counted().dropped);
        self.labelled_counter(instruments::NOTED, |ledger| ledger.counted().noted);
        self.labelled_counter(instruments::RETIRED, |ledger| ledger.counted().retired);
        self.labelled_counter(instruments::GAPS, |ledger| ledger.counted().gaps);
        self.labelled_counter(instruments::QUARANTINED, |ledger| ledger.counted().quarantined);
        self.labelled_counter(instruments::EXITS, |ledger| ledger.counted().endings);
        self.labelled_counter(instruments::RESTARTS, |ledger| ledger.counted().restarts);
        self.host_counter(instruments::SIGNS_OF_LIFE, |ledger| ledger.signs_of_life.load(Relaxed));
        self.labelled_counter(instruments::BATCHES, |ledger| {
            vec![
                ("applied", ledger.batches_applied.load(Relaxed)),
                ("already", ledger.batches_already.load(Relaxed)),
            ]
        });
        self.host_gauge(instruments::BYTES_IN_FLIGHT, |ledger| {
            Some(to_f64(ledger.bytes_in_flight.load(Relaxed)))
        });
        self.host_gauge(instruments::CURSOR_SEQ, |ledger| Some(to_f64(ledger.cursor()?.seq()?.number())));
        self.host_gauge(instruments::CONNECTED, |ledger| Some(flag(ledger.condition().link == Link::Up)));
        self.host_gauge(instruments::LAG_SECONDS, |ledger| {
            let event_time = ledger.condition().event_time?;
            Some(Timestamp::now().duration_since(event_time).as_secs_f64())
        });
    }

    /// What a host's ledger says of its trouble and its silence.
    fn standing(&self) {
        self.host_gauge(instruments::SINCE_EVENT_SECONDS, |ledger| {
            Some(ledger.condition().delivered_at?.elapsed().as_secs_f64())
        });
        self.host_gauge(instruments::SINCE_SIGN_SECONDS, |ledger| {
            Some(ledger.condition().sign_at?.elapsed().as_secs_f64())
        });
        self.host_gauge(instruments::HELD, |ledger| Some(flag(ledger.condition().hold.is_some())));
        self.host_gauge(instruments::RESTARTS_LAST_HOUR, |ledger| Some(to_f64(ledger.restarts_last_hour())));
        self.counter(instruments::PROBES, |watched, observer| {
            watched.each_host(|ledger| {
                let [host] = ledger.attributes();
                let counted = ledger.counted();
                for (side, results) in [("host", counted.probes_of_host), ("sink", counted.probes_of_sink)] {
                    for (result, count) in results {
                        let labels = [KeyValue::new("side", side), KeyValue::new("result", result)];
                        let [side, result] = labels;
                        observer.observe(count, &[host.clone(), side, result]);
                    }
                }
            });
        });
        // An exporter asks from a thread that has no runtime of its own.
        if let Ok(runtime) = runtime::Handle::try_current() {
            self.gauge(instruments::TASKS, move |_, observer| {
                let tasks = u64::try_from(runtime.metrics().num_alive_tasks()).unwrap_or(u64::MAX);
                observer.observe(to_f64(tasks), &[]);
            });
        }
        self.gauge(instruments::SINCE_HEARTBEAT_SECONDS, |watched, observer| {
            let at = *watched.heartbeat_at.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = at {
                observer.observe(at.elapsed().as_secs_f64(), &[]);
            }
        });
    }

    fn stream(&self) {
        let labels = [KeyValue::new("stream", self.watched.stream)];
        let same = labels.clone();
        self.gauge(instruments::STREAM_ENTRIES, move |watched, observer| {
            if let Some(entries) = watched.length.backlog() {
                observer.observe(to_f64(entries), &labels);
            }
        });
        self.gauge(instruments::SINK_ANSWERS, |watched, observer| {
            let known = watched.length.condition();
            if known.heard_at.is_some() {
                observer.observe(flag(known.trouble.is_none()), &[]);
            }
        });
        self.gauge(instruments::HIGH_WATER_ENTRIES, move |watched, observer| {
            if let Some(mark) = watched.high_water {
                observer.observe(to_f64(mark), &same);
            }
        });
    }

    fn children(&self) {
        self.gauge(instruments::OVER_INTENSITY, |watched, observer| {
            watched.each_child(|child, host| {
                let over = child.standing != Standing::Sound;
                observer.observe(flag(over), &[host]);
            });
        });
        self.gauge(instruments::STATE, |watched, observer| {
            watched.each_child(|child, host| {
                for state in STATES {
                    let is_it = child.phase.as_str() == *state;
                    let labels = [host.clone(), KeyValue::new("state", *state)];
                    observer.observe(flag(is_it), &labels);
                }
            });
        });
        self.gauge(instruments::READY, |watched, observer| {
            observer.observe(flag(watched.health().ready), &[]);
        });
    }

    fn quarantine(&self, intake: &Intake) {
        let intake = intake.clone();
        self.counter(instruments::QUARANTINE_UNKEPT, move |_, observer| {
            for (why, count) in intake.unkept() {
                observer.observe(count, &[KeyValue::new("why", why)]);
            }
        });
    }

    fn incidents(&self) {
        self.counter(instruments::INCIDENTS, |watched, observer| {
            if let Some(chronicle) = watched.chronicle.get() {
                observer.observe(chronicle.written(), &[]);
            }
        });
        self.counter(instruments::INCIDENTS_LOST, |watched, observer| {
            let lost = watched.chronicle.get().map(Chronicle::lost).unwrap_or_default();
            for (why, count) in lost {
                observer.observe(count, &[KeyValue::new("why", why)]);
            }
        });
    }

    fn host_counter(&self, instrument: Instrument, read: fn(&HostLedger) -> u64) {
        self.counter(instrument, move |watched, observer| {
            watched.each_host(|ledger| observer.observe(read(ledger), ledger.attributes()));
        });
    }

    fn host_gauge(&self, instrument: Instrument, read: fn(&HostLedger) -> Option<f64>) {
        self.gauge(instrument, move |watched, observer| {
            watched.each_host(|ledger| {
                if let Some(value) = read(ledger) {
                    observer.observe(value, ledger.attributes());
                }
            });
        });
    }

    /// A counter with a second label beside the host.
    fn labelled_counter(&self, instrument: Instrument, read: fn(&HostLedger) -> Labelled) {
        let label = instrument.labels.last().copied().unwrap_or_default();
        self.counter(instrument, move |watched, observer| {
            watched.each_host(|ledger| {
                let [host] = ledger.attributes();
                for (value, count) in read(ledger) {
                    observer.observe(count, &[host.clone(), KeyValue::new(label, value)]);
                }
            });
        });
    }

    fn counter(
        &self,
        instrument: Instrument,
        read: impl Fn(&Watched, &dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    ) {
        let watched = Arc::clone(&self.watched);
        let builder = self.meter.u64_observable_counter(instrument.name);
        let builder = builder.with_description(instrument.meaning);
        let _ = builder.with_callback(move |observer| read(&watched, observer)).build();
    }

    fn gauge(
        &self,
        instrument: Instrument,
        read: impl Fn(&Watched, &dyn AsyncInstrument<f64>) + Send + Sync + 'static,
    ) {
        let watched = Arc::clone(&self.watched);
        let builder = self.meter.f64_observable_gauge(instrument.name);
        let builder = builder.with_description(instrument.meaning);
        let _ = builder.with_callback(move |observer| read(&watched, observer)).build();
    }
}

/// Every word that [`Phase::as_str`] has.
const STATES: &[&str] = &[
    "not_started",
    State::Starting.as_str(),
    State::Connecting.as_str(),
    State::Streaming.as_str(),
    State::Full.as_str(),
    State::Unavailable.as_str(),
    State::Parked.as_str(),
    State::Held.as_str(),
    Phase::BackingOff { restart_in: std::time::Duration::ZERO }.as_str(),
    "ended",
];

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

/// Numbers of this size are exact: a seq has at most 53 bits.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point; seqs and sizes stay below 2^53")]
fn to_f64(number: u64) -> f64 {
    number as f64
}
