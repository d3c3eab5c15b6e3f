use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::receiver::{Manner, Received};
use crate::rig::{LOOK_EVERY, PATIENCE, RedisRig};
use crate::way::{Way, rig};

/// The daemon's grace period, and a little for the machine.
const STOP_WITHIN: Duration = Duration::from_secs(12);
/// What an entry may cost in CPU time without the receiver, in terms of what it costs with it. Exports that fail cost
/// less than those that do not; the rest is the machine's noise.
const MOST_CPU: f64 = 1.4;
/// The same of the throughput, on which what else runs here weighs more.
const LEAST_THROUGHPUT: f64 = 0.5;
/// Full queues of all signals are a few megabytes.
const MORE_MEMORY: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_dies_and_comes_back_costs_ingestion_nothing() {
    dies_and_comes_back(Way::straight().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_collector_that_is_killed_and_comes_back_costs_ingestion_nothing() {
    if let Some(way) = Way::through_a_collector().await {
        dies_and_comes_back(way).await;
    }
}

/// A third of the events with the receiver there, a third without it, a third after it came back.
async fn dies_and_comes_back(mut way: Way) {
    const FRAMES: u32 = 120_000;
    let mut rig = rig(FRAMES.into(), &way.url()).await;
    let third = rig.expectation.entries() / 3;
    rig.daemon.start().unwrap();
    // The first entries also pay for the start.
    through(&mut rig, third / 4).await;
    let there = Leg::run(&mut rig, third).await;
    way.receiver.until("telemetry before the outage", |received| !received.spans.is_empty()).await;
    let before = rig.daemon.usage().unwrap();
    way.kill().await;
    let away = Leg::run(&mut rig, 2 * third).await;
    let during = rig.daemon.usage().unwrap();
    way.restart().await;
    let spans = way.receiver.received().spans.len();
    let frames = |received: &Received| received.number("standpipe_frames").unwrap_or_default();
    rig.complete().await;
    way.receiver.until("metrics after the outage", |received| frames(received) >= FRAMES.into()).await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    way.receiver.until("spans after the outage", |received| received.spans.len() > spans).await;

    let more = during.peak_bytes.saturating_sub(before.resident_bytes);
    println!("{there:?} with the receiver, {away:?} without; {more} bytes more at the peak");
    assert!(
        away.cpu_an_entry < there.cpu_an_entry * MOST_CPU,
        "{away:?} without the receiver, {there:?} with it"
    );
    assert!(
        away.a_second > there.a_second * LEAST_THROUGHPUT,
        "{away:?} without the receiver, {there:?} with it"
    );
    assert!(more < MORE_MEMORY, "{more} bytes more during the outage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_flows_after_a_start_without_a_receiver_arrives_once_it_is_there() {
    let mut way = Way::straight().await;
    way.kill().await;
    let mut rig = rig(2_000, &way.url()).await;
    rig.daemon.start().unwrap();
    rig.complete().await;
    way.restart().await;
    way.receiver.until("the metrics", |received| received.number("standpipe_frames") == Some(2_000.0)).await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_receiver_that_never_answers_holds_up_neither_ingestion_nor_the_stop() {
    const GRACE: Duration = Duration::from_secs(4);
    let way = Way::straight().await;
    way.receiver.set_manner(Manner::IsSilent);
    let mut rig = rig(20_000, &way.url()).await;
    rig.daemon.set("STANDPIPE_GRACE", "4s");
    rig.daemon.set("STANDPIPE_OTLP__TIMEOUT", "1m");
    rig.daemon.start().unwrap();
    rig.complete().await;
    let asked = Instant::now();
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(GRACE).await.unwrap().code(), Some(0));
    println!("stopped in {:?}", asked.elapsed());
    assert!(rig.daemon.log().contains("the collector did not take the last of the telemetry in time"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_export_tells_of_itself_on_the_local_log_once_and_never_exports_that() {
    let way = Way::straight().await;
    way.receiver.set_manner(Manner::Refuses);
    let mut rig = rig(2_000, &way.url()).await;
    rig.daemon.set("STANDPIPE_LOG", "trace");
    rig.daemon.start().unwrap();
    rig.complete().await;
    let lost = |rig: &RedisRig, signal: &str| {
        let lines = rig.daemon.log();
        let signal = format!("\"signal\":\"{signal}\"");
        lines.lines().filter(|line| line.contains("telemetry is lost") && line.contains(&signal)).count()
    };
    let deadline = Instant::now() + PATIENCE;
    while ["traces", "metrics", "logs"].iter().any(|signal| lost(&rig, signal) == 0) {
        assert!(Instant::now() < deadline, "no loss is told");
        sleep(LOOK_EVERY).await;
    }
    way.receiver.set_manner(Manner::Takes);
    way.receiver.until("log lines after the refusals", |received| !received.logs.is_empty()).await;
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(STOP_WITHIN).await.unwrap().code(), Some(0));
    for signal in ["traces", "metrics", "logs"] {
        assert_eq!(lost(&rig, signal), 1, "{signal}");
    }
    assert!(rig.daemon.log().contains("the collector answers 503"));
    let received = way.receiver.received();
    assert!(received.log_lines("leaving").count() == 1, "log lines do not arrive any more");
    let own = ["telemetry is lost; ingestion goes on", "the collector takes telemetry again"];
    for message in own {
        assert_eq!(received.log_lines(message).count(), 0, "{message} was exported");
    }
}

/// Waits until so many entries are there, and says how many really are.
async fn through(rig: &mut RedisRig, entries: u64) -> u64 {
    rig.until("progress", |sample| sample.length >= entries).await.length
}

/// A part of the way: its pace, and what it cost.
#[derive(Clone, Copy, Debug)]
struct Leg {
    a_second: f64,
    /// In seconds.
    cpu_an_entry: f64,
}

impl Leg {
    /// From where the daemon is until so many entries are there.
    async fn run(rig: &mut RedisRig, entries: u64) -> Self {
        let (began, used) = (Instant::now(), rig.daemon.usage().unwrap().cpu);
        let before = rig.sample().await.unwrap().length;
        let written = f64::from(u32::try_from(through(rig, entries).await - before).unwrap());
        let used = rig.daemon.usage().unwrap().cpu.saturating_sub(used);
        Self { a_second: written / began.elapsed().as_secs_f64(), cpu_an_entry: used.as_secs_f64() / written }
    }
}
