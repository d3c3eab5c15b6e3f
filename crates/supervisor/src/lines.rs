//! The log lines: one an ending, one a heartbeat, with constant messages and stable field names.

use std::backtrace::Backtrace;
use std::time::Duration;

use crate::{Ending, ExitReport, Heartbeat, Phase, State};

macro_rules! exit_line {
    ($level:ident, $report:ident) => {{
        let report = $report;
        let panic = Panic::of(&report.ending);
        tracing::$level!(
            child = %report.child,
            host = report.host.as_deref(),
            incarnation = report.incarnation,
            ordinal = report.ordinal,
            ran_for_ms = millis(report.ran_for),
            state = report.state.as_str(),
            ending = report.ending.kind(),
            cause = report.ending.cause(),
            retry_after_ms = retry_after(&report.ending).map(millis),
            waiting_for = waited_for(&report.ending),
            task = panic.task,
            place = panic.place,
            backtrace = panic.backtrace,
            last_seq = report.last_seq,
            last_event_time = report.last_event_time.map(tracing::field::display),
            events = report.events,
            bytes = report.bytes,
            verdict = report.verdict.as_str(),
            restart_in_ms = report.verdict.restart_in().map(millis),
            "child ended"
        );
    }};
}

/// Tells what happens day by day: of a quiet child at DEBUG.
macro_rules! daily_line {
    ($is_quiet:ident, $($line:tt)*) => {
        if $is_quiet { tracing::debug!($($line)*) } else { tracing::info!($($line)*) }
    };
}

pub(crate) fn started(child: &str, host: Option<&str>, incarnation: u64, is_quiet: bool) {
    daily_line!(is_quiet, child, host, incarnation, "child started");
}

pub(crate) fn state(child: &str, host: Option<&str>, from: State, to: State, is_quiet: bool) {
    daily_line!(is_quiet, child, host, from = from.as_str(), state = to.as_str(), "state changed");
}

pub(crate) fn exit(report: &ExitReport, is_quiet: bool) {
    match report.ending {
        Ending::Finished | Ending::Stopped | Ending::Lost { .. } if is_quiet => exit_line!(debug, report),
        Ending::Finished | Ending::Stopped => exit_line!(info, report),
        Ending::Lost { .. } | Ending::Aborted { .. } => exit_line!(warn, report),
        Ending::Failed { .. } | Ending::Panicked { .. } | Ending::Stalled { .. } => {
            exit_line!(error, report);
        }
    }
}

pub(crate) fn heartbeat(heartbeat: &Heartbeat) {
    let status = &heartbeat.status;
    let running = match status.phase {
        Phase::Running { state_for, waiting_for, connected_for, .. } => {
            Some((state_for, waiting_for, connected_for))
        }
        Phase::NotStarted | Phase::BackingOff { .. } | Phase::Ended { .. } => None,
    };
    let restart_in = match status.phase {
        Phase::BackingOff { restart_in } => Some(restart_in),
        Phase::NotStarted | Phase::Running { .. } | Phase::Ended { .. } => None,
    };
    tracing::info!(
        child = %status.child,
        host = status.host.as_deref(),
        state = status.phase.as_str(),
        incarnation = status.incarnation,
        restarts = status.restarts,
        standing = status.standing.as_str(),
        last_seq = status.last_seq,
        last_event_time = status.last_event_time.map(tracing::field::display),
        events = heartbeat.events,
        bytes = heartbeat.bytes,
        since_ms = millis(heartbeat.since),
        state_for_ms = running.map(|(state_for, _, _)| millis(state_for)),
        waiting_for = running.map(|(_, waiting_for, _)| waiting_for),
        connected_for_ms = running.and_then(|(_, _, connected_for)| connected_for).map(millis),
        restart_in_ms = restart_in.map(millis),
        "heartbeat"
    );
}

/// The panic's part of an exit line.
#[derive(Default)]
struct Panic<'a> {
    task: Option<&'a str>,
    place: Option<String>,
    backtrace: Option<String>,
}

impl<'a> Panic<'a> {
    fn of(ending: &'a Ending) -> Self {
        match ending {
            Ending::Panicked { task, message: _, place, backtrace } => Self {
                task: task.as_deref(),
                place: place.as_ref().map(ToString::to_string),
                backtrace: backtrace.as_deref().map(on_one_line),
            },
            Ending::Finished
            | Ending::Stopped
            | Ending::Lost { .. }
            | Ending::Failed { .. }
            | Ending::Stalled { .. }
            | Ending::Aborted { .. } => Self::default(),
        }
    }
}

fn retry_after(ending: &Ending) -> Option<Duration> {
    match ending {
        Ending::Lost { retry_after, .. } => *retry_after,
        Ending::Finished
        | Ending::Stopped
        | Ending::Failed { .. }
        | Ending::Panicked { .. }
        | Ending::Stalled { .. }
        | Ending::Aborted { .. } => None,
    }
}

fn waited_for(ending: &Ending) -> Option<&'static str> {
    match ending {
        Ending::Stalled { waiting_for, .. } => Some(waiting_for),
        Ending::Finished
        | Ending::Stopped
        | Ending::Lost { .. }
        | Ending::Failed { .. }
        | Ending::Panicked { .. }
        | Ending::Aborted { .. } => None,
    }
}

/// Keeps a line a line for readers of plain text.
fn on_one_line(backtrace: &Backtrace) -> String {
    backtrace.to_string().lines().map(str::trim).collect::<Vec<_>>().join(" | ")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
