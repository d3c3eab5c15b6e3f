use std::io;
use std::sync::Arc;
use std::time::Duration;

use standpipe_supervisor::{
    ChildSpec, Done, Ending, EventTime, ExitReport, Restart, State, Supervisor, Trouble, Verdict,
};
use tokio::time::{sleep, timeout};
use tracing::Level;

use crate::support::{Act, Lines, MINUTE, Recorder, SECOND, recorded, run_for, run_out, scripted};

/// Runs one life, and answers its report after comparing it with the line.
async fn check(act: Act, kind: &str, level: Level, cause: Option<&str>, verdict: Verdict) -> Arc<ExitReport> {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    let child = scripted("relay", [Act::Run(3 * SECOND), act]);
    let child = child.host("bsky.network").restart(Restart::Never).grace(SECOND);
    run_for(builder.child(child), MINUTE).await;

    let reports = recorder.reports();
    let [report] = reports.as_slice() else { panic!("one report, not {reports:?}") };
    assert_eq!(report.ending.kind(), kind);
    assert_eq!(report.ending.cause().as_deref(), cause);
    assert_eq!(report.verdict, verdict);
    assert_eq!((report.incarnation, report.ordinal), (1, 1));

    let told = lines.with_message("child ended");
    let [line] = told.as_slice() else { panic!("one line, not {told:?}") };
    assert_eq!(line.level, level, "{kind}");
    assert_eq!(line.field("child"), Some("relay"));
    assert_eq!(line.field("host"), Some("bsky.network"));
    assert_eq!(line.field("incarnation"), Some("1"));
    assert_eq!(line.field("ordinal"), Some("1"));
    assert_eq!(line.field("ending"), Some(kind));
    assert_eq!(line.field("cause"), cause);
    assert_eq!(line.field("verdict"), Some(verdict.as_str()));
    assert_eq!(line.field("ran_for_ms"), Some(report.ran_for.as_millis().to_string().as_str()));
    Arc::clone(report)
}

#[tokio::test(start_paused = true)]
async fn every_ending_gives_one_report_and_one_line_at_its_level() {
    let report = check(Act::Finish, "finished", Level::INFO, None, Verdict::Finished).await;
    assert_eq!(report.ran_for.as_secs(), 3);
    check(Act::Stop, "stopped", Level::INFO, None, Verdict::Stopped).await;
    let report = check(Act::Serve, "stopped", Level::INFO, None, Verdict::Stopped).await;
    assert_eq!(report.ran_for.as_secs(), 60);
    check(Act::Lose, "lost", Level::WARN, Some("reset by peer"), Verdict::GaveUp).await;
    check(Act::Fail, "failed", Level::ERROR, Some("wrong type"), Verdict::GaveUp).await;
    check(Act::Panic, "panicked", Level::ERROR, Some("out of cheese"), Verdict::GaveUp).await;
    let deaf = Act::StopSlowly(MINUTE);
    let report = check(deaf, "aborted", Level::WARN, Some("did not stop within 1s"), Verdict::Stopped).await;
    assert_eq!(report.ran_for.as_secs(), 61);
}

#[derive(Debug, thiserror::Error)]
#[error("subscribing to {host}")]
struct Subscribing {
    host: &'static str,
    #[source]
    source: io::Error,
}

#[tokio::test(start_paused = true)]
async fn a_line_tells_the_whole_error_chain_and_what_was_done_before() {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.set_state(State::Streaming);
        scope.saw(Some(41), Some(EventTime::from_unix_micros(1_772_348_248_000_000)));
        scope.progressed(3, 900);
        scope.saw(Some(42), Some(EventTime::from_unix_micros(1_772_348_249_000_125)));
        sleep(29 * SECOND).await;
        let source = io::Error::other("reset by peer");
        Err(Trouble::lost_for(Subscribing { host: "bsky.network", source }, 7 * SECOND))
    });
    run_out(builder.child(child.restart(Restart::Never))).await;

    let line = &lines.with_message("child ended")[0];
    assert_eq!(line.field("cause"), Some("subscribing to bsky.network: reset by peer"));
    assert_eq!(line.field("retry_after_ms"), Some("7000"));
    assert_eq!(line.field("ran_for_ms"), Some("29000"));
    assert_eq!(line.field("state"), Some("streaming"));
    assert_eq!(line.field("last_seq"), Some("42"));
    assert_eq!(line.field("last_event_time"), Some("2026-03-01T06:57:29.000125Z"));
    assert_eq!(line.field("events"), Some("3"));
    assert_eq!(line.field("bytes"), Some("900"));

    let report = &recorder.reports()[0];
    assert_eq!((report.last_seq, report.events, report.bytes), (Some(42), 3, 900));
    assert_eq!(report.state, State::Streaming);
}

#[tokio::test(start_paused = true)]
async fn an_incarnation_that_saw_nothing_tells_what_the_one_before_saw_last() {
    let (builder, recorder) = recorded();
    run_out(builder.child(scripted(
        "relay",
        [Act::See(7), Act::Progress, Act::Lose, Act::Lose, Act::See(9), Act::Finish],
    )))
    .await;
    let told: Vec<_> =
        recorder.reports().iter().map(|r| (r.incarnation, r.ordinal, r.last_seq, r.events)).collect();
    assert_eq!(told, [(1, 1, Some(7), 1), (2, 2, Some(7), 0), (3, 3, Some(9), 0)]);
}

#[tokio::test(start_paused = true)]
async fn children_are_reported_on_when_their_supervisor_is_dropped() {
    let (builder, recorder) = recorded();
    let builder = builder.child(scripted("runs", [Act::Serve])).child(scripted("waits", [Act::Lose]));
    let supervisor = builder.build().unwrap();
    let handle = supervisor.handle();
    let cut = timeout(Duration::from_millis(50), supervisor.run(std::future::pending())).await;
    assert!(cut.is_err());
    // The runtime lets go of what was aborted at its next turn.
    sleep(SECOND).await;

    let cut_off = recorder.reports_of("runs");
    assert_eq!(cut_off.len(), 1);
    assert!(matches!(cut_off[0].ending, Ending::Aborted { grace: None }), "{:?}", cut_off[0]);
    assert_eq!(recorder.reports_of("waits").len(), 1);
    for child in handle.status().children {
        assert_eq!(child.phase.as_str(), "ended", "{}", child.child);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_observer_harms_no_child() {
    struct Clumsy;
    impl standpipe_supervisor::Observer for Clumsy {
        fn exited(&self, report: &Arc<ExitReport>) {
            panic!("dropped report {}", report.ordinal);
        }
    }
    let lines = Lines::collect();
    let recorder = Recorder::default();
    let builder = Supervisor::builder()
        .observer(Clumsy)
        .observer(recorder.clone())
        .child(ChildSpec::new("relay", |_scope| async { Ok(Done::Finished) }));
    run_out(builder).await;
    assert_eq!(recorder.reports().len(), 1);
    assert_eq!(lines.with_message("an observer panicked")[0].field("cause"), Some("dropped report 1"));
}
