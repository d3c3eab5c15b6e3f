use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use standpipe_incidents::{Farewell, IncidentLog, RunEnding, Selection, What};
use standpipe_supervisor::{Ending, Place};

use crate::rig::{Machine, PATIENCE, exit, lost};

const LAST: Selection = Selection::Last { runs: 1 };

fn panicked() -> Ending {
    Ending::Panicked {
        task: Some("decode".into()),
        message: "attempt to add\nwith overflow".to_owned(),
        place: Some(Place { file: "src/pump.rs".to_owned(), line: 70, column: 9 }),
        backtrace: None,
    }
}

fn eventful(log: &IncidentLog) {
    // Reports are handed in by many tasks: the second comes before the first.
    log.record(exit("relay2.example", 2, lost("connection reset by peer")));
    log.record(exit("relay1.example", 1, panicked()));
    log.record(exit("relay2.example", 3, lost("connection refused")));
    log.record(exit("relay3.example", 4, Ending::Stopped));
    log.record(What::Held {
        host: "relay4.example".to_owned(),
        cause: Some("ahead".to_owned()),
        last_seq: None,
    });
    log.record(What::Held { host: "relay5.example".to_owned(), cause: None, last_seq: None });
    log.record(What::Released { host: "relay5.example".to_owned() });
    log.record(What::Gap {
        host: "relay2.example".to_owned(),
        reason: "outdated_cursor".to_owned(),
        from: Some(5),
        from_time: None,
        to: None,
        to_time: None,
    });
    assert!(log.flush(PATIENCE));
}

#[test]
fn i9_the_five_questions_are_answered_while_it_runs_and_after() {
    let machine = Machine::new();
    let (log, _) = machine.run();
    eventful(&log);
    let account = machine.tell(LAST);
    assert_eq!(account.runs[0].ending, RunEnding::StillRunning);
    let first = account.answers.first.as_ref().unwrap();
    assert_eq!((first.report.child.as_str(), first.report.ordinal), ("relay1.example", 1));
    assert_eq!(account.answers.first_of_ours, account.answers.first);
    assert_eq!((account.answers.endings, account.answers.stopped), (3, 1));
    assert_eq!(account.answers.children[0].by_ending, [("lost".to_owned(), 2)]);
    assert_eq!(account.answers.children[0].last_ending, "lost: connection refused");
    assert_eq!(account.answers.held.len(), 1);

    log.say_farewell(Farewell::Clean { reason: Some("SIGTERM".to_owned()) });
    assert!(log.flush(PATIENCE));
    assert!(log.close(PATIENCE));
    let text = machine.tell(LAST).to_string();
    let told = [
        "It ended cleanly (SIGTERM)",
        "Which ended first?\n    relay1.example, at ",
        "How?\n    panicked: attempt to add with overflow, in the task decode, at\n    src/pump.rs:70:9 (after 29.3s",
        "Where?\n    host relay1.example.",
        "After which message?\n    seq 81237, of 2026-03-01T06:57:29.000125Z",
        "How often since?\n    3 endings of 2 tasks, and 1 with the process.",
        "relay2.example: 2 endings (lost 2)",
        "Held: relay4.example since",
        "Gap: relay2.example",
    ];
    for part in told {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\x1b'), "{text}");

    let colored = machine.tell(LAST).colored().to_string();
    for part in
        ["\x1b[32m  It ended cleanly", "\x1b[1m  Which ended first?\x1b[0m", "\x1b[33m  Held: relay4.example"]
    {
        assert!(colored.contains(part), "{part:?} is not in:\n{colored}");
    }
    let codes = ["\x1b[0m", "\x1b[1m", "\x1b[32m", "\x1b[33m"];
    assert_eq!(codes.iter().fold(colored, |text, code| text.replace(code, "")), text);
}

#[test]
fn json_lines_hold_the_answers_and_then_every_record() {
    let machine = Machine::new();
    let (log, _) = machine.run();
    eventful(&log);
    let lines: Vec<Value> =
        machine.tell(LAST).json_lines().map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["kind"]), (10, &Value::from("account")));
    assert_eq!(lines[0]["first"]["child"], "relay1.example");
    assert_eq!(lines[0]["runs"][0]["how"], "still_running");
    assert_eq!(lines[1]["kind"], "run_started");
}

#[test]
fn several_runs_and_a_range_of_time_can_be_asked_about() {
    let machine = Machine::new();
    for run in 1..=3_u64 {
        let (log, started) = machine.run();
        assert_eq!(started.restarts_last_hour, run - 1);
        log.record(exit(&format!("relay{run}.example"), 1, lost("reset")));
        assert!(log.close(PATIENCE));
    }
    let account = machine.tell(Selection::Last { runs: 2 });
    assert_eq!((account.runs.len(), account.answers.endings), (2, 2));
    assert!(account.runs.iter().all(|run| matches!(run.ending, RunEnding::Killed { .. })), "{account}");
    assert_eq!(account.answers.first.as_ref().unwrap().report.child, "relay2.example");
    let now = Timestamp::now();
    let hour = SignedDuration::from_hours(1);
    for (since, until, runs) in [
        (now - hour, None, 3),
        (now - hour * 2, Some(now - hour), 0),
        (now + hour, None, 0),
        (now - hour, Some(now), 3),
    ] {
        let account = machine.tell(Selection::Between { since, until });
        assert_eq!((account.runs.len(), account.answers.endings), (runs, runs as u64), "{account}");
    }
}

#[test]
fn what_is_ours_is_not_lost_among_what_is_the_worlds() {
    let machine = Machine::new();
    let (log, _) = machine.run();
    for ordinal in 1..=100 {
        let ending = if ordinal == 50 { panicked() } else { lost("connection refused") };
        log.record(exit("relay1.example", ordinal, ending));
    }
    assert!(log.flush(PATIENCE));
    let account = machine.tell(LAST);
    assert_eq!(account.answers.first_of_ours.as_ref().unwrap().report.ordinal, 50);
    let text = account.to_string();
    assert!(text.contains("Which ended first by our own doing?\n    relay1.example, at "), "{text}");
}

#[test]
fn where_nothing_ended_the_process_itself_came_first() {
    let machine = Machine::new();
    assert!(machine.tell(LAST).to_string().contains("no run left a word"));
    assert!(machine.run().0.close(PATIENCE));
    let text = machine.tell(LAST).to_string();
    assert!(text.contains("It said no farewell"), "{text}");
    assert!(text.contains("No host's task ended before the process did."), "{text}");
}
