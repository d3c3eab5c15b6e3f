use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, Restart, Supervisor, Trouble};
use tokio::time::sleep;

use crate::support::{Lines, MINUTE, Recorder, SECOND, run_for};

type Begun = Arc<Mutex<BTreeMap<String, u64>>>;

/// A child whose every life ends in a way drawn from the seed.
fn erratic(name: &str, seed: u64, begun: &Begun) -> ChildSpec {
    let random = Mutex::new(fastrand::Rng::with_seed(seed));
    let begun = Arc::clone(begun);
    let child = ChildSpec::new(name, move |scope| {
        let mut random = random.lock().unwrap().fork();
        *begun.lock().unwrap().entry(scope.child().to_string()).or_default() += 1;
        async move {
            sleep(Duration::from_millis(random.u64(0..20_000))).await;
            scope.saw(Some(scope.incarnation()), None);
            if random.bool() {
                scope.progressed(1, 1);
            }
            match random.u8(0..8) {
                0 => Ok(Done::Finished),
                1 => Ok(Done::Stopped),
                2 => Err(Trouble::lost("reset by peer")),
                3 => Err(Trouble::lost_for("too many requests", SECOND)),
                4 => Err(Trouble::failed("wrong type")),
                5 => panic!("out of cheese"),
                6 => {
                    scope.spawn("driver", async { panic!("drunk") });
                    scope.stopped().await;
                    Ok(Done::Stopped)
                }
                _ => {
                    sleep(MINUTE).await;
                    Ok(Done::Finished)
                }
            }
        }
    });
    child.restart(Restart::Always).grace(Duration::from_millis(seed % 3 * 500))
}

#[tokio::test(start_paused = true)]
async fn i9_every_exit_is_explained() {
    let mut kinds = BTreeMap::<&str, u64>::new();
    for seed in 0..40 {
        println!("seed {seed}");
        let lines = Lines::collect();
        let recorder = Recorder::default();
        let begun = Begun::default();
        let mut builder = Supervisor::builder().seed(seed).observer(recorder.clone());
        for child in 0..6 {
            builder = builder.child(erratic(&format!("child-{child}"), seed * 6 + child, &begun));
        }
        run_for(builder, 20 * MINUTE).await;

        let reports = recorder.reports();
        let told = lines.with_message("child ended");
        assert_eq!(reports.len(), told.len(), "a line for each report");
        let mut counted = BTreeMap::<String, u64>::new();
        for (place, (report, line)) in reports.iter().zip(&told).enumerate() {
            assert_eq!(
                usize::try_from(report.ordinal).unwrap(),
                place + 1,
                "in the order in which they ended"
            );
            let life = counted.entry(report.child.to_string()).or_default();
            *life += 1;
            assert_eq!(report.incarnation, *life, "no life of {} is left out", report.child);
            assert_eq!(line.field("ordinal"), Some(report.ordinal.to_string().as_str()));
            assert_eq!(line.field("child"), Some(&*report.child));
            assert_eq!(line.field("ending"), Some(report.ending.kind()));
            let ended_well = matches!(report.ending.kind(), "finished" | "stopped");
            assert_eq!(line.field("cause").is_none(), ended_well, "{line:?}");
            *kinds.entry(report.ending.kind()).or_default() += 1;
        }
        assert_eq!(counted, *begun.lock().unwrap(), "every life that began has its report");
    }
    println!("{kinds:?}");
    assert_eq!(
        kinds.keys().copied().collect::<Vec<_>>(),
        ["aborted", "failed", "finished", "lost", "panicked", "stopped"],
        "the seeds reach every ending"
    );
}
