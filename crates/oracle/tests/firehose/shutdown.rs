use std::time::Duration;

use fastrand::Rng;
use standpipe_oracle::{Build, DaemonProcess, Program, seed};
use standpipe_simulator::{World, WorldSettings};
use tokio::time::{Instant, sleep};

use crate::rig::{LOOK_EVERY, PATIENCE, RedisRig};
use crate::simulated::Wanted;

/// What the daemon is given, and a little for the machine.
const GRACE: Duration = Duration::from_secs(4);
const SLACK: Duration = Duration::from_secs(2);

/// The exit codes that operators know.
const STOPPED: i32 = 0;
const CONFIGURATION: i32 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_stop_under_load_leaves_nothing_to_send_again_but_what_the_cursor_says() {
    const STOPS: u64 = 8;
    let mut rng = Rng::with_seed(seed());
    let world = World::new(WorldSettings { seed: rng.u64(..), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, 40_000, Wanted::Compatible).await;
    rig.daemon.set("STANDPIPE_GRACE", format!("{}s", GRACE.as_secs()));
    let step = rig.expectation.entries() / (STOPS + 1);
    let mut length = 0;
    for _ in 0..STOPS {
        rig.daemon.start().unwrap();
        let stop_at = length + rng.u64(step / 4..=step);
        rig.until("load", |sample| sample.length >= stop_at).await;
        stop(&mut rig).await;
        let sample = rig.sample().await.unwrap();
        assert!(sample.cursor < Some(rig.expectation.last_seq()), "it was not under load any more");
        length = sample.length;
    }
    rig.daemon.start().unwrap();
    rig.complete().await;
    stop(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_stop_does_not_wait_for_a_stream_that_is_full() {
    let mut rig = full_rig().await;
    stop(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_stop_does_not_wait_for_a_redis_that_stands_still() {
    let mut rig = full_rig().await;
    rig.server.pause().await.unwrap();
    stop(&mut rig).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_does_not_wait_at_all() {
    let mut rig = full_rig().await;
    rig.daemon.set("STANDPIPE_GRACE", "5m");
    rig.daemon.start().unwrap();
    rig.says("full", 200).await;
    rig.daemon.terminate().unwrap();
    // Two signals at once are one to the kernel, so the second follows when the first was heard.
    let deadline = Instant::now() + PATIENCE;
    while !rig.daemon.log().contains("\"stopping\"") {
        assert!(Instant::now() < deadline, "the first signal is not heard");
        sleep(LOOK_EVERY).await;
    }
    assert!(rig.daemon.is_running().unwrap(), "the first signal alone ends it at once");
    rig.daemon.terminate().unwrap();
    rig.daemon.ended(SLACK).await.unwrap();
}

#[tokio::test]
async fn a_flawed_configuration_is_told_at_once_and_with_every_flaw() {
    let mut daemon = DaemonProcess::new(Program::find("firehose", Build::Checks).unwrap())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", "ws://127.0.0.1:1,ftp://nowhere")
        .with("REDIS_URL", "redis://:hunter2@")
        .with("INGESTER_HIGH_WATER_MARK", "many")
        .with("STANDPIPE_START", "yesterday")
        .with("STANDPIPE_COLLECTIONS", "app..bsky")
        .with("STANDPIPE_ENTRIES", "some")
        .with("STANDPIPE_ADMIN__LISTEN", "everywhere")
        .with("STANDPIPE_HIGH_WATER", "1");
    daemon.start().unwrap();
    assert_eq!(daemon.ended(SLACK).await.unwrap().code(), Some(CONFIGURATION));
    let report = daemon.log();
    let told = [
        "ftp",
        "REDIS_URL",
        "INGESTER_HIGH_WATER_MARK",
        "STANDPIPE_START",
        "STANDPIPE_COLLECTIONS",
        "STANDPIPE_ENTRIES",
        "STANDPIPE_ADMIN__LISTEN",
        "STANDPIPE_HIGH_WATER",
    ];
    for flaw in told {
        assert!(report.contains(flaw), "{flaw} is not in:\n{report}");
    }
    assert!(!report.contains("hunter2"), "{report}");
}

/// A rig whose daemon runs, with a stream that takes nothing more.
async fn full_rig() -> RedisRig {
    const MARK: u64 = 1_000;
    let world = World::new(WorldSettings { seed: seed(), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, 5_000, Wanted::Compatible).await;
    rig.daemon.set("STANDPIPE_GRACE", format!("{}s", GRACE.as_secs()));
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", MARK.to_string());
    rig.daemon.start().unwrap();
    rig.says("full", 200).await;
    rig
}

/// Asks the daemon to stop, and checks that it does so in time and in good order.
async fn stop(rig: &mut RedisRig) {
    let asked = Instant::now();
    rig.daemon.terminate().unwrap();
    let status = rig.daemon.ended(GRACE + SLACK).await.unwrap();
    assert_eq!(status.code(), Some(STOPPED));
    println!("stopped in {:?}", asked.elapsed());
}
