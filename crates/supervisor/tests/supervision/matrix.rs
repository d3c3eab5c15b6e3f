use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use standpipe_supervisor::{
    ChildResult, ChildSpec, Done, Ending, ExitReport, Outcome, Scope, State, Trouble,
};
use tokio::time::sleep;

use crate::support::{MINUTE, SECOND, STATES, recorded, run_for, steady};

/// How the first life ends.
#[derive(Clone, Copy, Debug)]
enum Way {
    Finished,
    Stopped,
    Lost,
    Failed,
    PanickedItself,
    PanickedInTask,
    PanickedInBlockingWork,
    Stalled,
    Aborted,
}

const WAYS: [Way; 9] = [
    Way::Finished,
    Way::Stopped,
    Way::Lost,
    Way::Failed,
    Way::PanickedItself,
    Way::PanickedInTask,
    Way::PanickedInBlockingWork,
    Way::Stalled,
    Way::Aborted,
];

/// What the report of the first life says: kind, cause, panicked task, verdict.
fn expected(way: Way, state: State) -> (&'static str, Option<String>, Option<&'static str>, &'static str) {
    match way {
        Way::Finished => ("finished", None, None, "finished"),
        Way::Lost => ("lost", Some("reset by peer".into()), None, "restart"),
        Way::Failed => ("failed", Some("wrong type".into()), None, "restart"),
        Way::PanickedItself => ("panicked", Some("torn frame".into()), None, "restart"),
        Way::PanickedInTask => ("panicked", Some("torn driver".into()), Some("driver"), "restart"),
        Way::PanickedInBlockingWork => ("panicked", Some("torn index".into()), Some("index"), "restart"),
        Way::Stalled if !state.is_reason_to_wait() => {
            let cause = format!("no sign of life for 300s, waiting for {}", state.waits_for());
            ("stalled", Some(cause), None, "restart")
        }
        // With a reason to wait it waits until it is stopped.
        Way::Stopped | Way::Stalled => ("stopped", None, None, "stopped"),
        Way::Aborted => ("aborted", Some("did not stop within 10s".into()), None, "stopped"),
    }
}

async fn live(scope: Scope, way: Way, state: State) -> ChildResult {
    scope.set_state(state);
    if scope.incarnation() > 1 {
        return serve(&scope).await;
    }
    sleep(2 * SECOND).await;
    scope.saw(Some(42), None);
    scope.progressed(3, 900);
    match way {
        Way::Finished => Ok(Done::Finished),
        Way::Stopped => serve(&scope).await,
        Way::Lost => Err(Trouble::lost("reset by peer")),
        Way::Failed => Err(Trouble::failed("wrong type")),
        Way::PanickedItself => panic!("torn frame"),
        Way::PanickedInTask => {
            scope.spawn("driver", async { panic!("torn driver") });
            serve(&scope).await
        }
        Way::PanickedInBlockingWork => {
            scope.spawn_blocking("index", || panic!("torn index"));
            serve(&scope).await
        }
        Way::Stalled => {
            scope.stopped().await;
            Ok(Done::Stopped)
        }
        Way::Aborted => loop {
            sleep(SECOND).await;
            scope.alive();
        },
    }
}

/// Goes on, alive, until it is stopped.
async fn serve(scope: &Scope) -> ChildResult {
    let alive = async {
        loop {
            sleep(SECOND).await;
            scope.alive();
        }
    };
    tokio::select! {
        () = scope.stopped() => Ok(Done::Stopped),
        () = alive => pending().await,
    }
}

fn task(report: &ExitReport) -> Option<&str> {
    if let Ending::Panicked { task, .. } = &report.ending { task.as_deref() } else { None }
}

async fn check(way: Way, state: State) {
    let case = format!("{way:?} while {state:?}");
    let late = Arc::new(AtomicU64::new(0));
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", move |scope| live(scope, way, state)).host("bsky.network");
    let builder = builder.child(child).child(steady("sibling", SECOND, &late));
    let outcome = run_for(builder, 10 * MINUTE).await;

    let (kind, why, in_task, verdict) = expected(way, state);
    let reports = recorder.reports_of("relay");
    let first = &reports[0];
    assert_eq!((first.incarnation, first.host.as_deref()), (1, Some("bsky.network")), "{case}");
    assert_eq!((first.ending.kind(), first.ending.cause(), task(first)), (kind, why, in_task), "{case}");
    assert_eq!(first.state, state, "{case}");
    assert_eq!((first.last_seq, first.events, first.bytes), (Some(42), 3, 900), "{case}");
    assert_eq!(first.verdict.as_str(), verdict, "{case}");

    if first.verdict.restart_in().is_some() {
        let second = &reports[1];
        assert_eq!((second.incarnation, second.ending.kind()), (2, "stopped"), "{case}");
        assert_eq!((second.last_seq, second.events), (Some(42), 0), "{case}");
    }
    let lives = if first.verdict.restart_in().is_some() { 2 } else { 1 };
    assert_eq!(reports.len(), lives, "{case}");

    let sibling = recorder.reports_of("sibling");
    assert_eq!(sibling.len(), 1, "{case}: the sibling went on");
    assert_eq!((sibling[0].ending.kind(), sibling[0].ran_for), ("stopped", 10 * MINUTE), "{case}");
    assert!((599..=600).contains(&sibling[0].events), "{case}: {} beats", sibling[0].events);
    assert_eq!(late.load(Ordering::Relaxed), 0, "{case}");

    let Outcome::Stopped { aborted } = outcome else { panic!("{case}: stopped, not {outcome:?}") };
    assert_eq!(aborted.len(), usize::from(kind == "aborted"), "{case}");
}

#[tokio::test(start_paused = true)]
async fn i9_every_ending_in_every_state_is_explained_and_is_nobody_elses() {
    for way in WAYS {
        for state in STATES {
            check(way, state).await;
        }
    }
}
