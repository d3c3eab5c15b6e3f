//! Real daemons, each in one of the states that there are, and one in several at once.

use serde_json::Value;
use standpipe_simulator::{Pace, Rule, StreamFault, UpgradeFault};

use crate::rig::{self, Rig};

/// The mark at which the stream is full.
const MARK: u64 = 1_000;

fn row(read: &Value, host: &str) -> Value {
    read["shown"]["rows"].as_array().unwrap().iter().find(|row| row["host"] == host).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_streams_is_shown_with_its_rate() {
    let mut rig = Rig::new(1, 500).await;
    rig.daemon.start().unwrap();
    rig.is(0, "streaming").await;
    rig.relays[0].set_pace(Pace::per_second(200));
    let Some(view) = rig.view().await else { return };
    view.until("a rate", "return parseFloat(document.querySelector('#rows .value')?.textContent) > 20").await;
    view.until(
        "a history",
        "return document.querySelector('#rows .spark .line')?.getAttribute('d')?.length > 4",
    )
    .await;
    // What moves cannot be held against a second look; what stands still can.
    rig.relays[0].set_pace(Pace::STILL);
    let read = view.holds("streaming").await;
    assert_eq!((&read["shown"]["tone"], &read["shown"]["why"]), (&"ok".into(), &serde_json::json!([])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_is_shown_with_both_marks() {
    let mut rig = Rig::new(2, 500).await;
    rig.fill(MARK + 20).await;
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", MARK.to_string());
    rig.daemon.start().unwrap();
    rig.is(0, "full").await;
    rig.is(1, "full").await;
    let Some(view) = rig.view().await else { return };
    let read = view.holds("full").await;
    assert_eq!(read["shown"]["tone"], "wait");
    assert!(
        read["shown"]["why"][0].as_str().unwrap().starts_with("The stream is full: 1,020 entries"),
        "{read:#}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parked_host_is_shown_as_one_that_waits() {
    let mut rig = Rig::new(1, 5_000).await;
    rig.fill(MARK).await;
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", MARK.to_string());
    rig.daemon.set("STANDPIPE_BATCH__PARK_AFTER", "1s");
    rig.daemon.start().unwrap();
    rig.is(0, "parked").await;
    let Some(view) = rig.view().await else { return };
    let read = view.holds("parked").await;
    assert_eq!(row(&read, &rig.name(0))["reason"], "the host is left alone until there is room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_that_is_away_is_said_first() {
    let mut rig = Rig::new(2, 500).await;
    rig.daemon.start().unwrap();
    rig.is(0, "streaming").await;
    rig.server.kill().unwrap();
    rig.relays[0].grow(10);
    rig.is(0, "unavailable").await;
    let Some(view) = rig.view().await else { return };
    view.until(
        "trouble",
        "return document.getElementById('why').textContent.includes('The sink does not answer')",
    )
    .await;
    let read = view.holds("unavailable").await;
    assert_eq!(read["shown"]["tone"], "bad");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_host_is_shown_with_the_ways_out() {
    let mut rig = Rig::new(1, 500).await;
    rig.was_read(0, 31_527_015_322).await;
    rig.daemon.start().unwrap();
    rig.is(0, "held").await;
    let Some(view) = rig.view().await else { return };
    let read = view.holds("held").await;
    assert_eq!(read["shown"]["tone"], "act");
    let commands = read["shown"]["decisions"][0]["commands"].as_array().unwrap();
    assert!(commands.iter().any(|it| it == &format!("firehose cursor set --host {} --seq SEQ", rig.name(0))));

    // What the page says to do can be done.
    let shown = commands[0].as_str().unwrap().to_owned();
    assert_eq!(shown, format!("firehose cursor show --host {}", rig.name(0)));
    let program = standpipe_oracle::Program::find("firehose", standpipe_oracle::Build::Checks).unwrap();
    let output = std::process::Command::new(program.path())
        .args(shown.split(' ').skip(1))
        .env_clear()
        .env("REDIS_URL", format!("redis://{}", rig.server.address()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("31527015322"), "{output:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_refuses_is_shown_with_what_it_says_and_when_it_is_tried() {
    let mut rig = Rig::new(1, 500).await;
    rig.relays[0].faults().add(Rule::on_upgrade(UpgradeFault::refuse(503)));
    rig.daemon.start().unwrap();
    rig.is(0, "backing_off").await;
    let Some(view) = rig.view().await else { return };
    // Between two tries it is asked for long enough to be looked at.
    rig.is(0, "backing_off").await;
    let read = view.holds("backing-off").await;
    assert_eq!(read["shown"]["tone"], "bad");
    let row = row(&read, &rig.name(0));
    assert!(row["exit"].as_str().unwrap().contains("503"), "{row}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn troubled_hosts_come_first_and_the_sentence_counts_them() {
    let mut rig = Rig::new(4, 2_000).await;
    // The second is held, the third refuses, and the fourth has lost what lies behind its cursor.
    rig.was_read(1, 31_527_015_322).await;
    rig.relays[2].faults().add(Rule::on_upgrade(UpgradeFault::refuse(503)));
    rig.relays[3].set_retention(Some(500));
    rig.was_read(3, 3_000_010).await;
    // Its reason may hold what it likes: it is a text.
    let reason = "<img src=x onerror=alert(1)>".to_owned();
    let rude = StreamFault::Close { code: 1008, reason: reason.clone() };
    rig.relays[0].faults().add(Rule::after_frames(1_000, rude).times(1));
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", "10000");
    rig.daemon.start().unwrap();
    rig.is(1, "held").await;
    rig.is(2, "backing_off").await;
    rig.is(3, "streaming").await;
    rig.is(0, "streaming").await;
    let first = rig.name(0);
    rig::until_host(&rig.daemon, &first, "an ending", |host| !host["last_exit"].is_null()).await;
    rig.is(0, "streaming").await;
    let Some(view) = rig.view().await else { return };
    for number in [0, 3] {
        rig.relays[number].set_pace(Pace::per_second(40));
    }
    // A picture shows a little more of it.
    for length in if rig::gallery().is_some() { 15..=75 } else { 15..=15 }.step_by(15) {
        let script = "document.querySelector('#rows tr:last-child .spark .line')?.getAttribute('d')?.length";
        view.until("a history", &format!("return {script} > {length}")).await;
    }
    for number in [0, 3] {
        rig.relays[number].set_pace(Pace::STILL);
    }
    let read = view.holds("mixed").await;
    assert_eq!(read["shown"]["headline"], "2 of 4 hosts stream");
    let order: Vec<_> = read["shown"]["rows"].as_array().unwrap().iter().map(|row| &row["host"]).collect();
    assert_eq!(order, [&rig.name(2), &rig.name(1), &first, &rig.name(3)]);
    assert!(row(&read, &first)["exit"].as_str().unwrap().contains(&reason), "{read:#}");
    assert_eq!(view.run("return document.images.length").await, 0);
}
