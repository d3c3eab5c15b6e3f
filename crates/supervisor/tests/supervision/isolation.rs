use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Act, MINUTE, SECOND, recorded, run_for, scripted, steady};

const BEAT: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn i8_one_childs_panic_leaves_its_siblings_untouched() {
    let late = Arc::new(AtomicU64::new(0));
    let (builder, recorder) = recorded();
    let builder = builder
        .child(steady("before", BEAT, &late))
        .child(scripted("panics", [Act::Panic]))
        .child(scripted("panics later", [Act::Run(SECOND), Act::Panic].into_iter().cycle().take(1_000)))
        .child(steady("after", BEAT, &late));
    run_for(builder, 10 * MINUTE).await;

    assert!(recorder.reports_of("panics").len() > 10);
    assert!(recorder.reports_of("panics later").len() > 10);
    for name in ["before", "after"] {
        let reports = recorder.reports_of(name);
        assert_eq!(reports.len(), 1, "{name} lived one life");
        assert_eq!(reports[0].ending.kind(), "stopped");
        assert_eq!(reports[0].ran_for, 10 * MINUTE);
        assert!((59_999..=60_000).contains(&reports[0].events), "{} beats", reports[0].events);
    }
    assert_eq!(late.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn i8_a_child_that_waits_fails_or_does_not_stop_delays_no_other() {
    let late = Arc::new(AtomicU64::new(0));
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("asked to wait", [Act::LoseFor(15 * MINUTE)]))
        .child(scripted("over its intensity", [Act::Fail]))
        .child(scripted("deaf", [Act::Run(Duration::MAX)]).grace(30 * SECOND))
        .child(steady("good", BEAT, &late));
    run_for(builder, 10 * MINUTE).await;
    let good = &recorder.reports_of("good")[0];
    assert_eq!((good.incarnation, good.ran_for), (1, 10 * MINUTE));
    assert_eq!(late.load(Ordering::Relaxed), 0);
}
