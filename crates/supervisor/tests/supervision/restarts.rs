use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{
    Backoff, ChildSpec, Done, ExitReport, Intensity, Restart, Standing, Supervisor, Trouble, Verdict,
};
use tokio::time::Instant;

use crate::support::{Act, MINUTE, Recorder, SECOND, recorded, run_for, run_out, scripted};

fn waits(reports: &[Arc<ExitReport>]) -> Vec<Duration> {
    reports.iter().filter_map(|report| report.verdict.restart_in()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lost_child_is_restarted_for_ever_and_spends_nothing() {
    let (builder, recorder) = recorded();
    let lossy = scripted("relay", [Act::Lose]).intensity(Intensity::new(0, Duration::from_mins(5)));
    let supervisor = builder.child(lossy).build().unwrap();
    let handle = supervisor.handle();
    supervisor.run(tokio::time::sleep(24 * 60 * MINUTE)).await;

    let reports = recorder.reports();
    assert!(reports.len() > 2_000, "{} endings in a day", reports.len());
    for report in &reports {
        assert!(matches!(report.verdict, Verdict::Restart { .. }), "{report:?}");
    }
    for wait in waits(&reports) {
        assert!(wait > Duration::ZERO && wait <= MINUTE, "{wait:?}");
    }
    assert_eq!(handle.status().children[0].standing, Standing::Sound);
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_begins_when_the_verdict_said() {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let (builder, recorder) = recorded();
    let note = Arc::clone(&begun);
    let child = ChildSpec::new("relay", move |_scope| {
        note.lock().unwrap().push(Instant::now());
        async { Err(Trouble::lost("reset by peer")) }
    });
    run_for(builder.child(child), 10 * MINUTE).await;

    let begun = begun.lock().unwrap();
    let waits = waits(&recorder.reports());
    assert!(begun.len() > 10);
    for (pair, wait) in begun.windows(2).zip(waits) {
        let waited = pair[1] - pair[0];
        // Tokio's clock ticks in milliseconds.
        assert!(waited >= wait && waited < wait + Duration::from_millis(2), "{waited:?} for {wait:?}");
    }
}

/// The waits of a child that is lost ten times, does something, and is lost once more.
async fn last_wait(seed: u64, acts: &[Act]) -> Duration {
    let recorder = Recorder::default();
    let acts = std::iter::repeat_n(Act::Lose, 10).chain(acts.iter().cloned()).chain([Act::Lose, Act::Finish]);
    let builder = Supervisor::builder().seed(seed).observer(recorder.clone());
    run_out(builder.child(scripted("relay", acts))).await;
    *waits(&recorder.reports()).last().unwrap()
}

async fn longest_last_wait(acts: &[Act]) -> Duration {
    let mut longest = Duration::ZERO;
    for seed in 0..40 {
        println!("seed {seed}");
        longest = longest.max(last_wait(seed, acts).await);
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn the_backoff_falls_back_only_after_progress_or_a_stable_run() {
    assert!(longest_last_wait(&[]).await > 30 * SECOND);
    assert!(longest_last_wait(&[Act::See(9)]).await > 30 * SECOND);
    assert!(longest_last_wait(&[Act::Run(59 * SECOND)]).await > 30 * SECOND);
    assert!(longest_last_wait(&[Act::Progress]).await <= SECOND);
    assert!(longest_last_wait(&[Act::Run(MINUTE)]).await <= SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_other_sides_wish_is_honoured_between_a_second_and_a_quarter_hour() {
    for (asked, expected) in [
        (Duration::ZERO, SECOND),
        (30 * SECOND, 30 * SECOND),
        (15 * MINUTE, 15 * MINUTE),
        (Duration::MAX, 15 * MINUTE),
    ] {
        let (builder, recorder) = recorded();
        run_out(builder.child(scripted("relay", [Act::LoseFor(asked), Act::Finish]))).await;
        assert_eq!(waits(&recorder.reports()), [expected], "asked for {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_wish_does_not_shorten_the_backoff() {
    for seed in 0..40 {
        println!("seed {seed}");
        let recorder = Recorder::default();
        let builder = Supervisor::builder().seed(seed).observer(recorder.clone());
        let slow = Backoff::new(20 * SECOND, 20 * SECOND);
        run_out(builder.child(scripted("plain", [Act::Lose, Act::Finish]).backoff(slow))).await;
        let wishing = Recorder::default();
        let builder = Supervisor::builder().seed(seed).observer(wishing.clone());
        run_out(builder.child(scripted("wishes", [Act::LoseFor(SECOND), Act::Finish]).backoff(slow))).await;
        let (plain, wished) = (waits(&recorder.reports())[0], waits(&wishing.reports())[0]);
        assert_eq!(wished, plain.max(SECOND));
    }
}

#[tokio::test(start_paused = true)]
async fn the_policy_decides_what_follows_each_ending() {
    use Act::{Fail, Finish, Lose, Panic, Stop};
    let again = "restart";
    for (policy, act, verdict) in [
        (Restart::Always, Finish, again),
        (Restart::Always, Stop, again),
        (Restart::Always, Lose, again),
        (Restart::Always, Fail, again),
        (Restart::Always, Panic, again),
        (Restart::OnTrouble, Finish, "finished"),
        (Restart::OnTrouble, Stop, "stopped"),
        (Restart::OnTrouble, Lose, again),
        (Restart::OnTrouble, Fail, again),
        (Restart::OnTrouble, Panic, again),
        (Restart::Never, Finish, "finished"),
        (Restart::Never, Stop, "stopped"),
        (Restart::Never, Lose, "gave_up"),
        (Restart::Never, Fail, "gave_up"),
        (Restart::Never, Panic, "gave_up"),
    ] {
        let (builder, recorder) = recorded();
        let child = scripted("relay", [act.clone(), Act::Serve]).restart(policy);
        run_for(builder.child(child), MINUTE).await;
        assert_eq!(recorder.reports()[0].verdict.as_str(), verdict, "{policy:?} after {act:?}");
        let lives = if verdict == again { 2 } else { 1 };
        assert_eq!(recorder.reports().len(), lives, "{policy:?} after {act:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_seed_gives_one_course_of_events() {
    let mut courses = Vec::new();
    for seed in [5, 5, 6] {
        let recorder = Recorder::default();
        let builder = Supervisor::builder().seed(seed).observer(recorder.clone());
        let builder = builder.child(scripted("a", [Act::Lose])).child(scripted("b", [Act::Lose]));
        run_for(builder, 30 * MINUTE).await;
        courses.push(
            recorder
                .reports()
                .iter()
                .map(|r| (r.ordinal, r.child.to_string(), r.verdict))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(courses[0], courses[1]);
    assert_ne!(courses[0], courses[2]);
    let of = |child: &str| courses[0].iter().filter(|c| c.1 == child).map(|c| c.2).collect::<Vec<_>>();
    assert_ne!(of("a"), of("b"), "siblings draw waits of their own");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_always_restarts_does_not_spin_when_it_finishes_at_once() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("errand", |_scope| async { Ok(Done::Finished) }).restart(Restart::Always);
    run_for(builder.child(child), 60 * MINUTE).await;
    let lives = recorder.reports().len();
    assert!((60..400).contains(&lives), "{lives} in an hour");
}
