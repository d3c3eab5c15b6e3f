use std::fs;

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
    check(|machine, _| machine.has_killed(2), &RunEnding::OutOfMemory { kills: 2 });
    check(|machine, _| machine.boot("second"), &RunEnding::MachineRestarted);
    let both = |machine: &Machine, _: &IncidentLog| {
        machine.has_killed(2);
        machine.boot("second");
    };
    check(both, &RunEnding::MachineRestarted);
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
