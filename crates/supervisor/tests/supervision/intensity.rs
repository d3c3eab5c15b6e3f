use std::time::Duration;

use standpipe_supervisor::{Intensity, OnGiveUp, Outcome, Standing, Verdict};
use tokio::time::sleep;

use crate::support::{Act, MINUTE, SECOND, recorded, run_for, scripted};

fn verdicts(reports: &[std::sync::Arc<standpipe_supervisor::ExitReport>]) -> Vec<&'static str> {
    reports.iter().map(|report| report.verdict.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_child_over_its_intensity_goes_on_at_the_cap_and_its_status_says_so() {
    let (builder, recorder) = recorded();
    let child = scripted("relay", [Act::Fail, Act::Panic, Act::Fail, Act::Panic, Act::Serve]);
    let child = child.intensity(Intensity::new(2, 5 * MINUTE));
    let supervisor = builder.child(child).build().unwrap();
    let handle = supervisor.handle();
    let watch = async {
        sleep(30 * SECOND).await;
        let status = handle.status();
        assert!(matches!(status.children[0].standing, Standing::OverIntensity { .. }), "{status:?}");
        assert_eq!(status.over_intensity().count(), 1);
        // The fourth ending is a minute after the third; from there a clean window passes.
        sleep(7 * MINUTE).await;
        assert_eq!(handle.status().children[0].standing, Standing::Sound);
    };
    supervisor.run(watch).await;

    let reports = recorder.reports();
    assert_eq!(verdicts(&reports), ["restart", "restart", "restart_at_cap", "restart_at_cap", "stopped"]);
    assert_eq!(reports[2].verdict, Verdict::RestartAtCap { after: MINUTE });
    assert_eq!(reports[3].verdict, Verdict::RestartAtCap { after: MINUTE });
}

#[tokio::test(start_paused = true)]
async fn a_child_that_fails_at_every_restart_never_looks_sound_again() {
    let (builder, recorder) = recorded();
    run_for(builder.child(scripted("relay", [Act::Fail])), 24 * 60 * MINUTE).await;
    let verdicts = verdicts(&recorder.reports());
    assert_eq!(verdicts[..5], ["restart"; 5]);
    assert!(verdicts[5..].iter().all(|verdict| *verdict == "restart_at_cap"), "{verdicts:?}");
    assert!((1_430..1_450).contains(&verdicts.len()), "{} in a day", verdicts.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_in_between_spends_nothing_and_keeps_its_own_pace() {
    let (builder, recorder) = recorded();
    let acts = [Act::Lose, Act::Lose, Act::Fail, Act::Lose, Act::Fail, Act::Progress, Act::Lose, Act::Serve];
    let child = scripted("relay", acts).intensity(Intensity::new(1, 5 * MINUTE));
    run_for(builder.child(child), 10 * MINUTE).await;
    let reports = recorder.reports();
    assert_eq!(
        verdicts(&reports),
        ["restart", "restart", "restart", "restart", "restart_at_cap", "restart", "stopped"]
    );
    assert!(reports[5].verdict.restart_in().unwrap() <= SECOND, "it made progress");
}

#[tokio::test(start_paused = true)]
async fn endings_spread_wider_than_the_window_are_borne_for_ever() {
    let (builder, recorder) = recorded();
    let acts = [Act::Run(4 * MINUTE), Act::Fail].into_iter().cycle().take(200).chain([Act::Finish]);
    let child = scripted("relay", acts).intensity(Intensity::new(1, 4 * MINUTE));
    run_for(builder.child(child), 24 * 60 * MINUTE).await;
    let verdicts = verdicts(&recorder.reports());
    assert_eq!(verdicts.len(), 101);
    assert!(verdicts[..100].iter().all(|verdict| *verdict == "restart"));
}

#[tokio::test(start_paused = true)]
async fn giving_up_with_exit_stops_the_siblings_in_good_order() {
    let (builder, recorder) = recorded();
    let failing = scripted("failing", [Act::Fail]).intensity(Intensity::new(3, 5 * MINUTE));
    let builder = builder.on_give_up(OnGiveUp::Exit).child(failing);
    let builder = builder.child(scripted("good", [Act::StopSlowly(SECOND)]));
    let deaf = scripted("deaf", [Act::StopSlowly(Duration::MAX)]).grace(2 * SECOND);
    let outcome = run_for(builder.child(deaf), 24 * 60 * MINUTE).await;

    let Outcome::GaveUp { report, aborted } = outcome else { panic!("gave up, not {outcome:?}") };
    assert_eq!((&*report.child, report.incarnation, report.ordinal), ("failing", 4, 4));
    assert_eq!(report.verdict, Verdict::GaveUp);
    assert_eq!(aborted.iter().map(|report| &*report.child).collect::<Vec<_>>(), ["deaf"]);
    assert_eq!(recorder.reports_of("good")[0].ending.kind(), "stopped");
}
