use jiff::{SignedDuration, Timestamp};

use crate::mark::Mark;
use crate::surroundings::{Memory, Surroundings};
use crate::{Farewell, LastRun, Record, RunEnding, What};

/// How long after the last sign of life a kill somewhere on the machine is taken for the run's: the ten seconds between
/// two signs, and the minute that Docker waits at most before it starts a container again.
const TOLD_BY_MACHINE: SignedDuration = SignedDuration::from_secs(90);

/// Says how the newest run ended, from what it left behind and from what the machine says.
pub(crate) fn judge(records: &[Record], mark: Option<&Mark>, surroundings: &Surroundings) -> LastRun {
    let begun = records.iter().rev().find(|record| matches!(record.incident.what, What::RunStarted(_)));
    // A mark that was not synced may be older than the log, and the log may not have been written at all.
    let mark = mark.filter(|mark| begun.is_none_or(|begun| mark.started_at >= begun.incident.at));
    let run = match (mark, begun) {
        (Some(mark), _) => &mark.run,
        (None, Some(begun)) => &begun.incident.run,
        (None, None) => return LastRun::NONE,
    };
    let left: Vec<_> = records.iter().filter(|record| record.incident.run == *run).collect();
    let farewell = left.iter().rev().find_map(|record| {
        let What::RunEnded(ended) = &record.incident.what else { return None };
        Some((ended.farewell.clone(), Some(ended.uptime_ms), record.incident.at))
    });
    let farewell = farewell.or_else(|| {
        let mark = mark?;
        Some((mark.farewell.clone()?, Some(mark.ran_for_ms), mark.alive_at))
    });
    if let Some((farewell, uptime_ms, at)) = farewell {
        return said(run, farewell, uptime_ms, at);
    }
    let started_at = mark.map(|mark| mark.started_at).or(left.first().map(|first| first.incident.at));
    let last_record = left.last().map(|last| last.incident.at);
    let by_records = started_at
        .zip(last_record)
        .map(|(started, last)| u64::try_from(last.duration_since(started).as_millis()).unwrap_or_default());
    let uptime_ms = mark.map(|mark| mark.ran_for_ms).max(by_records);
    let seen_at = mark.map(|mark| mark.alive_at).max(last_record);
    let boot_id = mark.and_then(|mark| mark.boot_id.clone()).or_else(|| {
        left.iter().find_map(|record| {
            let What::RunStarted(started) = &record.incident.what else { return None };
            started.boot_id.clone()
        })
    });
    let ending = silent(boot_id.as_deref(), mark, surroundings);
    LastRun { run: Some(run.clone()), ending, uptime_ms, seen_at }
}

fn said(run: &str, farewell: Farewell, uptime_ms: Option<u64>, at: Timestamp) -> LastRun {
    LastRun { run: Some(run.to_owned()), ending: farewell.into(), uptime_ms, seen_at: Some(at) }
}

/// Why there is no farewell.
fn silent(boot_id: Option<&str>, mark: Option<&Mark>, surroundings: &Surroundings) -> RunEnding {
    let another_boot = boot_id.zip(surroundings.boot_id()).is_some_and(|(then, now)| then != now);
    if another_boot {
        return RunEnding::MachineRestarted;
    }
    let killed = |mark: Option<&Mark>| RunEnding::Killed {
        memory_used_bytes: mark.and_then(|mark| mark.memory_used_bytes),
        memory_limit_bytes: mark.and_then(|mark| mark.memory_limit_bytes),
    };
    let Some(mark) = mark else { return killed(None) };
    let now = surroundings.memory();
    // Another group, or one that was made anew, counts from nothing. Then the machine's count is all that is left, and
    // it speaks of this run only for as long as little else can have happened.
    let on_machine = !is_same_group(mark, &now);
    let (then, now) = if on_machine {
        (mark.machine_oom_kills, now.machine_oom_kills)
    } else {
        (mark.oom_kills, now.oom_kills)
    };
    let is_told = !on_machine || Timestamp::now().duration_since(mark.alive_at) <= TOLD_BY_MACHINE;
    let rose_by = then.zip(now).filter(|_| is_told).and_then(|(then, now)| now.checked_sub(then));
    match rose_by {
        Some(kills) if kills > 0 => RunEnding::OutOfMemory { kills, on_machine },
        Some(_) | None => killed(Some(mark)),
    }
}

/// A mark of an older version knows the group by its name alone.
fn is_same_group(mark: &Mark, now: &Memory) -> bool {
    mark.group == now.group && mark.group_id.zip(now.group_id).is_none_or(|(then, now)| then == now)
}
