/// One metric: its name, its labels, what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// The name without `_total`, which counters get when they are shown.
    pub name: &'static str,
    /// How its values behave.
    pub kind: Kind,
    /// The labels. Each has few values, known when the program is written, but for `host`, which has one a host of the
    /// settings, and `*` for all others in sum.
    pub labels: &'static [&'static str],
    /// What it says, in one sentence.
    pub meaning: &'static str,
}

/// How the values of a metric behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only rise.
    Counter,
    /// They rise and fall.
    Gauge,
    /// They are counted by size.
    Histogram,
}

impl Instrument {
    /// The name in the exposition.
    #[must_use]
    pub fn exposed_name(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }
}

macro_rules! instruments {
    ($($name:ident: $kind:ident, $text:literal, [$($label:literal),*], $meaning:literal;)*) => {
        $(pub(super) const $name: Instrument = Instrument {
            name: $text, kind: Kind::$kind, labels: &[$($label),*], meaning: $meaning,
        };)*

        /// Every metric, in the order of the documentation.
        pub const INSTRUMENTS: &[Instrument] = &[$($name),*];
    };
}

instruments! {
    BUILD_INFO: Gauge, "standpipe_build_info", ["daemon", "version"], "Always 1: which daemon of which version this is.";
    START: Gauge, "standpipe_start_timestamp_seconds", [], "When the process began.";
    LAST_RUN: Gauge, "standpipe_last_run", ["how"], "Always 1: how the run before this one ended, in the words of the incident log.";
    FRAMES: Counter, "standpipe_frames", ["host"], "Frames whose seq is covered by the stored cursor.";
    FRAME_BYTES: Counter, "standpipe_frame_bytes", ["host"], "Bytes of these frames as received.";
    ENTRIES: Counter, "standpipe_entries", ["host", "kind"], "Entries that are in the sink, by kind.";
    ENTRY_BYTES: Counter, "standpipe_entry_bytes", ["host"], "Bytes of these entries.";
    DROPPED: Counter, "standpipe_dropped", ["host", "reason"], "Frames, ops and records that were deliberately not written.";
    WAITS: Counter, "standpipe_waits", ["host", "reason"], "How often a host of a list was let be before it was asked again: paced, told to, or for what came back, such as `status` or `cursor_loop`.";
    NOTED: Counter, "standpipe_noted", ["host", "what"], "What was written and is still worth counting.";
    LABEL_VERDICTS: Counter, "standpipe_label_verdicts", ["host", "verdict", "reason"], "Labels whose signature was looked at, by what was found and why.";
    QUARANTINED: Counter, "standpipe_quarantined", ["host", "reason"], "Unusable frames that were handed to the quarantine.";
    QUARANTINE_UNKEPT: Counter, "standpipe_quarantine_unkept", ["why"], "Unusable frames that the quarantine did not keep.";
    INCIDENTS: Counter, "standpipe_incidents", [], "Records of the incident log that are on the disk.";
    INCIDENTS_LOST: Counter, "standpipe_incidents_lost", ["why"], "Records that are not, or that Redis has no copy of.";
    IDENTITY_LOOKUPS: Counter, "standpipe_identity_lookups", ["outcome"], "Identities that were looked up, by what came of it.";
    IDENTITIES_REMEMBERED: Gauge, "standpipe_identities_remembered", [], "Identities that are remembered.";
    RETIRED: Counter, "standpipe_retired_entries", ["host", "fate"], "Entries that left the embedded log because its size is bounded, by whether every known reader had read them.";
    GAPS: Counter, "standpipe_gaps", ["host", "reason"], "Stretches of events that a host no longer had when they were asked for.";
    GAPS_CLOSED: Counter, "standpipe_gaps_closed", ["host", "reason"], "Gaps whose rows could be read later.";
    GAPS_OWED: Gauge, "standpipe_gaps_owed", ["host"], "Ranges of a list that could not be read, and are asked for again.";
    BATCHES: Counter, "standpipe_batches", ["host", "outcome"], "Batches that are durable: applied, or found to be stored already after a lost answer.";
    DELIVERY_SECONDS: Histogram, "standpipe_delivery_seconds", ["host"], "Time from the first try of a batch until it was durable, waiting on a full or absent sink included.";
    BYTES_IN_FLIGHT: Gauge, "standpipe_bytes_in_flight", ["host"], "Bytes of entries in the delivery that is under way.";
    STREAM_ENTRIES: Gauge, "standpipe_stream_entries", ["stream"], "Entries in the stream, as the sink last said.";
    HIGH_WATER_ENTRIES: Gauge, "standpipe_high_water_entries", ["stream"], "Entries in the stream at which delivery waits.";
    CURSOR_SEQ: Gauge, "standpipe_cursor_seq", ["host"], "The seq behind which everything is in the sink.";
    LAG_SECONDS: Gauge, "standpipe_lag_seconds", ["host"], "How old the last event in the sink is by the time that it gives itself. Grows while a host is silent.";
    CONNECTED: Gauge, "standpipe_connected", ["host"], "1 while the host is connected.";
    CONNECTIONS: Counter, "standpipe_connections", ["host"], "Connections that were made.";
    PARKS: Counter, "standpipe_parks", ["host"], "Connections that were given back because the sink took nothing for long.";
    STATE: Gauge, "standpipe_state", ["host", "state"], "1 for what the host's child is doing, 0 for all else that it could do.";
    RESTARTS: Counter, "standpipe_restarts", ["host", "ending"], "How often the host's child was started again, by the ending before it.";
    RESTARTS_LAST_HOUR: Gauge, "standpipe_restarts_last_hour", ["host"], "How often within the last hour; 1,200 stand for as many or more.";
    EXITS: Counter, "standpipe_exits", ["host", "ending"], "Endings of the host's child, by how they came.";
    OVER_INTENSITY: Gauge, "standpipe_over_intensity", ["host"], "1 while the host's child fails too often by our own doing.";
    HELD: Gauge, "standpipe_held", ["host"], "1 while the host waits for an operator's decision, because our cursor is ahead of it.";
    ENUMERATED_REPOS: Gauge, "standpipe_enumerated_repos", ["host", "round"], "Repos that the host has listed in this round of its enumeration; `first` is everything once, `again` everything once more, `new` what came since.";
    ENUMERATED_PAGES: Gauge, "standpipe_enumerated_pages", ["host", "round"], "Pages of this round.";
    ENUMERATION_ESTIMATE: Gauge, "standpipe_enumeration_estimated_repos", ["host"], "How many repos the host may have, as far as anybody says. An estimate.";
    ENUMERATION_DONE: Gauge, "standpipe_enumeration_done_timestamp_seconds", ["host"], "When the last whole enumeration of the host was in the sink.";
    FOUND_HOSTS: Gauge, "standpipe_found_hosts", ["state"], "Hosts that others named, by what their children are doing.";
    NAMED_HOSTS: Gauge, "standpipe_named_hosts", ["host"], "Hosts that this one has named when it was last asked for all of them.";
    SKIPPED_HOSTS: Gauge, "standpipe_skipped_hosts", ["host", "reason"], "Hosts among these that are not read, by reason.";
    SINCE_EVENT_SECONDS: Gauge, "standpipe_since_event_seconds", ["host"], "Time since a batch of the host was last made durable.";
    SINCE_SIGN_SECONDS: Gauge, "standpipe_since_sign_seconds", ["host"], "Time since the host last gave a sign of life: a connection, a batch, or an answer to a ping or a request.";
    SIGNS_OF_LIFE: Counter, "standpipe_signs_of_life", ["host"], "Pings of a quiet host, and pages of an enumeration, that were answered.";
    PROBES: Counter, "standpipe_probes", ["host", "side", "result"], "Looks at both sides before a host was tried again, by side and result.";
    SINK_ANSWERS: Gauge, "standpipe_sink_answers", [], "1 while the sink answered when it was last asked.";
    SINCE_HEARTBEAT_SECONDS: Gauge, "standpipe_since_heartbeat_seconds", [], "Time since the last heartbeats; more than `heartbeat` by far means that the process is held up.";
    TASKS: Gauge, "standpipe_tasks", [], "Tasks that the process has under way; grows with its hosts, and with nothing else.";
    READY: Gauge, "standpipe_ready", [], "1 while /readyz answers 200.";
}
