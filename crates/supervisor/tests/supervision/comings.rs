use std::future::{pending, ready};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use standpipe_supervisor::{
    AddError, ChildSpec, Handle, Outcome, Phase, RemoveError, SetupError, Supervisor, Verdict,
};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Act, MINUTE, Recorder, SECOND, recorded, scripted};

fn names(handle: &Handle) -> Vec<String> {
    handle.status().children.iter().map(|child| child.child.to_string()).collect()
}

fn serving(name: &str) -> ChildSpec {
    scripted(name, [Act::Serve])
}

/// A supervisor with one child that serves.
fn with_one() -> (Supervisor, Handle, Recorder) {
    let (builder, recorder) = recorded();
    let supervisor = builder.child(serving("first")).build().unwrap();
    let handle = supervisor.handle();
    (supervisor, handle, recorder)
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_added_begins_at_once_and_is_kept_like_the_others() {
    let (supervisor, handle, recorder) = with_one();
    let watch = async {
        sleep(90 * SECOND).await;
        handle.add(scripted("second", [Act::Run(MINUTE), Act::Progress, Act::Lose, Act::Serve])).unwrap();
        assert_eq!(names(&handle), ["first", "second"]);
        sleep(Duration::from_millis(1)).await;
        assert!(matches!(handle.status().children[1].phase, Phase::Running { .. }));
        sleep(4 * MINUTE).await;
    };
    let outcome = supervisor.run(watch).await;
    assert!(matches!(outcome, Outcome::Stopped { .. }), "{outcome:?}");
    let kinds: Vec<_> =
        recorder.reports_of("second").iter().map(|r| (r.incarnation, r.ending.kind())).collect();
    assert_eq!(kinds, [(1, "lost"), (2, "stopped")]);
    let beats: Vec<_> = recorder.heartbeats().into_iter().filter(|b| &*b.status.child == "second").collect();
    assert_eq!(beats[0].since, 30 * SECOND, "since it was taken on");
    assert!(beats[1..].iter().all(|beat| beat.since == MINUTE));
    assert_eq!(beats.iter().map(|beat| beat.events).sum::<u64>(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_added_before_the_run_begins_with_it() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(serving("second")).unwrap();
    assert_eq!(handle.status().children[1].phase, Phase::NotStarted);
    supervisor.run(sleep(MINUTE)).await;
    assert_eq!(recorder.reports_of("second")[0].ran_for, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_supervised_is_not_added() {
    let (supervisor, handle, _recorder) = with_one();
    let twice = AddError::Setup(SetupError::DuplicateChild { child: "first".into() });
    assert_eq!(handle.add(serving("first")), Err(twice.clone()));
    assert_eq!(twice.to_string(), "two children are called first");
    let hasty = serving("second").stall_after(Some(Duration::ZERO));
    assert!(matches!(handle.add(hasty), Err(AddError::Setup(SetupError::StallAfter { .. }))));
    let ends = handle.clone();
    let watch = async move {
        ends.add(scripted("errand", [Act::Finish])).unwrap();
        sleep(MINUTE).await;
        assert_eq!(ends.status().children[1].phase, Phase::Ended { verdict: Verdict::Finished });
        assert!(ends.add(serving("errand")).is_err(), "its name is taken until it is removed");
        ends.remove("errand").await.unwrap();
        ends.add(serving("errand")).unwrap();
    };
    supervisor.run(watch).await;
}

#[tokio::test(start_paused = true)]
async fn nobody_is_added_once_the_supervisor_stops_or_has_ended() {
    let late = |name: &str| AddError::Over { child: name.into() };
    let (builder, _recorder) = recorded();
    let supervisor = builder.child(serving("first")).build().unwrap();
    let handle = supervisor.handle();
    handle.add(serving("early")).unwrap();
    supervisor.run(ready(())).await;
    assert_eq!(handle.add(serving("after")), Err(late("after")));
    assert_eq!(handle.status().children[1].phase.as_str(), "ended");

    let (builder, recorder) = recorded();
    let slow = scripted("slow", [Act::StopSlowly(8 * SECOND)]);
    let supervisor = builder.child(slow).build().unwrap();
    let handle = supervisor.handle();
    let mut run = pin!(supervisor.run(sleep(MINUTE)));
    assert!(timeout(MINUTE + SECOND, &mut run).await.is_err());
    assert_eq!(handle.add(serving("while")), Err(late("while")));
    assert_eq!(
        handle.add(serving("while")).unwrap_err().to_string(),
        "while comes too late: the supervisor is stopping or has ended"
    );
    run.await;
    assert_eq!(recorder.reports().len(), 1);

    let (supervisor, handle, _recorder) = with_one();
    drop(supervisor);
    assert_eq!(handle.add(serving("late")), Err(late("late")));
    assert_eq!(handle.status().children[0].phase.as_str(), "ended");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_removed_has_ended_was_reported_and_is_gone_from_the_status() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(scripted("second", [Act::StopSlowly(3 * SECOND)])).unwrap();
    let seen = recorder.clone();
    let watch = async move {
        sleep(MINUTE).await;
        let asked = Instant::now();
        handle.remove("second").await.unwrap();
        assert_eq!(asked.elapsed(), 3 * SECOND);
        assert_eq!(names(&handle), ["first"]);
        let reports = seen.reports_of("second");
        assert_eq!(reports.len(), 1);
        assert_eq!((reports[0].ending.kind(), reports[0].verdict), ("stopped", Verdict::Stopped));
        assert_eq!(handle.remove("second").await, Err(RemoveError::Unknown { child: "second".into() }));
        sleep(2 * MINUTE).await;
    };
    supervisor.run(watch).await;
    let told = recorder.heartbeats().iter().filter(|beat| &*beat.status.child == "second").count();
    assert_eq!(told, 1, "none after it has left");
    assert_eq!(recorder.reports_of("first")[0].incarnation, 1);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_leave_is_aborted_and_is_no_part_of_the_outcome() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(scripted("deaf", [Act::Run(Duration::MAX)]).grace(5 * SECOND)).unwrap();
    let watch = async move {
        sleep(MINUTE).await;
        let asked = Instant::now();
        handle.remove("deaf").await.unwrap();
        assert_eq!(asked.elapsed(), 5 * SECOND);
    };
    let outcome = supervisor.run(watch).await;
    assert!(matches!(&outcome, Outcome::Stopped { aborted } if aborted.is_empty()), "{outcome:?}");
    assert_eq!(recorder.reports_of("deaf")[0].ending.kind(), "aborted");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_waits_or_has_not_begun_leaves_at_once() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(serving("unbegun")).unwrap();
    handle.remove("unbegun").await.unwrap();
    handle.add(scripted("waits", [Act::LoseFor(10 * MINUTE)])).unwrap();
    assert_eq!(names(&handle), ["first", "waits"]);
    let watch = async move {
        sleep(MINUTE).await;
        let asked = Instant::now();
        handle.remove("waits").await.unwrap();
        assert_eq!(asked.elapsed(), Duration::ZERO);
        assert_eq!(names(&handle), ["first"]);
    };
    supervisor.run(watch).await;
    assert!(recorder.reports_of("unbegun").is_empty());
    assert_eq!(recorder.reports_of("waits").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_child_leaves_also_when_nobody_waits_for_that() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(scripted("second", [Act::StopSlowly(3 * SECOND)])).unwrap();
    let watch = async move {
        sleep(MINUTE).await;
        assert!(timeout(SECOND, handle.remove("second")).await.is_err());
        assert_eq!(names(&handle), ["first", "second"]);
        sleep(3 * SECOND).await;
        assert_eq!(names(&handle), ["first"]);
    };
    supervisor.run(watch).await;
    assert_eq!(recorder.reports_of("second").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_was_removed_can_be_given_again_a_thousand_times() {
    let (supervisor, handle, recorder) = with_one();
    let watch = async move {
        for turn in 0..1_000_u32 {
            handle.add(scripted("guest", [Act::Progress, Act::Serve])).unwrap();
            sleep(SECOND * (turn % 5)).await;
            handle.remove("guest").await.unwrap();
        }
        assert_eq!(names(&handle), ["first"]);
    };
    supervisor.run(watch).await;
    // One in five was removed before it had begun.
    let guests = recorder.reports_of("guest");
    assert_eq!(guests.len(), 800);
    assert!(guests.iter().all(|report| report.incarnation == 1 && report.events == 1));
    assert_eq!(recorder.reports().last().unwrap().ordinal, 801);
}

#[tokio::test(start_paused = true)]
async fn the_run_is_over_when_no_child_is_left() {
    let (supervisor, handle, _recorder) = with_one();
    let seen = handle.clone();
    let replaces = async move {
        sleep(MINUTE).await;
        seen.add(serving("second")).unwrap();
        seen.remove("first").await.unwrap();
        sleep(MINUTE).await;
        seen.remove("second").await.unwrap();
        pending::<()>().await;
    };
    let began = Instant::now();
    let outcome = supervisor.run(replaces).await;
    assert!(matches!(outcome, Outcome::Finished), "{outcome:?}");
    assert_eq!(began.elapsed(), 2 * MINUTE);
    assert!(names(&handle).is_empty());
    assert!(handle.add(serving("third")).is_err());
}

#[tokio::test(start_paused = true)]
async fn two_who_remove_one_child_both_see_it_gone() {
    let (supervisor, handle, recorder) = with_one();
    handle.add(scripted("second", [Act::StopSlowly(3 * SECOND)])).unwrap();
    let watch = async {
        sleep(MINUTE).await;
        let (one, other) = tokio::join!(handle.remove("second"), handle.remove("second"));
        assert_eq!((one, other), (Ok(()), Ok(())));
    };
    supervisor.run(watch).await;
    assert_eq!(recorder.reports_of("second").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn children_that_come_and_go_disturb_no_other() {
    let (builder, recorder) = recorded();
    let late = Arc::default();
    let supervisor =
        builder.child(crate::support::steady("steady", Duration::from_millis(10), &late)).build().unwrap();
    let handle = supervisor.handle();
    let watch = async move {
        for acts in [[Act::Fail], [Act::Panic], [Act::Lose], [Act::StopSlowly(2 * MINUTE)]] {
            handle.add(scripted("guest", acts)).unwrap();
            sleep(MINUTE).await;
            handle.remove("guest").await.unwrap();
        }
    };
    supervisor.run(watch).await;
    assert_eq!(late.load(std::sync::atomic::Ordering::Relaxed), 0);
    assert_eq!(recorder.reports_of("steady").len(), 1);
}
