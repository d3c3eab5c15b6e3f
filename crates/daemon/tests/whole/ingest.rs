use std::time::Duration;

use standpipe_cursor::{Resume, Seq};
use standpipe_daemon::settings::OnFutureCursor;
use standpipe_pipeline::Remedy;
use standpipe_supervisor::Outcome;
use tokio::time::Instant;

use crate::scripted::{Act, Readiness, Stage};

const MINUTES: Duration = Duration::from_mins(3);

fn after(seq: u64) -> Resume {
    Resume::After(Seq::new(seq).unwrap())
}

/// How the first incarnation ended after these acts, and how long it was until the second connected.
async fn ending(acts: &[Act]) -> (String, Duration) {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts(acts.iter().copied());
    let report = stage.until_some(|| stage.supervisor.status().children[0].last_exit.clone()).await;
    let ended_at = Instant::now();
    stage.until("connecting").await;
    let exposition = stage.metrics.exposition().unwrap();
    let word = report.ending.kind();
    assert!(exposition.contains(&format!("standpipe_exits_total{{ending=\"{word}\"")), "{exposition}");
    (word.to_owned(), ended_at.elapsed())
}

#[tokio::test(start_paused = true)]
async fn each_remedy_ends_the_incarnation_as_it_should() {
    let by_backoff = Duration::from_millis(90)..Duration::from_millis(1_100);
    let when_asked = MINUTES..MINUTES + Duration::from_millis(100);
    for (remedy, ending_word, pause) in [
        (Remedy::Retry, "lost", &by_backoff),
        (Remedy::RetryAfter(MINUTES), "lost", &when_asked),
        (Remedy::Hold(MINUTES), "lost", &when_asked),
        (Remedy::Fail, "failed", &by_backoff),
    ] {
        for acts in [
            vec![Act::Refuse(remedy)],
            vec![Act::Accept, Act::Break(remedy)],
            vec![Act::Accept, Act::Halting(remedy)],
        ] {
            let (word, paused) = ending(&acts).await;
            assert_eq!(word, ending_word, "{acts:?}");
            assert!(pause.contains(&paused), "{acts:?}: {paused:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i6_a_panic_in_decoding_begins_again_from_the_durable_cursor() {
    let (word, _) = ending(&[Act::Accept, Act::Frame(7), Act::Panic]).await;
    assert_eq!(word, "panicked");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_refuses_ends_the_incarnation_by_its_own_remedy() {
    for (remedy, phase) in [(Remedy::Fail, "backing_off"), (Remedy::Retry, "backing_off")] {
        let stage = Stage::begin_with(Readiness::Refusing(remedy), None, OnFutureCursor::Hold);
        assert!(!stage.until(phase).await.ready, "{remedy:?}");
        assert!(stage.resumes.lock().unwrap().is_empty(), "{remedy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn i1_each_incarnation_goes_on_after_what_is_stored() {
    let stage = Stage::begin_with(Readiness::Flowing, Some(41), OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(42), Act::Dropped(43), Act::Break(Remedy::Retry)]);
    stage.until("backing_off").await;
    assert_eq!(stage.cursor(), Some(43));
    stage.acts([Act::Accept, Act::Frame(44), Act::Break(Remedy::Retry), Act::Accept]);
    assert_eq!(stage.until_resumes(3).await, [after(41), after(43), after(44)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_delivered_is_progress_and_what_cannot_be_used_was_seen() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    let child = || stage.supervisor.status().children.remove(0);
    stage.acts([Act::Accept, Act::Frame(1), Act::Dropped(2)]);
    stage.until_cursor(2).await;
    let time = child().last_event_time.map(|time| time.to_string());
    assert_eq!((child().events, child().bytes, child().last_seq), (1, 16, Some(2)));
    assert_eq!(time.as_deref(), Some("2026-07-04T14:38:08.999000Z"));
    stage.sink_is(Readiness::Away);
    stage.acts([Act::Frame(3), Act::Unusable(4), Act::Panic]);
    stage.until_some(|| (child().last_seq == Some(4)).then_some(())).await;
    assert_eq!(child().events, 1);
}

#[tokio::test(start_paused = true)]
async fn a_parked_host_is_taken_up_again_within_the_same_incarnation() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1)]);
    stage.until("streaming").await;
    stage.sink_is(Readiness::Full);
    stage.acts([Act::Frame(2), Act::Frame(3)]);
    stage.until("parked").await;
    stage.sink_is(Readiness::Flowing);
    stage.acts([Act::Accept, Act::Frame(4)]);
    stage.until_cursor(4).await;
    assert_eq!(*stage.resumes.lock().unwrap(), [Resume::Live, after(3)]);
    let exposition = stage.metrics.exposition().unwrap();
    assert!(!exposition.contains("standpipe_exits_total"), "{exposition}");
    assert!(exposition.contains("standpipe_parks_total{host=\"relay.example\"} 1"), "{exposition}");
}

#[tokio::test(start_paused = true)]
async fn i11_a_cursor_ahead_of_its_host_is_left_only_by_an_operators_word() {
    let hold = Act::Halting(Remedy::Hold(MINUTES));
    for (word, resume, moved_to) in [
        (OnFutureCursor::Hold, after(900), 901),
        (OnFutureCursor::Live, Resume::Live, 5),
        (OnFutureCursor::Oldest, Resume::Oldest, 5),
    ] {
        let stage = Stage::begin_with(Readiness::Flowing, Some(900), word);
        stage.acts([Act::Accept, hold, Act::Accept]);
        assert_eq!(stage.until_resumes(2).await, [after(900), resume], "{word:?}");
        assert_eq!(stage.cursor(), Some(900), "{word:?}");
        stage.acts([Act::Frame(moved_to)]);
        stage.until_cursor(moved_to).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_delivers_what_is_open() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1), Act::Dropped(2)]);
    stage.until("streaming").await;
    stage.until_cursor(1).await;
    let stored = std::sync::Arc::clone(&stage.stored);
    let began = Instant::now();
    assert!(matches!(stage.stop().await, Outcome::Stopped { aborted } if aborted.is_empty()));
    assert_eq!(stored.lock().unwrap().cursor.as_ref().unwrap().to_string(), "2");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn i10_a_stop_does_not_wait_for_a_host_that_does_not_answer_or_a_sink_that_is_away() {
    for (readiness, state) in [(Readiness::Flowing, "connecting"), (Readiness::Away, "unavailable")] {
        let stage = Stage::begin_with(readiness, None, OnFutureCursor::Hold);
        stage.until(state).await;
        let began = Instant::now();
        assert!(matches!(stage.stop().await, Outcome::Stopped { aborted } if aborted.is_empty()), "{state}");
        assert!(began.elapsed() < Duration::from_millis(10), "{state}: {:?}", began.elapsed());
    }
}
