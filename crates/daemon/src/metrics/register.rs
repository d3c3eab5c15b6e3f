use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};
use standpipe_supervisor::{Phase, Standing, State};
use tokio::runtime;

use super::Watched;
use super::instruments::{self, Instrument};
use crate::chronicle::Chronicle;
use crate::enumeration::Shown;
use crate::found::FoundHosts;
use crate::ledger::{FOUND, HostLedger, Labelled, Link, add, add_all};
use crate::quarantine::Intake;

/// Registers what is read when somebody asks.
pub(super) struct Register {
    pub(super) meter: Meter,
    pub(super) watched: Arc<Watched>,
}

impl Register {
    /// All but the origin's.
    pub(super) fn ours(&self, quarantine: &Intake) {
        self.build_info();
        self.runs();
        self.hosts();
        self.standing();
        self.enumerations();
        self.found();
        self.stream();
        self.children();
        self.quarantine(quarantine);
        self.incidents();
        self.lookups();
    }

    fn build_info(&self) {
        let daemon = KeyValue::new("daemon", self.watched.daemon);
        let labels = [daemon, KeyValue::new("version", env!("CARGO_PKG_VERSION"))];
        self.gauge(instruments::BUILD_INFO, move |_, observer| observer.observe(1.0, &labels));
    }

    /// When this run began, and how the one before it ended.
    fn runs(&self) {
        let began = Timestamp::now().as_duration().as_secs_f64();
        self.gauge(instruments::START, move |_, observer| observer.observe(began, &[]));
        self.gauge(instruments::LAST_RUN, |watched, observer| {
            if let Some(how) = watched.chronicle.get().and_then(Chronicle::last_run) {
                observer.observe(1.0, &[KeyValue::new("how", how)]);
            }
        });
    }

    fn hosts(&self) {
        self.host_counter(instruments::FRAMES, |ledger| ledger.frames.load(Relaxed));
        self.host_counter(instruments::FRAME_BYTES, |ledger| ledger.frame_bytes.load(Relaxed));
        self.host_counter(instruments::ENTRY_BYTES, |ledger| ledger.entry_bytes.load(Relaxed));
        self.host_counter(instruments::CONNECTIONS, |ledger| ledger.connections.load(Relaxed));
        self.host_counter(instruments::PARKS, |ledger| ledger.parks.load(Relaxed));
        self.labelled_counter(instruments::ENTRIES, |ledger| ledger.counted().entries);
        self.labelled_counter(instruments::DROPPED, |ledger| ledger.counted().dropped);
        self.labelled_counter(instruments::WAITS, |ledger| ledger.counted().waits);
        self.labelled_counter(instruments::NOTED, |ledger| ledger.counted().noted);
        self.counter(instruments::LABEL_VERDICTS, |watched, observer| {
            watched.each_host(|ledger| {
                let [host] = ledger.attributes();
                for ((verdict, reason), count) in ledger.counted().judged {
                    let labels = [KeyValue::new("verdict", verdict), KeyValue::new("reason", reason)];
                    let [verdict, reason] = labels;
                    observer.observe(count, &[host.clone(), verdict, reason]);
                }
            });
        });
        self.labelled_counter(instruments::RETIRED, |ledger| ledger.counted().retired);
        self.labelled_counter(instruments::GAPS, |ledger| ledger.counted().gaps);
        self.labelled_counter(instruments::GAPS_CLOSED, |ledger| ledger.counted().gaps_closed);
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
        self.sum_gauge(instruments::BYTES_IN_FLIGHT, |ledger| {
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

    /// How far lists are that are read in rounds.
    fn enumerations(&self) {
        self.sum_gauge(instruments::GAPS_OWED, |ledger| {
            ledger.enumeration()?;
            Some(to_f64(ledger.gaps_owed() as u64))
        });
        self.round_gauge(instruments::ENUMERATED_REPOS, |shown| shown.listed.repos);
        self.round_gauge(instruments::ENUMERATED_PAGES, |shown| shown.listed.pages);
        self.sum_gauge(instruments::ENUMERATION_ESTIMATE, |ledger| {
            Some(to_f64(ledger.enumeration()?.estimated_repos?))
        });
        self.host_gauge(instruments::ENUMERATION_DONE, |ledger| {
            Some(ledger.enumeration()?.done?.at.as_duration().as_secs_f64())
        });
    }

    /// A figure of the round that a host's list is in.
    fn round_gauge(&self, instrument: Instrument, read: fn(&Shown) -> u64) {
        self.gauge(instrument, move |watched, observer| {
            let mut found = Labelled::new();
            watched.each_host(|ledger| {
                let Some(shown) = ledger.enumeration() else { return };
                if ledger.is_found() {
                    add(&mut found, shown.round, read(&shown));
                    return;
                }
                let [host] = ledger.attributes();
                let labels = [host.clone(), KeyValue::new("round", shown.round)];
                observer.observe(to_f64(read(&shown)), &labels);
            });
            for (round, count) in found {
                observer.observe(to_f64(count), &[found_hosts(), KeyValue::new("round", round)]);
            }
        });
    }

    /// The hosts that others named, and those who did.
    fn found(&self) {
        self.gauge(instruments::FOUND_HOSTS, |watched, observer| {
            let states = FoundHosts::of(watched).map(|found| found.states).unwrap_or_default();
            for (state, hosts) in states {
                observer.observe(to_f64(hosts), &[KeyValue::new("state", state)]);
            }
        });
        self.host_gauge(instruments::NAMED_HOSTS, |ledger| Some(to_f64(ledger.named()?.named)));
        self.gauge(instruments::SKIPPED_HOSTS, |watched, observer| {
            watched.each_host(|ledger| {
                let [host] = ledger.attributes();
                for (reason, hosts) in ledger.named().map(|named| named.skipped).unwrap_or_default() {
                    observer.observe(to_f64(hosts), &[host.clone(), KeyValue::new("reason", reason)]);
                }
            });
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

    fn lookups(&self) {
        self.counter(instruments::IDENTITY_LOOKUPS, |watched, observer| {
            for (outcome, count) in
                watched.lookups.get().map(|lookups| lookups.outcomes()).unwrap_or_default()
            {
                observer.observe(count, &[KeyValue::new("outcome", outcome)]);
            }
        });
        self.gauge(instruments::IDENTITIES_REMEMBERED, |watched, observer| {
            if let Some(lookups) = watched.lookups.get() {
                observer.observe(to_f64(lookups.remembered()), &[]);
            }
        });
    }

    fn host_counter(&self, instrument: Instrument, read: fn(&HostLedger) -> u64) {
        self.counter(instrument, move |watched, observer| {
            let mut found = None;
            watched.each_host(|ledger| {
                if ledger.is_found() {
                    *found.get_or_insert(0) += read(ledger);
                } else {
                    observer.observe(read(ledger), ledger.attributes());
                }
            });
            if let Some(found) = found {
                observer.observe(found, &[found_hosts()]);
            }
        });
    }

    /// A figure that makes sense in sum.
    fn sum_gauge(&self, instrument: Instrument, read: fn(&HostLedger) -> Option<f64>) {
        self.gauge(instrument, move |watched, observer| {
            let mut found = None;
            watched.each_host(|ledger| match read(ledger) {
                Some(value) if ledger.is_found() => *found.get_or_insert(0.0) += value,
                Some(value) => observer.observe(value, ledger.attributes()),
                None => {}
            });
            if let Some(found) = found {
                observer.observe(found, &[found_hosts()]);
            }
        });
    }

    /// A figure of one host that says nothing in sum: hosts that were found have none.
    fn host_gauge(&self, instrument: Instrument, read: fn(&HostLedger) -> Option<f64>) {
        self.gauge(instrument, move |watched, observer| {
            watched.each_host(|ledger| {
                if let Some(value) = read(ledger).filter(|_| !ledger.is_found()) {
                    observer.observe(value, ledger.attributes());
                }
            });
        });
    }

    /// A counter with a second label beside the host.
    fn labelled_counter(&self, instrument: Instrument, read: fn(&HostLedger) -> Labelled) {
        let label = instrument.labels.last().copied().unwrap_or_default();
        self.counter(instrument, move |watched, observer| {
            let mut found = Labelled::new();
            watched.each_host(|ledger| {
                if ledger.is_found() {
                    add_all(&mut found, read(ledger).into_iter());
                    return;
                }
                let [host] = ledger.attributes();
                for (value, count) in read(ledger) {
                    observer.observe(count, &[host.clone(), KeyValue::new(label, value)]);
                }
            });
            for (value, count) in found {
                observer.observe(count, &[found_hosts(), KeyValue::new(label, value)]);
            }
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
    State::Waiting.as_str(),
    Phase::BackingOff { restart_in: std::time::Duration::ZERO }.as_str(),
    "ended",
];

/// The label for all hosts that were found.
fn found_hosts() -> KeyValue {
    KeyValue::new("host", FOUND)
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}

/// Numbers of this size are exact: a seq has at most 53 bits.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point; seqs and sizes stay below 2^53")]
pub(super) fn to_f64(number: u64) -> f64 {
    number as f64
}
