use std::fs;

use jiff::SignedDuration;
use standpipe_incidents::{Farewell, IncidentLog, RunEnding};

use crate::rig::{DAEMON, Machine, PATIENCE, exit, lost};

/// One run, what happens after its start, and how the next one sees it.
#[track_caller]
fn check(happens: impl FnOnce(&Machine, &IncidentLog), expected: &RunEnding) {
    let machine = Machine::new();
    let (log, first) = machine.run();
    assert_eq!((first.last_run.ending, first.restarts_last_hour), (RunEnding::FirstRun, 0));
    happens(&machine, &log);
    assert!(log.close(PATIENCE));
    let (_log, second) = machine.run();
    assert_eq!(second.last_run.ending, *expected);
    assert!(second.last_run.uptime_ms.is_some() && second.last_run.seen_at.is_some());
    assert_eq!((second.restarts_last_hour, second.restarts_last_day), (1, 1));
}

fn killed() -> RunEnding {
    RunEnding::Killed { memory_used_bytes: Some(1 << 20), memory_limit_bytes: Some(2 << 20) }
}

fn out_of_memory(kills: u64, on_machine: bool) -> RunEnding {
    RunEnding::OutOfMemory { kills, on_machine }
}

#[test]
fn i9_a_farewell_is_believed() {
    let clean = || Farewell::Clean { reason: Some("SIGTERM".to_owned()) };
    check(|_, log| log.say_farewell(clean()), &clean().into());
    let fatal = || Farewell::Fatal { cause: "the port is taken".to_owned(), code: 71 };
    check(|_, log| log.say_farewell(fatal()), &fatal().into());
    let signal = || Farewell::Signal { signal: "SIGSEGV".to_owned() };
    check(|_, log| log.say_farewell(signal()), &signal().into());
    // It was said before the machine went down.
    let then_down = |machine: &Machine, log: &IncidentLog| {
        log.say_farewell(clean());
        assert!(log.flush(PATIENCE));
        machine.boot("second");
        machine.has_killed(1);
    };
    check(then_down, &clean().into());
}

#[test]
fn i9_a_run_without_a_farewell_is_explained_by_the_machine() {
    check(|_, _| {}, &killed());
    check(|machine, _| machine.has_killed(2), &out_of_memory(2, false));
    check(|machine, _| machine.boot("second"), &RunEnding::MachineRestarted);
    let both = |machine: &Machine, _: &IncidentLog| {
        machine.has_killed(2);
        machine.boot("second");
    };
    check(both, &RunEnding::MachineRestarted);
}

#[test]
fn i9_where_the_group_is_made_anew_the_machine_tells() {
    let renewed = |machine: &Machine, _: &IncidentLog| {
        machine.has_killed_anywhere(7);
        machine.renew_group();
    };
    check(renewed, &out_of_memory(3, true));
    // Where the group has stayed, it knows better.
    check(|machine, _| machine.has_killed_anywhere(7), &killed());
    check(|machine, _| machine.renew_group(), &killed());
}

#[test]
fn a_kill_on_the_machine_tells_nothing_of_a_run_that_was_last_seen_long_ago() {
    let long_gone = |machine: &Machine, log: &IncidentLog| {
        machine.has_killed_anywhere(7);
        machine.renew_group();
        assert!(log.close(PATIENCE));
        machine.was_alive_at(|at| at - SignedDuration::from_secs(100));
    };
    check(long_gone, &killed());
}

#[test]
fn kills_for_memory_before_the_last_sign_of_life_were_others() {
    let other = |machine: &Machine, log: &IncidentLog| {
        machine.has_killed(5);
        log.record(exit("relay.example", 1, lost("reset")));
        assert!(log.flush(PATIENCE));
    };
    check(other, &killed());
}

#[test]
fn without_a_sign_of_life_the_log_tells_how_long_a_run_lived() {
    let unmarked = |machine: &Machine, log: &IncidentLog| {
        log.record(exit("relay.example", 1, lost("reset")));
        assert!(log.flush(PATIENCE));
        fs::write(machine.incidents().join(format!("{DAEMON}.alive")), "\0\0\0").unwrap();
    };
    check(unmarked, &RunEnding::Killed { memory_used_bytes: None, memory_limit_bytes: None });
}

#[test]
fn i9_a_farewell_outlives_a_disk_that_took_no_record() {
    let machine = Machine::new();
    let (log, _) = machine.run();
    log.say_farewell(Farewell::Signal { signal: "SIGBUS".to_owned() });
    assert!(log.close(PATIENCE));
    fs::write(machine.incidents().join(format!("{DAEMON}.jsonl")), "").unwrap();
    let (_log, second) = machine.run();
    assert_eq!(second.last_run.ending, RunEnding::Signal { signal: "SIGBUS".to_owned() });
}
