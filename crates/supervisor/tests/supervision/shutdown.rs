use std::future::ready;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, OnGiveUp, Outcome, Restart, Supervisor};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::support::{Act, Lines, MINUTE, SECOND, recorded, run_for, run_out, scripted};

fn names(aborted: &[Arc<standpipe_supervisor::ExitReport>]) -> Vec<&str> {
    aborted.iter().map(|report| &*report.child).collect()
}

#[tokio::test(start_paused = true)]
async fn a_child_that_stops_within_its_grace_period_is_not_aborted() {
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("at once", [Act::Serve]))
        .child(scripted("in time", [Act::StopSlowly(3 * SECOND)]).grace(5 * SECOND));
    let began = Instant::now();
    let outcome = run_for(builder, MINUTE).await;
    assert_eq!(began.elapsed(), MINUTE + 3 * SECOND);
    assert!(matches!(&outcome, Outcome::Stopped { aborted } if aborted.is_empty()), "{outcome:?}");
    assert!(recorder.reports().iter().all(|report| report.ending.kind() == "stopped"));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_is_aborted_after_its_own_grace_period() {
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("deaf", [Act::StopSlowly(MINUTE)]).grace(5 * SECOND))
        .child(scripted("deafer", [Act::Run(Duration::MAX)]).grace(7 * SECOND))
        .child(scripted("good", [Act::Serve]));
    let began = Instant::now();
    let outcome = run_for(builder, MINUTE).await;
    assert_eq!(began.elapsed(), MINUTE + 7 * SECOND);
    let Outcome::Stopped { aborted } = outcome else { panic!("stopped, not {outcome:?}") };
    assert_eq!(names(&aborted), ["deaf", "deafer"]);
    assert_eq!(recorder.reports_of("deaf")[0].ran_for, MINUTE + 5 * SECOND);
    assert_eq!(recorder.reports_of("good")[0].ran_for, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn trouble_while_stopping_is_told_and_not_tried_again() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.stopped().await;
        panic!("while leaving")
    });
    let outcome = run_for(builder.child(child.restart(Restart::Always)), MINUTE).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].ending.kind(), reports[0].verdict.as_str()), ("panicked", "stopped"));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_always_restarts_does_not_when_it_was_asked_to_stop() {
    let (builder, recorder) = recorded();
    run_for(builder.child(scripted("relay", [Act::Serve]).restart(Restart::Always)), MINUTE).await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].verdict.as_str(), "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_for_its_restart_stops_at_once() {
    let (builder, recorder) = recorded();
    let began = Instant::now();
    let child = scripted("relay", [Act::LoseFor(10 * MINUTE)]);
    let outcome = run_for(builder.child(child), MINUTE).await;
    assert_eq!(began.elapsed(), MINUTE);
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert_eq!(recorder.reports().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_child_begins_when_the_stop_came_first() {
    let (builder, recorder) = recorded();
    let supervisor = builder.child(scripted("relay", [Act::Serve])).build().unwrap();
    let handle = supervisor.handle();
    let outcome = supervisor.run(ready(())).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    assert!(recorder.reports().is_empty());
    assert_eq!(handle.status().children[0].phase.as_str(), "ended");
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_when_all_children_have_ended_and_says_how() {
    let (builder, _recorder) = recorded();
    let builder = builder.child(scripted("a", [Act::Lose, Act::Finish])).child(scripted("b", [Act::Finish]));
    let outcome = run_out(builder).await;
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");

    let (builder, _recorder) = recorded();
    let once = scripted("once", [Act::Fail]).restart(Restart::Never);
    let builder = builder.child(once).child(scripted("b", [Act::Run(MINUTE), Act::Finish]));
    let began = Instant::now();
    let outcome = run_out(builder).await;
    assert_eq!(began.elapsed(), MINUTE, "the sibling finished its work");
    let Outcome::GaveUp { report, .. } = outcome else { panic!("gave up, not {outcome:?}") };
    assert_eq!(&*report.child, "once");

    assert!(matches!(run_out(Supervisor::builder()).await, Outcome::Finished));
}

#[tokio::test(start_paused = true)]
async fn a_child_given_up_by_its_policy_ends_all_with_exit() {
    let (builder, _recorder) = recorded();
    let once = scripted("once", [Act::Run(SECOND), Act::Lose]).restart(Restart::Never);
    let builder = builder.on_give_up(OnGiveUp::Exit).child(once).child(scripted("good", [Act::Serve]));
    let began = Instant::now();
    let outcome = run_out(builder).await;
    assert!(matches!(outcome, Outcome::GaveUp { .. }), "{outcome:?}");
    assert_eq!(began.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_comes_while_giving_up_does_not_hide_the_reason() {
    let (builder, _recorder) = recorded();
    let once = scripted("once", [Act::Run(SECOND), Act::Fail]).restart(Restart::Never);
    let slow = scripted("slow", [Act::StopSlowly(8 * SECOND)]);
    let outcome = run_for(builder.on_give_up(OnGiveUp::Exit).child(once).child(slow), 5 * SECOND).await;
    let Outcome::GaveUp { report, aborted } = outcome else { panic!("gave up, not {outcome:?}") };
    assert_eq!(&*report.child, "once");
    assert!(aborted.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_child_that_was_stopped_is_no_reason_to_have_given_up() {
    let (builder, _recorder) = recorded();
    let once = scripted("once", [Act::Fail]).restart(Restart::Never);
    let outcome = run_for(builder.child(once).child(scripted("good", [Act::Serve])), MINUTE).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
}

/// In real time, since a blocked thread stops a paused clock: it takes the second that aborted tasks are
/// given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_child_that_blocks_its_thread_does_not_hold_up_the_stop() {
    let _lines = Lines::collect();
    let (release, blocked) = mpsc::channel::<()>();
    let (begun, has_begun) = oneshot::channel();
    let held = Mutex::new(Some((blocked, begun)));
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("stuck", move |_scope| {
        let held = held.lock().unwrap().take();
        async move {
            if let Some((blocked, begun)) = held {
                let _ = begun.send(());
                let _ = blocked.recv();
            }
            Ok(Done::Finished)
        }
    });
    let supervisor = builder.child(child.grace(Duration::ZERO)).build().unwrap();
    let outcome = supervisor.run(async { drop(has_begun.await) }).await;
    let Outcome::Stopped { aborted } = outcome else { panic!("stopped, not {outcome:?}") };
    assert_eq!(names(&aborted), ["stuck"]);
    assert_eq!(recorder.reports().len(), 1);
    drop(release);
}
