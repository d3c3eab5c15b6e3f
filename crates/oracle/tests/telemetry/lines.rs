use std::time::Duration;

use serde_json::{Map, Value};
use standpipe_simulator::{World, WorldSettings};

use standpipe_oracle::seed;

use crate::rig::RedisRig;
use crate::simulated::Wanted;

/// The daemon's grace period, and a little for the machine.
const STOP_WITHIN: Duration = Duration::from_secs(12);
const LEVELS: [&str; 5] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];

/// What docs/telemetry.md promises of the lines of a run, read from the lines of a run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_is_one_object_whose_fields_have_the_names_that_are_documented() {
    let world = World::new(WorldSettings { seed: seed(), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, 500, Wanted::Compatible).await;
    rig.daemon.start().unwrap();
    rig.complete().await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));

    let log = rig.daemon.log();
    let lines: Vec<Map<String, Value>> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    for line in &lines {
        let text =
            |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{name}: {line:?}"));
        assert!(LEVELS.contains(&text("level")), "{line:?}");
        assert!(!text("target").is_empty() && !text("message").is_empty(), "{line:?}");
        // RFC 3339 in UTC with microseconds, so that lines sort as text.
        let time = text("timestamp");
        assert!(time.len() == 27 && time.ends_with('Z') && &time[10..11] == "T", "{time}");
        assert!(text("message").chars().next().is_some_and(|first| !first.is_uppercase()), "{line:?}");
    }
    assert!(lines.windows(2).all(|pair| pair[0]["timestamp"].as_str() <= pair[1]["timestamp"].as_str()));

    let host = rig.relay.addr().to_string();
    let line = |message: &str| {
        let found = lines.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("{message:?} is not said in:\n{log}"))
    };
    has(line("starting"), &["daemon", "version", "hosts", "stream", "admin", "state"]);
    has(line("child started"), &["child", "host", "incarnation"]);
    has(line("subscribed"), &["host", "nsid", "resume"]);
    has(line("stopping"), &["signal", "grace"]);
    has(line("leaving"), &["daemon", "code"]);
    assert_eq!((&line("starting")["daemon"], &line("leaving")["code"]), (&"firehose".into(), &0.into()));
    let span = &line("subscribed")["span"];
    assert_eq!(
        (&span["name"], &span["host"], &span["incarnation"]),
        (&"child".into(), &host.into(), &1.into())
    );
}

fn has(line: &Map<String, Value>, names: &[&str]) {
    for name in names {
        assert!(line.contains_key(*name), "{name} is not in {line:?}");
    }
}
