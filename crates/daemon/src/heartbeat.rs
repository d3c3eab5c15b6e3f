use std::sync::Arc;
use std::time::Duration;

use standpipe_supervisor::{Heartbeat, Phase};

use crate::ledger::HostLedger;
use crate::stream::Stream;

/// Tells how a host is, on one line: what its child and its ledger know of it.
pub(crate) fn tell(heartbeat: &Heartbeat, ledger: &Arc<HostLedger>, stream: &Stream) {
    let status = &heartbeat.status;
    let condition = ledger.condition();
    let (waiting_for, restart_in) = match status.phase {
        Phase::Running { waiting_for, .. } => (Some(waiting_for), None),
        Phase::BackingOff { restart_in } => (None, Some(restart_in)),
        Phase::NotStarted | Phase::Ended { .. } => (None, None),
    };
    let enumeration = ledger.enumeration();
    let enumeration = enumeration.as_ref();
    let hold = condition.hold.as_ref();
    let lag_ms = condition.lag_ms();
    tracing::info!(
        child = %status.child,
        host = status.host.as_deref(),
        state = status.phase.as_str(),
        waiting_for,
        seq = status.last_seq,
        cursor = condition.cursor.as_ref().map(tracing::field::display),
        event_time = condition.event_time.map(tracing::field::display),
        lag_ms,
        events = heartbeat.events,
        bytes = heartbeat.bytes,
        since_ms = millis(heartbeat.since),
        bytes_in_flight = ledger.bytes_in_flight.load(std::sync::atomic::Ordering::Relaxed),
        stream_entries = stream.backlog(),
        incarnation = status.incarnation,
        restarts = status.restarts,
        restarts_last_hour = ledger.restarts_last_hour(),
        standing = status.standing.as_str(),
        connected_since = condition.connected_since.map(tracing::field::display),
        restart_in_ms = restart_in.map(millis),
        repos = enumeration.map(|shown| shown.listed.repos),
        pages = enumeration.map(|shown| shown.listed.pages),
        repos_per_second = enumeration.map(|shown| shown.repos_per_second),
        estimated_percent = enumeration.and_then(|shown| shown.estimated_percent),
        estimated_seconds_left = enumeration.and_then(|shown| shown.estimated_seconds_left),
        done_at = enumeration.and_then(|shown| shown.done.as_ref()).map(|done| tracing::field::display(done.at)),
        held_since = hold.map(|hold| hold.since.as_str()),
        "heartbeat"
    );
}

/// Tells how a child is that reads no host.
pub(crate) fn tell_attendant(heartbeat: &Heartbeat) {
    let status = &heartbeat.status;
    tracing::info!(
        child = %status.child,
        state = status.phase.as_str(),
        restarts = status.restarts,
        standing = status.standing.as_str(),
        "heartbeat"
    );
}

/// Whole milliseconds, as lines and pages tell durations.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
