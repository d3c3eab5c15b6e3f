//! On real threads and in real time, where turns are not taken in one order.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, Handle, Outcome, State, Trouble};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::support::{SECOND, recorded};

const GUESTS: u64 = 8;
const VISITS: u64 = 150;

/// A child that reports, owns tasks and blocking work, and ends in a way drawn from the seed.
fn guest(name: &str, seed: u64) -> ChildSpec {
    let mut random = fastrand::Rng::with_seed(seed);
    let way = random.u8(0..7);
    let child = ChildSpec::new(name, move |scope| async move {
        scope.set_state(State::Streaming);
        scope.waiting_for("the next guest");
        scope.progressed(1, 1);
        scope.spawn("driver", pending());
        match way {
            0 => Ok(Done::Finished),
            1 => Err(Trouble::lost("reset by peer")),
            2 => Err(Trouble::failed("wrong type")),
            3 => {
                scope.spawn("torn", async { panic!("torn driver") });
                pending().await
            }
            4 => {
                scope.spawn_blocking("torn", || panic!("torn index"));
                pending().await
            }
            5 => {
                let sum = scope.spawn_blocking("sum", || (0..1_000_u64).sum::<u64>());
                sum.await.map_err(Trouble::failed)?;
                scope.stopped().await;
                Ok(Done::Stopped)
            }
            _ => {
                scope.stopped().await;
                Ok(Done::Stopped)
            }
        }
    });
    child.stage(random.u8(0..3)).grace(SECOND)
}

async fn visit(handle: Handle, guest_number: u64) {
    let name = format!("guest-{guest_number}");
    for visit in 0..VISITS {
        handle.add(guest(&name, guest_number * VISITS + visit)).unwrap();
        for _ in 0..visit % 7 {
            yield_now().await;
            assert!(handle.status().children.iter().any(|child| *child.child == *name));
        }
        handle.remove(&name).await.unwrap();
        assert!(!handle.status().children.iter().any(|child| *child.child == *name));
    }
    handle.add(guest(&name, guest_number)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn i9_children_that_come_and_go_on_many_threads_are_all_accounted_for() {
    let (builder, recorder) = recorded();
    let host = ChildSpec::new("host", |scope| async move {
        scope.stopped().await;
        Ok(Done::Stopped)
    });
    let supervisor = builder.child(host.stage(1)).heartbeat_period(Duration::from_millis(1)).build().unwrap();
    let handle = supervisor.handle();
    let mut visits = JoinSet::new();
    for guest_number in 0..GUESTS {
        visits.spawn(visit(handle.clone(), guest_number));
    }
    let run = supervisor.run(async {
        while let Some(visited) = visits.join_next().await {
            visited.unwrap();
        }
    });
    let outcome = timeout(60 * SECOND, run).await.expect("it stops");
    let Outcome::Stopped { aborted } = outcome else { panic!("stopped, not {outcome:?}") };
    assert!(aborted.is_empty(), "{aborted:?}");

    let reports = recorder.reports();
    let mut ordinals: Vec<_> = reports.iter().map(|report| report.ordinal).collect();
    ordinals.sort_unstable();
    assert!(ordinals.iter().copied().eq(1..=reports.len() as u64), "every ending has its number");
    let mut last = BTreeMap::new();
    for report in &reports {
        let before = last.insert(Arc::clone(&report.child), report.incarnation).unwrap_or(0);
        let goes_on = report.incarnation == before + 1 || report.incarnation == 1;
        assert!(goes_on, "{} lived {} after {before}", report.child, report.incarnation);
    }
    assert_eq!(handle.status().children.len() as u64, GUESTS + 1);
    for child in handle.status().children {
        assert_eq!(child.phase.as_str(), "ended", "{}", child.child);
    }
}
