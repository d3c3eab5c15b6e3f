use std::fs;
use std::sync::{Arc, Mutex};

use standpipe_incidents::{Farewell, IncidentLog, What};

use crate::rig::{DAEMON, Machine, PATIENCE, exit, lost};

#[test]
fn i9_what_was_flushed_is_there_whatever_becomes_of_the_process() {
    let machine = Machine::new();
    let (log, _) = machine.run();
    log.record(exit("relay.example", 1, lost("connection reset")));
    assert!(log.flush(PATIENCE));
    // Nothing was closed: this is what a kill leaves.
    let kept = machine.kept();
    assert_eq!((kept.records.len(), kept.unreadable, log.written()), (2, 0, 2));
    let What::ChildEnded(report) = &kept.records[1].incident.what else { panic!("{kept:?}") };
    assert_eq!(report.cause.as_deref(), Some("connection reset"));
    assert_eq!(report.last_event_time.as_deref(), Some("2026-03-01T06:57:29.000125Z"));
}

#[test]
fn every_line_is_copied_as_it_is_written_and_the_farewell_comes_last() {
    let machine = Machine::new();
    let copies = Arc::new(Mutex::new(Vec::new()));
    let theirs = Arc::clone(&copies);
    let copy = move |line: &str| theirs.lock().unwrap().push(line.to_owned());
    let (log, _) = IncidentLog::open(machine.settings(), "1.0.0", &[], copy);
    log.say_farewell(Farewell::Clean { reason: None });
    log.record(exit("relay.example", 1, lost("late")));
    log.say_farewell(Farewell::Fatal { cause: "not heard".to_owned(), code: 70 });
    assert!(log.flush(PATIENCE));
    let lines: Vec<_> = machine.kept().records.into_iter().map(|record| record.line).collect();
    assert_eq!(*copies.lock().unwrap(), lines);
    assert_eq!(lines.iter().filter(|line| line.contains("run_ended")).count(), 1);
}

#[test]
fn a_folder_that_cannot_be_had_is_counted_and_ends_nothing() {
    let machine = Machine::new();
    fs::write(machine.incidents(), "in the way").unwrap();
    let (log, started) = IncidentLog::open(machine.settings(), "1.0.0", &[], |_| {});
    log.record(exit("relay.example", 1, lost("reset")));
    assert!(log.flush(PATIENCE), "a record that is lost is dealt with, too");
    assert_eq!(started.last_run.ending.as_str(), "first_run");
    assert_eq!((log.written(), log.lost()[1]), (0, ("disk", 2)));
    fs::remove_file(machine.incidents()).unwrap();
    log.record(exit("relay.example", 2, lost("again")));
    assert!(log.flush(PATIENCE));
    let kinds: Vec<_> = machine.kept().records.into_iter().map(|record| record.incident.what).collect();
    assert_eq!(kinds[0], What::Omitted { records: 2, reason: "disk".to_owned() });
    assert_eq!((kinds.len(), log.written()), (2, 1));
}

#[test]
fn a_log_that_another_process_writes_is_left_alone() {
    let machine = Machine::new();
    let (first, _) = machine.run();
    let (second, started) = machine.run();
    assert_eq!(started.last_run.ending.as_str(), "still_running");
    second.record(exit("relay.example", 1, lost("reset")));
    assert!(second.flush(PATIENCE));
    assert_eq!((second.written(), second.lost()[2]), (0, ("taken", 2)));
    assert_eq!(machine.kept().records.len(), 1);
    drop(first);
}

#[test]
fn i7_a_log_of_many_endings_stays_within_its_bound_and_tells_the_first() {
    const ENDINGS: u64 = 3_000;
    const LEAST: usize = 200;
    let machine = Machine::new();
    let mut settings = machine.settings();
    settings.bytes = 256 << 10;
    let (log, _) = IncidentLog::open(settings, "1.0.0", &[], |_| {});
    for ordinal in 1..=ENDINGS {
        log.record(exit("relay.example", ordinal, lost("connection reset by peer")));
        if ordinal % 100 == 0 {
            assert!(log.flush(PATIENCE));
        }
    }
    let size = |name: &str| fs::metadata(machine.incidents().join(name)).unwrap().len();
    let sizes = [size(&format!("{DAEMON}.jsonl")), size(&format!("{DAEMON}.older.jsonl"))];
    assert!(sizes.iter().all(|&size| size <= 128 << 10), "{sizes:?}");
    let kept = machine.kept();
    assert!(matches!(kept.records[0].incident.what, What::RunStarted(_)));
    let ordinals: Vec<_> = kept
        .records
        .iter()
        .filter_map(|record| {
            let What::ChildEnded(report) = &record.incident.what else { return None };
            Some(report.ordinal)
        })
        .collect();
    assert_eq!((ordinals.first(), ordinals.last()), (Some(&1), Some(&ENDINGS)));
    assert!(ordinals.len() > LEAST, "{}", ordinals.len());
}
