use std::time::Duration;

use standpipe_daemon::settings::OnFutureCursor;
use standpipe_daemon::{AWAY_FOR, Health};
use standpipe_pipeline::Remedy;

use crate::scripted::{Act, Readiness, Stage};

async fn pass(duration: Duration) {
    tokio::time::sleep(duration).await;
}

fn told(health: &Health) -> (bool, String) {
    let host = &health.hosts[0];
    (health.ready, format!("{}: {}", host.state, host.reason.as_deref().unwrap_or("")))
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_away_at_the_start_is_waited_for_and_said() {
    let stage = Stage::begin_with(Readiness::Away, None, OnFutureCursor::Hold);
    let host = stage.until("unavailable").await;
    assert!(!host.ready);
    assert_eq!(host.reason.as_deref(), Some("the sink does not answer: scripted Retry"));
    stage.sink_is(Readiness::Flowing);
    stage.acts([Act::Accept]);
    assert!(stage.until("streaming").await.ready);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_never_connected_is_not_ready() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    assert!(!stage.until("connecting").await.ready);
    stage.acts([Act::Refuse(Remedy::Retry)]);
    stage.until("backing_off").await;
    assert_eq!(told(&stage.metrics.health()), (false, "backing_off: scripted Retry".to_owned()));
    stage.until("connecting").await;
    let expected = "connecting: not connected: scripted Retry".to_owned();
    assert_eq!(told(&stage.metrics.health()), (false, expected));
}

#[tokio::test(start_paused = true)]
async fn a_full_stream_is_no_reason_to_be_unready_and_neither_is_a_parked_host() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1)]);
    stage.until("streaming").await;
    stage.sink_is(Readiness::Full);
    stage.acts([Act::Frame(2), Act::Frame(3), Act::Frame(4)]);
    let full = stage.until("full").await;
    assert!(full.ready);
    assert_eq!(full.reason.as_deref(), Some("the stream is at its high-water mark"));
    let parked = stage.until("parked").await;
    assert!(parked.ready);
    stage.sink_is(Readiness::Flowing);
    stage.acts([Act::Accept]);
    assert!(stage.until("streaming").await.ready);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_goes_away_is_said_while_the_host_is_connected_and_while_it_is_parked() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1)]);
    stage.until("streaming").await;
    stage.sink_is(Readiness::Away);
    stage.acts([Act::Frame(2), Act::Frame(3), Act::Frame(4)]);
    assert!(!stage.until("unavailable").await.ready);
    stage.until("parked").await;
    stage.sink_is(Readiness::Full);
    stage.until_some(|| stage.metrics.health().ready.then_some(())).await;
    assert_eq!(stage.metrics.health().hosts[0].state, "parked");
    stage.sink_is(Readiness::Away);
    stage.until_some(|| (!stage.metrics.health().ready).then_some(())).await;
    let parked = stage.until("parked").await;
    assert_eq!(parked.reason.as_deref(), Some("the sink does not answer: scripted Retry"));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_goes_away_is_missed_only_after_a_while() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept]);
    stage.until("streaming").await;
    stage.acts([Act::Break(Remedy::Retry)]);
    stage.until("backing_off").await;
    assert_eq!(told(&stage.metrics.health()), (true, "backing_off: scripted Retry".to_owned()));
    stage.until("connecting").await;
    let expected = "connecting: connecting again: scripted Retry".to_owned();
    assert_eq!(told(&stage.metrics.health()), (true, expected));
    pass(AWAY_FOR).await;
    let expected = "connecting: not connected: scripted Retry".to_owned();
    assert_eq!(told(&stage.metrics.health()), (false, expected));
    stage.acts([Act::Accept]);
    assert!(stage.until("streaming").await.ready);
}

#[tokio::test(start_paused = true)]
async fn a_held_host_is_ready_and_says_why_it_is_held() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Halting(Remedy::Hold(Duration::from_mins(5)))]);
    let held = stage.until("held").await;
    pass(Duration::from_mins(2)).await;
    assert_eq!(stage.metrics.health().hosts[0].state, "held");
    assert!(held.ready);
    assert_eq!(held.reason.as_deref(), Some("scripted Hold(300s)"));
}

#[tokio::test(start_paused = true)]
async fn a_host_that_fails_too_often_is_not_ready() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept; 12].into_iter().flat_map(|accept| [accept, Act::Halting(Remedy::Fail)]));
    let judged = || Some(told(&stage.metrics.health())).filter(|(_, told)| told.contains("fails too often"));
    let (ready, told) = stage.until_some(judged).await;
    assert!(!ready);
    assert!(told.ends_with("fails too often: scripted Fail"), "{told}");
}
