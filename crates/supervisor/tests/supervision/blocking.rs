use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use standpipe_supervisor::{BlockingError, ChildSpec, Done, Ending, ExitReport, Restart, State, Trouble};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::{Lines, SECOND, outlived_scope, recorded, run_out};

fn panicked(report: &ExitReport) -> (Option<&str>, &str) {
    let Ending::Panicked { task, message, place, backtrace } = &report.ending else {
        panic!("panicked, not {}", report.ending)
    };
    let place = place.as_ref().expect("a place");
    assert!(place.file.ends_with("supervision/blocking.rs"), "{place}");
    let backtrace = backtrace.as_ref().expect("a backtrace").to_string();
    assert!(backtrace.contains("supervision::blocking::"), "{backtrace}");
    (task.as_deref(), message)
}

#[tokio::test(start_paused = true)]
async fn blocking_work_answers_its_value() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        let sum = scope.spawn_blocking("sum", || (1..=100_u64).sum::<u64>());
        scope.progressed(sum.await.map_err(Trouble::failed)?, 0);
        Ok(Done::Finished)
    });
    run_out(builder.child(child)).await;
    let reports = recorder.reports();
    assert_eq!((reports[0].ending.kind(), reports[0].events), ("finished", 5_050));
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_blocking_work_that_nobody_awaits_ends_the_incarnation() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.spawn_blocking("index", || panic!("the index is torn"));
        pending().await
    });
    run_out(builder.child(child.restart(Restart::Never))).await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(panicked(&reports[0]), (Some("index"), "the index is torn"));
}

#[tokio::test(start_paused = true)]
async fn whoever_awaits_blocking_work_that_panics_hears_of_it_and_hides_nothing() {
    let heard = Arc::new(Mutex::new(None));
    let (builder, recorder) = recorded();
    let tell = Arc::clone(&heard);
    let child = ChildSpec::new("relay", move |scope| {
        let tell = Arc::clone(&tell);
        async move {
            let work = scope.spawn_blocking("index", || -> u8 { panic!("the index is torn") });
            let error = work.await.unwrap_err();
            *tell.lock().unwrap() = Some(error.clone());
            Err(Trouble::lost(error))
        }
    });
    run_out(builder.child(child.restart(Restart::Never))).await;
    assert_eq!(panicked(&recorder.reports()[0]), (Some("index"), "the index is torn"));
    let error = heard.lock().unwrap().take().unwrap();
    let expected = BlockingError::Panicked { task: "index".into(), message: "the index is torn".into() };
    assert_eq!(error, expected);
    assert_eq!(error.to_string(), "index panicked: the index is torn");
}

#[tokio::test(start_paused = true)]
async fn blocking_work_begun_after_the_end_never_runs_and_says_so() {
    let scope = outlived_scope().await;
    let has_run = Arc::new(AtomicBool::new(false));
    let runs = Arc::clone(&has_run);
    let late = scope.spawn_blocking("late", move || runs.store(true, Ordering::SeqCst));
    assert_eq!(late.await, Err(BlockingError::Over { task: "late".into() }));
    assert!(!has_run.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_blocking_work_that_sees_it() {
    let ended = Arc::new(AtomicBool::new(false));
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", move |scope| {
        let ended = Arc::clone(&ended);
        async move {
            if scope.incarnation() == 2 {
                assert!(ended.load(Ordering::SeqCst), "the work before is gone");
                return Ok(Done::Finished);
            }
            let (end, sees_end) = mpsc::channel::<()>();
            let (begun, has_begun) = oneshot::channel();
            scope.spawn_blocking("scan", move || {
                let _ = begun.send(());
                // Returns when the child's future is dropped.
                let _ = sees_end.recv();
                ended.store(true, Ordering::SeqCst);
            });
            has_begun.await.map_err(Trouble::failed)?;
            let _end = end;
            Err(Trouble::lost("reset by peer"))
        }
    });
    run_out(builder.child(child)).await;
    let kinds: Vec<_> = recorder.reports().iter().map(|report| report.ending.kind()).collect();
    assert_eq!(kinds, ["lost", "finished"]);
}

/// In real time, since blocking work stops a paused clock: it takes the second that is waited for such work.
#[tokio::test]
async fn i10_blocking_work_that_does_not_end_is_told_by_name_and_holds_up_nothing_for_long() {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(Mutex::new(blocked));
    let child = ChildSpec::new("relay", move |scope| {
        let blocked = Arc::clone(&blocked);
        async move {
            if scope.incarnation() == 2 {
                return Ok(Done::Finished);
            }
            let (begun, has_begun) = oneshot::channel();
            scope.spawn_blocking("scan", move || {
                let _ = begun.send(());
                let _ = blocked.lock().unwrap().recv();
            });
            has_begun.await.map_err(Trouble::failed)?;
            scope.set_state(State::Streaming);
            Err(Trouble::lost("reset by peer"))
        }
    });
    let began = Instant::now();
    run_out(builder.child(child)).await;
    assert!(began.elapsed() >= SECOND);
    assert!(began.elapsed() < Duration::from_secs(20), "the abort wait and one backoff");
    let kinds: Vec<_> = recorder.reports().iter().map(|report| report.ending.kind()).collect();
    assert_eq!(kinds, ["lost", "finished"]);
    let told = lines.with_message("aborted tasks block their threads and are left");
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].field("names"), Some("scan"));
    drop(release);
}
