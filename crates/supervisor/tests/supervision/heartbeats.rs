use standpipe_supervisor::{ChildSpec, Done, State};
use tokio::time::interval;

use crate::support::{Act, Lines, MINUTE, SECOND, recorded, run_for, scripted};

const MINUTES_A_DAY: usize = 24 * 60;

/// Ten events a second, 30 bytes each.
fn working() -> ChildSpec {
    ChildSpec::new("works", |scope| async move {
        let mut beats = interval(SECOND);
        scope.set_state(State::Streaming);
        for seq in 0.. {
            tokio::select! {
                () = scope.stopped() => break,
                _ = beats.tick() => {
                    scope.saw(Some(seq), None);
                    scope.progressed(10, 300);
                }
            }
        }
        Ok(Done::Stopped)
    })
    .host("bsky.network")
}

#[tokio::test(start_paused = true)]
async fn every_child_gives_a_sign_of_life_every_minute_for_a_day() {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    let builder = builder
        .child(working())
        .child(scripted("waits", [Act::LoseFor(15 * MINUTE)]))
        .child(scripted("fails", [Act::Fail]))
        .child(scripted("ends", [Act::Run(90 * SECOND), Act::Finish]));
    run_for(builder, 24 * 60 * MINUTE + SECOND).await;

    let beats = recorder.heartbeats();
    assert!(beats.iter().all(|beat| beat.since == MINUTE), "at every minute");
    let of = |child: &str| beats.iter().filter(|beat| &*beat.status.child == child).collect::<Vec<_>>();
    assert_eq!(of("works").len(), MINUTES_A_DAY);
    assert_eq!(of("waits").len(), MINUTES_A_DAY);
    assert_eq!(of("fails").len(), MINUTES_A_DAY);
    assert_eq!(of("ends").len(), 1, "none after it has ended for good");

    let works = of("works");
    let (events, bytes) = works.iter().fold((0, 0), |sum, beat| (sum.0 + beat.events, sum.1 + beat.bytes));
    let last = works.last().unwrap();
    assert_eq!(
        (events, bytes),
        (last.status.events, last.status.bytes),
        "the differences add up to the whole"
    );
    assert!(works[1..].iter().all(|beat| beat.events == 600 && beat.bytes == 18_000));

    let told = lines.with_message("heartbeat");
    assert_eq!(told.len(), beats.len(), "a line for each");
    let line = told.iter().rfind(|line| line.field("child") == Some("works")).unwrap();
    assert_eq!(line.field("host"), Some("bsky.network"));
    assert_eq!(line.field("state"), Some("streaming"));
    assert_eq!(line.field("events"), Some("600"));
    assert_eq!(line.field("bytes"), Some("18000"));
    assert_eq!(line.field("restarts"), Some("0"));
    assert_eq!(line.field("connected_for_ms"), Some("86400000"));
    assert_eq!(line.field("state_for_ms"), Some("86400000"));
    assert_eq!(line.field("waiting_for"), Some("the next message"));
    assert_eq!(line.field("last_seq"), last.status.last_seq.map(|seq| seq.to_string()).as_deref());
    let line = told.iter().rfind(|line| line.field("child") == Some("waits")).unwrap();
    assert_eq!(line.field("state"), Some("backing_off"));
    assert!(line.field("restart_in_ms").is_some());
    assert_eq!((line.field("state_for_ms"), line.field("waiting_for")), (None, None));
    let line = told.iter().rfind(|line| line.field("child") == Some("fails")).unwrap();
    assert_eq!(line.field("standing"), Some("over_intensity"));
}

#[tokio::test(start_paused = true)]
async fn events_of_an_ended_incarnation_are_in_the_next_heartbeat() {
    let (builder, recorder) = recorded();
    let acts = [Act::Progress, Act::Lose, Act::Progress, Act::Progress, Act::Lose, Act::Serve];
    run_for(builder.child(scripted("relay", acts)).heartbeat_period(10 * SECOND), 25 * SECOND).await;
    let told: Vec<_> = recorder.heartbeats().iter().map(|b| (b.events, b.bytes, b.status.restarts)).collect();
    assert_eq!(told, [(3, 300, 2), (0, 0, 2)]);
}

#[tokio::test(start_paused = true)]
async fn without_lines_only_the_observer_hears_of_heartbeats() {
    let lines = Lines::collect();
    let (builder, recorder) = recorded();
    run_for(builder.heartbeat_lines(false).child(working()), 3 * MINUTE + SECOND).await;
    assert_eq!(recorder.heartbeats().len(), 3);
    assert_eq!(lines.with_message("heartbeat").len(), 0);
}
