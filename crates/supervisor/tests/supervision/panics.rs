use std::future::{Ready, pending};
use std::panic::{panic_any, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{
    Builder, ChildResult, ChildSpec, Done, Ending, ExitReport, Place, Restart, Scope, Trouble,
};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::support::{
    Act, Lines, SECOND, SetWhenDropped, outlived_scope, recorded, run_for, run_out, scripted,
};

struct Told {
    task: Option<String>,
    message: String,
    place: Option<Place>,
    backtrace: String,
}

fn told(report: &ExitReport) -> Told {
    let Ending::Panicked { task, message, place, backtrace } = &report.ending else {
        panic!("panicked, not {}", report.ending);
    };
    Told {
        task: task.as_deref().map(str::to_owned),
        message: message.clone(),
        place: place.clone(),
        backtrace: backtrace.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// Runs one life of a child that panics.
async fn panicking<F>(child: impl Fn(Scope) -> F + Send + Sync + 'static) -> Told
where
    F: Future<Output = ChildResult> + Send + 'static,
{
    let (builder, recorder) = recorded();
    run_out(builder.child(ChildSpec::new("relay", child).restart(Restart::Never))).await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    told(&reports[0])
}

fn here(told: &Told, line: u32) {
    let place = told.place.as_ref().expect("a place");
    assert!(place.file.ends_with("supervision/panics.rs"), "{place}");
    assert_eq!(place.line, line);
    assert!(told.backtrace.contains("supervision::panics::"), "{}", told.backtrace);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_message_place_and_backtrace() {
    let line = line!() + 3;
    let told = panicking(|scope| async move {
        let seq = scope.incarnation();
        panic!("frame {seq} is torn")
    });
    let told = told.await;
    assert_eq!(told.message, "frame 1 is torn");
    assert_eq!(told.task, None);
    here(&told, line);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_factory_is_that_incarnations_ending() {
    fn factory(_scope: Scope) -> Ready<ChildResult> {
        panic!("cannot even begin")
    }
    assert_eq!(panicking(factory).await.message, "cannot even begin");
}

#[tokio::test(start_paused = true)]
async fn a_panic_without_text_or_past_the_hook_is_told_as_far_as_it_goes() {
    let told = panicking(|_scope| async { panic_any(7_u8) }).await;
    assert_eq!(told.message, "a panic whose payload is no text");
    assert!(told.place.is_some());

    let told = panicking(|_scope| async { resume_unwind(Box::new("quietly")) }).await;
    assert_eq!(told.message, "quietly");
    assert_eq!(told.place, None);
}

#[tokio::test(start_paused = true)]
async fn panics_of_several_children_are_not_mixed_up() {
    let (mut builder, recorder) = recorded();
    for child in 0..8 {
        let name = format!("child-{child}");
        let said = name.clone();
        builder = builder.child(ChildSpec::new(name, move |_scope| {
            let said = said.clone();
            async move {
                sleep(SECOND).await;
                panic!("I am {said}")
            }
        }));
    }
    run_for(builder, 60 * SECOND).await;
    assert!(recorder.reports().len() > 16);
    for report in recorder.reports() {
        if let Ending::Panicked { .. } = report.ending {
            assert_eq!(told(&report).message, format!("I am {}", report.child));
            assert!(told(&report).place.is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn spawned_works_panic_ends_the_incarnation_under_the_tasks_name() {
    let lines = Lines::collect();
    let line = line!() + 4;
    let told = panicking(|scope| async move {
        scope.spawn("driver", async {
            sleep(SECOND).await;
            panic!("the driver is drunk")
        });
        scope.stopped().await;
        Ok(Done::Stopped)
    });
    let told = told.await;
    assert_eq!(told.task.as_deref(), Some("driver"));
    assert_eq!(told.message, "the driver is drunk");
    here(&told, line);

    let line = &lines.with_message("child ended")[0];
    assert_eq!(line.field("task"), Some("driver"));
    assert_eq!(line.field("place").map(str::to_owned), told.place.map(|place| place.to_string()));
    assert!(line.field("backtrace").is_some_and(|told| told.contains("supervision::panics::")));
    assert!(!line.field("backtrace").unwrap().contains('\n'));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_sees_its_task_vanish_first_does_not_hide_the_panic() {
    let lines = Lines::collect();
    let told = panicking(|scope| async move {
        let (driver_lives, driver_died) = oneshot::channel::<()>();
        scope.spawn("driver", async move {
            let _lives = driver_lives;
            panic!("the driver is drunk")
        });
        driver_died.await.map_err(Trouble::lost)?;
        Ok(Done::Finished)
    });
    assert_eq!(told.await.message, "the driver is drunk");
    let outweighed = &lines.with_message("a panic outweighs another ending");
    assert!(outweighed.iter().all(|line| line.field("ending") == Some("lost")));
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("torn down badly")
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_panics_is_the_ending() {
    let told = panicking(|scope| async move {
        let guard = PanicsWhenDropped;
        scope.spawn("driver", async move {
            let _guard = guard;
            pending::<()>().await;
        });
        yield_now().await;
        panic!("frame is torn")
    });
    let told = told.await;
    assert_eq!((told.task, told.message.as_str()), (None, "frame is torn"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_is_joined_after_the_childs_own_ending_outweighs_it() {
    let lines = Lines::collect();
    let told = panicking(|scope| async move {
        let guard = PanicsWhenDropped;
        scope.spawn("driver", async move {
            let _guard = guard;
            pending::<()>().await;
        });
        yield_now().await;
        Err(Trouble::lost("reset by peer"))
    });
    let told = told.await;
    assert_eq!(told.message, "torn down badly");
    assert_eq!(told.task.as_deref(), Some("driver"));
    assert!(told.place.is_some());
    assert_eq!(
        lines.with_message("a panic outweighs another ending")[0].field("cause"),
        Some("reset by peer")
    );
}

#[tokio::test(start_paused = true)]
async fn spawned_work_is_gone_before_the_next_incarnation_begins() {
    let gone = Arc::new(AtomicBool::new(true));
    let found_gone = Arc::new(AtomicU32::new(0));
    let (builder, recorder) = recorded();
    let (seen_gone, seen_found) = (Arc::clone(&gone), Arc::clone(&found_gone));
    let child = ChildSpec::new("relay", move |scope| {
        let (gone, found_gone) = (Arc::clone(&seen_gone), Arc::clone(&seen_found));
        async move {
            found_gone.fetch_add(u32::from(gone.swap(false, Ordering::SeqCst)), Ordering::SeqCst);
            let guard = SetWhenDropped(gone);
            scope.spawn("driver", async move {
                let _guard = guard;
                pending::<()>().await;
            });
            sleep(Duration::from_millis(10)).await;
            if scope.incarnation() == 5 { Ok(Done::Finished) } else { Err(Trouble::lost("reset by peer")) }
        }
    });
    run_out(builder.child(child)).await;
    assert_eq!(recorder.reports().len(), 5);
    assert_eq!(found_gone.load(Ordering::SeqCst), 5);
    assert!(gone.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn spawned_work_that_returns_ends_nothing() {
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", |scope| async move {
        let (done, told) = oneshot::channel();
        scope.spawn("errand", async move { done.send(()).unwrap() });
        told.await.map_err(Trouble::failed)?;
        sleep(SECOND).await;
        Ok(Done::Finished)
    });
    run_out(builder.child(child)).await;
    assert_eq!(recorder.reports()[0].ending.kind(), "finished");
    assert_eq!(recorder.reports()[0].ran_for, SECOND);
}

#[tokio::test(start_paused = true)]
async fn work_spawned_after_the_end_never_runs() {
    let scope = outlived_scope().await;
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetWhenDropped(Arc::clone(&dropped));
    assert!(scope.is_stopping(), "nobody keeps the child any longer");
    scope.spawn("late", async move {
        let _guard = guard;
        panic!("must not run")
    });
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn work_spawned_by_what_is_being_aborted_never_runs() {
    struct SpawnsWhenDropped(Scope, Arc<AtomicBool>);
    impl Drop for SpawnsWhenDropped {
        fn drop(&mut self) {
            let has_run = Arc::clone(&self.1);
            self.0.spawn("farewell", async move { has_run.store(true, Ordering::SeqCst) });
        }
    }
    let has_run = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&has_run);
    let (builder, recorder) = recorded();
    let child = ChildSpec::new("relay", move |scope| {
        let guard = SpawnsWhenDropped(scope.clone(), Arc::clone(&seen));
        async move {
            scope.spawn("driver", async move {
                let _guard = guard;
                pending::<()>().await;
            });
            yield_now().await;
            Ok(Done::Finished)
        }
    });
    run_out(builder.child(child)).await;
    sleep(SECOND).await;
    assert_eq!(recorder.reports().len(), 1);
    assert!(!has_run.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn a_child_that_panics_is_restarted_from_its_factory() {
    let (builder, recorder) = recorded();
    run_out(builder.child(scripted("relay", [Act::Panic, Act::Panic, Act::Finish]))).await;
    let kinds: Vec<_> = recorder.reports().iter().map(|report| report.ending.kind()).collect();
    assert_eq!(kinds, ["panicked", "panicked", "finished"]);
}

#[tokio::test(start_paused = true)]
async fn i9_a_panic_keeps_its_place_among_endings_while_its_backtrace_is_read() {
    let (panicked, has_panicked) = watch::channel(false);
    let panicking = ChildSpec::new("panics", move |_scope| {
        let panicked = panicked.clone();
        async move {
            panicked.send_replace(true);
            panic!("first")
        }
    });
    let failing = ChildSpec::new("fails", move |_scope| {
        let mut has_panicked = has_panicked.clone();
        async move {
            has_panicked.wait_for(|panicked| *panicked).await.unwrap();
            // Long enough for the first ending to be seen, and shorter than a backtrace takes.
            yield_now().await;
            Err(Trouble::failed("second"))
        }
    });
    let (builder, recorder) = recorded();
    let children = [panicking, failing].map(|child| child.restart(Restart::Never));
    run_out(children.into_iter().fold(builder, Builder::child)).await;
    let mut reports = recorder.reports();
    reports.sort_by_key(|report| report.ordinal);
    let order: Vec<_> = reports.iter().map(|report| (report.ordinal, &*report.child)).collect();
    assert_eq!(order, [(1, "panics"), (2, "fails")]);
}

#[tokio::test(start_paused = true)]
async fn i9_a_panic_is_reported_as_one_though_the_supervisor_is_dropped_meanwhile() {
    let (builder, recorder) = recorded();
    let (panicked, has_panicked) = oneshot::channel();
    let panicked = Mutex::new(Some(panicked));
    let child = ChildSpec::new("relay", move |_scope| {
        let panicked = panicked.lock().unwrap().take();
        async move {
            panicked.map(|panicked| panicked.send(()));
            panic!("torn")
        }
    });
    let supervisor = builder.child(child).build().unwrap();
    let seen = async {
        has_panicked.await.unwrap();
        // The ending is joined; its backtrace is being read.
        for _ in 0..10 {
            yield_now().await;
        }
    };
    tokio::select! {
        biased;
        _ = supervisor.run(pending()) => panic!("it came back"),
        () = seen => {}
    }
    yield_now().await;
    let reports = recorder.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(told(&reports[0]).message, "torn");
}
