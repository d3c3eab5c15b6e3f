use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use standpipe_supervisor::{
    ChildResult, ChildSpec, Done, Ending, ExitReport, Phase, Restart, Scope, State, Trouble,
};
use tokio::time::{advance, interval, sleep, timeout};
use tracing::Level;

use crate::support::{
    Act, Lines, MINUTE, SECOND, STATES, SetWhenDropped, recorded, run_for, run_out, scripted,
};

/// Runs one life for at most an hour, and answers its report.
async fn one_life<F>(child: impl Fn(Scope) -> F + Send + Sync + 'static) -> Arc<ExitReport>
where
    F: Future<Output = ChildResult> + Send + 'static,
{
    let (builder, recorder) = recorded();
    run_for(builder.child(ChildSpec::new("relay", child).restart(Restart::Never)), 60 * MINUTE).await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    Arc::clone(&reports[0])
}

fn stalled(report: &ExitReport) -> (&'static str, Duration) {
    let Ending::Stalled { waiting_for, for_how_long } = report.ending else {
        panic!("stalled, not {}", report.ending)
    };
    (waiting_for, for_how_long)
}

#[tokio::test(start_paused = true)]
async fn i10_a_child_without_a_sign_of_life_is_stalled_in_the_states_that_are_no_reason_to_wait() {
    for state in STATES {
        let report = one_life(move |scope| async move {
            sleep(7 * SECOND).await;
            scope.set_state(state);
            scope.stopped().await;
            Ok(Done::Stopped)
        });
        let report = report.await;
        assert_eq!(report.state, state);
        if state.is_reason_to_wait() {
            assert_eq!(report.ending.kind(), "stopped", "{state:?}");
            assert_eq!(report.ran_for, 60 * MINUTE);
        } else {
            // A state that was set already is no change, and no sign of life.
            let began = if state == State::Starting { Duration::ZERO } else { 7 * SECOND };
            assert_eq!(stalled(&report), (state.waits_for(), 5 * MINUTE), "{state:?}");
            assert_eq!(report.ran_for, began + 5 * MINUTE, "{state:?}");
        }
    }
    let waiting = STATES.into_iter().filter(|state| state.is_reason_to_wait()).collect::<Vec<_>>();
    assert_eq!(waiting, [State::Full, State::Unavailable, State::Parked, State::Held, State::Waiting]);
}

#[tokio::test(start_paused = true)]
async fn each_sign_of_life_gives_the_whole_time_anew() {
    let signs: [fn(&Scope); 4] = [
        |scope| scope.alive(),
        |scope| scope.saw(Some(1), None),
        |scope| scope.progressed(0, 0),
        |scope| scope.set_state(State::Streaming),
    ];
    for (nth, sign) in signs.into_iter().enumerate() {
        let report = one_life(move |scope| async move {
            scope.set_state(State::Connecting);
            sleep(299 * SECOND).await;
            sign(&scope);
            pending().await
        });
        let report = report.await;
        assert_eq!(stalled(&report).1, 5 * MINUTE, "sign {nth}");
        assert_eq!(report.ran_for, 599 * SECOND, "sign {nth}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_is_quiet_but_alive_goes_on_for_a_day() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.set_state(State::Streaming);
        let mut pings = interval(MINUTE);
        loop {
            tokio::select! {
                () = scope.stopped() => return Ok(Done::Stopped),
                _ = pings.tick() => scope.alive(),
            }
        }
    });
    run_for(builder.child(child.stall_after(Some(61 * SECOND))), 24 * 60 * MINUTE).await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!((reports[0].ending.kind(), reports[0].events), ("stopped", 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_child_says_that_it_waits_for_is_told_and_excuses_nothing() {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.set_state(State::Connecting);
        scope.waiting_for("the lease of the cursor");
        pending().await
    });
    let supervisor = builder.child(child.restart(Restart::Never)).build().unwrap();
    let handle = supervisor.handle();
    let watch = async move {
        sleep(2 * MINUTE + SECOND).await;
        let Phase::Running { waiting_for, .. } = handle.status().children[0].phase else {
            panic!("running, not {:?}", handle.status())
        };
        assert_eq!(waiting_for, "the lease of the cursor");
        pending::<()>().await;
    };
    supervisor.run(watch).await;

    assert_eq!(stalled(&recorder.reports()[0]), ("the lease of the cursor", 5 * MINUTE));
    let line = &lines.with_message("child ended")[0];
    assert_eq!(line.level, Level::ERROR);
    assert_eq!(line.field("ending"), Some("stalled"));
    let cause = "no sign of life for 300s, waiting for the lease of the cursor";
    assert_eq!(line.field("cause"), Some(cause));
    assert_eq!(line.field("waiting_for"), Some("the lease of the cursor"));
    let beat = &lines.with_message("heartbeat")[1];
    assert_eq!(beat.field("waiting_for"), Some("the lease of the cursor"));
    assert_eq!(beat.field("state_for_ms"), Some("120000"));
}

#[tokio::test(start_paused = true)]
async fn what_was_said_in_another_state_is_waited_for_no_longer() {
    let report = one_life(|scope| async move {
        scope.set_state(State::Connecting);
        scope.waiting_for("the lease of the cursor");
        scope.set_state(State::Connecting);
        scope.set_state(State::Streaming);
        pending().await
    });
    assert_eq!(stalled(&*report.await).0, "the next message");
}

#[tokio::test(start_paused = true)]
async fn leaving_a_reason_to_wait_gives_the_whole_time() {
    let report = one_life(|scope| async move {
        scope.set_state(State::Full);
        sleep(1_234 * SECOND).await;
        scope.set_state(State::Streaming);
        pending().await
    });
    let report = report.await;
    assert_eq!(stalled(&report).1, 5 * MINUTE);
    assert_eq!(report.ran_for, 1_534 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_child_may_be_silent_for_ever_if_its_settings_say_so() {
    let (builder, recorder) = recorded();
    run_for(builder.child(scripted("relay", [Act::Serve]).stall_after(None)), 24 * 60 * MINUTE).await;
    assert_eq!(recorder.reports().len(), 1);
    assert_eq!(recorder.reports()[0].ending.kind(), "stopped");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_stalls_every_time_is_restarted_and_spends_its_intensity() {
    let (builder, recorder) = recorded();
    let child = scripted("relay", [Act::Run(Duration::MAX)]).stall_after(Some(SECOND));
    run_for(builder.child(child), 30 * MINUTE).await;
    let verdicts: Vec<_> = recorder.reports().iter().map(|report| report.verdict.as_str()).collect();
    assert_eq!(verdicts[..5], ["restart"; 5]);
    assert!(verdicts[5..verdicts.len() - 1].iter().all(|verdict| *verdict == "restart_at_cap"));
    assert!(verdicts.len() > 20, "{verdicts:?}");
}

#[tokio::test(start_paused = true)]
async fn the_tasks_of_a_stalled_child_are_gone_before_the_next_begins() {
    let gone = Arc::new(AtomicBool::new(true));
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", move |scope| {
        let gone = Arc::clone(&gone);
        async move {
            assert!(gone.swap(false, Ordering::SeqCst), "the driver before is gone");
            let guard = SetWhenDropped(gone);
            scope.spawn("driver", async move {
                let _guard = guard;
                pending::<()>().await;
            });
            if scope.incarnation() == 4 { Ok(Done::Finished) } else { pending().await }
        }
    });
    run_out(builder.child(child)).await;
    let kinds: Vec<_> = recorder.reports().iter().map(|report| report.ending.kind()).collect();
    assert_eq!(kinds, ["stalled", "stalled", "stalled", "finished"]);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_stalls_while_it_stops_is_aborted_by_its_grace() {
    let (builder, recorder) = recorded();
    let deaf = scripted("relay", [Act::StopSlowly(Duration::MAX)]).stall_after(Some(2 * SECOND));
    run_for(builder.child(deaf.grace(10 * SECOND)), SECOND).await;
    let reports = recorder.reports();
    assert_eq!((reports[0].ending.kind(), reports[0].ran_for), ("aborted", 11 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_suspended_does_not_call_its_children_stalled() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        scope.set_state(State::Streaming);
        let suspended = timeout(30 * MINUTE, pending::<()>()).await;
        assert!(suspended.is_err());
        Err(Trouble::lost("idle"))
    });
    let supervisor = builder.child(child.restart(Restart::Never)).build().unwrap();
    let watch = async {
        sleep(SECOND).await;
        // The clock goes on while nobody runs: the watchdog wakes together with everybody else, and late.
        advance(29 * MINUTE).await;
        pending::<()>().await;
    };
    supervisor.run(watch).await;
    assert_eq!(recorder.reports()[0].ending.to_string(), "lost: idle");
}
