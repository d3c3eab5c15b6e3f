use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{ChildSpec, Done, OnGiveUp, Outcome, Restart};
use tokio::time::{Instant, sleep};

use crate::support::{Act, MINUTE, Recorder, SECOND, recorded, run_for, run_out, scripted};

fn ended(recorder: &Recorder) -> Vec<(String, Duration)> {
    recorder.reports().iter().map(|report| (report.child.to_string(), report.ran_for)).collect()
}

fn at(child: &str, seconds: u32) -> (String, Duration) {
    (child.to_owned(), MINUTE + seconds * SECOND)
}

#[tokio::test(start_paused = true)]
async fn stages_are_stopped_one_after_the_other_lowest_first() {
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("store", [Act::StopSlowly(4 * SECOND)]).stage(9))
        .child(scripted("relay", [Act::StopSlowly(2 * SECOND)]))
        .child(scripted("labeler", [Act::StopSlowly(SECOND)]))
        .child(scripted("index", [Act::StopSlowly(3 * SECOND)]).stage(4));
    run_for(builder, MINUTE).await;
    assert_eq!(ended(&recorder), [at("labeler", 1), at("relay", 2), at("index", 5), at("store", 9)]);
}

#[tokio::test(start_paused = true)]
async fn i10_the_whole_stop_is_bounded_by_the_sum_of_the_stages_longest_graces() {
    let (builder, _recorder) = recorded();
    let deaf = |name, grace, stage| scripted(name, [Act::Run(Duration::MAX)]).grace(grace).stage(stage);
    let builder = builder
        .child(deaf("a", 3 * SECOND, 0))
        .child(deaf("b", 5 * SECOND, 0))
        .child(deaf("c", 7 * SECOND, 1))
        .child(deaf("d", 11 * SECOND, 2));
    let began = Instant::now();
    let outcome = run_for(builder, MINUTE).await;
    assert_eq!(began.elapsed(), MINUTE + 23 * SECOND);
    let Outcome::Stopped { aborted } = outcome else { panic!("stopped, not {outcome:?}") };
    assert_eq!(aborted.iter().map(|report| &*report.child).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn a_later_stage_is_kept_until_its_turn() {
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("relay", [Act::StopSlowly(30 * SECOND)]).grace(MINUTE))
        .child(scripted("store", [Act::Run(70 * SECOND), Act::Fail, Act::Serve]).stage(1));
    run_for(builder, MINUTE).await;
    let store = recorder.reports_of("store");
    assert_eq!(store.len(), 2, "it failed while the relay stopped, and was restarted");
    assert_eq!((store[0].ending.kind(), store[0].verdict.as_str()), ("failed", "restart"));
    assert_eq!(store[1].ending.kind(), "stopped");
    assert_eq!(recorder.reports().last().unwrap().child, store[1].child);
}

#[tokio::test(start_paused = true)]
async fn a_stage_whose_children_ended_before_holds_up_nothing() {
    let (builder, recorder) = recorded();
    let builder = builder
        .child(scripted("errand", [Act::Finish]))
        .child(scripted("waits", [Act::LoseFor(10 * MINUTE)]).stage(1))
        .child(scripted("store", [Act::Serve]).stage(2));
    let began = Instant::now();
    run_for(builder, MINUTE).await;
    assert_eq!(began.elapsed(), MINUTE);
    assert_eq!(recorder.reports_of("store")[0].ran_for, MINUTE);
}

#[tokio::test(start_paused = true)]
async fn no_child_of_any_stage_begins_when_the_stop_came_first() {
    let (builder, recorder) = recorded();
    let builder = builder.child(scripted("a", [Act::Serve])).child(scripted("b", [Act::Serve]).stage(1));
    run_for(builder, Duration::ZERO).await;
    assert!(recorder.reports().is_empty(), "{:?}", recorder.reports());
}

#[tokio::test(start_paused = true)]
async fn giving_up_with_exit_keeps_the_order_too() {
    let (builder, recorder) = recorded();
    let builder = builder
        .on_give_up(OnGiveUp::Exit)
        .child(scripted("store", [Act::Serve]).stage(1))
        .child(scripted("once", [Act::Run(MINUTE), Act::Fail]).restart(Restart::Never))
        .child(scripted("relay", [Act::StopSlowly(2 * SECOND)]));
    assert!(matches!(run_out(builder).await, Outcome::GaveUp { .. }));
    assert_eq!(ended(&recorder), [at("once", 0), at("relay", 2), at("store", 2)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_stage_needs_is_still_there_while_it_stops() {
    let store = Arc::new(Mutex::new(Some(0_u32)));
    let (closed, opened) = (Arc::clone(&store), Arc::clone(&store));
    let (builder, recorder) = recorded();
    let keeper = ChildSpec::new("store", move |scope| {
        let closed = Arc::clone(&closed);
        async move {
            scope.stopped().await;
            *closed.lock().unwrap() = None;
            Ok(Done::Stopped)
        }
    });
    let user = ChildSpec::new("relay", move |scope| {
        let opened = Arc::clone(&opened);
        async move {
            scope.stopped().await;
            for _ in 0..5 {
                sleep(SECOND).await;
                *opened.lock().unwrap().as_mut().expect("the store is there") += 1;
            }
            Ok(Done::Stopped)
        }
    });
    run_for(builder.child(keeper.stage(1)).child(user), MINUTE).await;
    assert!(recorder.reports().iter().all(|report| report.ending.kind() == "stopped"));
    assert_eq!(*store.lock().unwrap(), None);
}
