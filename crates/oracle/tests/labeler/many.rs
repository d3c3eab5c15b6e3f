use fastrand::Rng;
use standpipe_oracle::{Cut, Proxy, seed};
use standpipe_simulator::{Leaving, Message, Pace, Rule, SignatureSettings, StreamFault, UpgradeFault};
use tokio::time::Instant;

use crate::rig::{FIELD, Labeler, PATIENCE, nth_of, server};
use crate::signed::{self, Signed, directory};
use crate::simulated::expectation;

/// Most labelers say nothing for days; some have never said anything.
const SILENT: u64 = 196;
/// The one that says much, and how much.
const LOUD: u64 = SILENT;
const BACKLOG: u64 = 10_000;
/// How many frames of it come to be between two strikes.
const STEP: u64 = 2_500;
/// The one that is in trouble all the time.
const FAILING: u64 = SILENT + 1;
const FAILING_FRAMES: u64 = 10_000;
/// The one whose stored cursor is ahead of it.
const HELD: u64 = SILENT + 2;
/// The one that begins to speak when all others are done.
const LATE: u64 = SILENT + 3;
/// The one that is named by its DID, and moves.
const MOVING: u64 = SILENT + 4;
const MOVING_BACKLOG: u64 = 500;
/// How much it says at each new place.
const MOVING_STEP: u64 = 300;

/// How often something strikes while the loud one speaks.
const ROUNDS: u64 = 20;
const AHEAD: &str = "900000000000000";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_every_frame_of_two_hundred_labelers_is_appended_once_through_kills_and_cuts() {
    let mut rng = Rng::with_seed(seed());
    let seed = rng.u64(..);
    let mut server = server().await;
    let to_redis = Proxy::start(server.address()).await.unwrap();
    let new = |nth, backlog, frames, pace| Labeler::new(nth, seed, &server, backlog, frames, pace);
    let mut labelers: Vec<Labeler> = (0..SILENT).map(|nth| new(nth, nth % 4, nth % 4, Pace::STILL)).collect();
    labelers.push(new(LOUD, BACKLOG, BACKLOG + STEP * ROUNDS, Pace::STILL));
    labelers.push(new(FAILING, 0, FAILING_FRAMES, Pace::per_second(1_000)));
    labelers.push(new(HELD, 100, 100, Pace::STILL));
    labelers.push(new(LATE, 5, 200, Pace::STILL));
    let place = |nth: u64| usize::try_from(nth).unwrap();
    let (loud, failing, held, late) = (place(LOUD), place(FAILING), place(HELD), place(LATE));
    let faults: Vec<_> =
        trouble().into_iter().map(|rule| labelers[failing].host.faults().add(rule)).collect();
    let held_cursor = format!("label_live:cursor:{}", labelers[held].host.addr());
    server.command(["SET", &held_cursor, AHEAD]).await.unwrap();

    let directory = directory();
    let mut moving =
        Signed::new(MOVING, seed, &server, &directory, MOVING_BACKLOG, SignatureSettings::default());
    // In each of its first moves another of the strikes below comes between.
    let mut leavings =
        [Leaving::Stale, Leaving::Nothing, Leaving::Refusing { status: 503 }, Leaving::Stale].into_iter();

    let hosts = labelers.iter().map(|labeler| labeler.host.url()).chain([moving.did().to_owned()]);
    let mut daemon =
        signed::daemon(hosts, to_redis.address(), &directory.url()).with("STANDPIPE_LABELER__VERIFY", "off");
    daemon.start().unwrap();
    for round in 1..=ROUNDS {
        // Each strikes in the midst of new frames, so that the last one is over.
        labelers[loud].host.grow(STEP);
        let reach = labelers[loud].world.seq_at(BACKLOG + STEP * round - rng.u64(1..STEP));
        labelers[loud].until("the loud one's frames", |cursor| cursor >= reach).await;
        if round % 5 == 1
            && let Some(leaving) = leavings.next()
        {
            moving.is_read().await;
            moving.move_away(leaving).await;
            moving.grow(MOVING_STEP);
        }
        match round % 4 {
            0 => labelers[loud].disrupt(StreamFault::Reset).await,
            1 => {
                assert!(daemon.kill().unwrap(), "there is no daemon to kill");
                daemon.start().unwrap();
            }
            2 => {
                let cut = to_redis.fired().cut;
                to_redis.cut(Cut::Reset);
                to_redis.until(|fired| fired.cut > cut).await.unwrap();
            }
            _ => server.restart().await.unwrap(),
        }
    }

    for (nth, labeler) in labelers.iter_mut().enumerate().filter(|(nth, _)| ![held, late].contains(nth)) {
        until_read(nth, labeler).await;
    }
    moving.is_read().await;
    // Whatever befell the others: one that was quiet all the while is heard when it speaks.
    labelers[late].host.grow(u64::MAX);
    let last = labelers[late].expectation.last_seq();
    labelers[late].until("the late one's frames", |cursor| cursor == last).await;
    let struck = labelers[failing].host.faults();
    assert!(faults.iter().all(|fault| struck.fired(*fault) > 0), "{:?}", struck.counts());

    // Each is asked for its whole history first; and nobody is left for being quiet. A daemon that is killed early has
    // not come to all of them.
    let starts = daemon.starts();
    for silent in &labelers[..place(SILENT)] {
        let connections = silent.host.connections();
        assert!(connections.len() as u64 <= starts && silent.is_serving(), "{connections:?}");
        assert_eq!(connections[0].cursor, Some(0), "{connections:?}");
    }

    assert_eq!(labelers[held].sample().await.cursor.map(|cursor| cursor.to_string()).as_deref(), Some(AHEAD));
    let name = labelers[held].host.addr().to_string();
    let says_held = |page: &standpipe_oracle::Answer| {
        let page: serde_json::Value = serde_json::from_str(&page.body).unwrap();
        let hosts = page["hosts"].as_array().unwrap();
        hosts.iter().all(|host| (host["state"] == "held") == (host["host"] == name.as_str()))
    };
    daemon.until("one labeler to be held, and no other", PATIENCE, says_held).await.unwrap();

    let moving_frames = moving.labeler.host().frames();
    assert_eq!((moving_frames, leavings.next()), (MOVING_BACKLOG + 4 * MOVING_STEP, None));
    let of_moving = expectation(moving.labeler.world(), moving_frames);
    let all = labelers.iter().map(|labeler| &labeler.expectation).chain([&of_moving]);
    let mut counts: Vec<_> = all.map(standpipe_oracle::Expectation::count).collect();
    let mut watch = standpipe_oracle::StreamWatch::new(server.address(), "label_live", &name);
    watch.read_all(FIELD, |entry| counts[nth_of(entry)].see(entry)).await.unwrap();
    for (nth, count) in counts.iter().enumerate() {
        let verdict = count.verdict();
        if nth == held {
            assert_eq!(verdict.found, 0, "{verdict}");
        } else {
            assert!(verdict.is_clean(), "labeler {nth}: {verdict}");
        }
    }
    println!("the loud one: {}", counts[loud].verdict());
    println!(
        "the failing one: {}; {:?}",
        counts[failing].verdict(),
        labelers[failing].host.faults().counts()
    );
    println!("the moving one: {}", counts[labelers.len()].verdict());
    println!("{starts} starts; {:?}; {:?}", to_redis.fired(), daemon.usage().unwrap());
}

/// What befalls the failing one.
fn trouble() -> [Rule; 4] {
    [
        Rule::every_frames(700, StreamFault::Send(Message::Binary(vec![0xff; 64]))).times(3),
        Rule::every_frames(900, StreamFault::CutMidMessage).times(2),
        Rule::after_frames(400, StreamFault::Error { name: "ConsumerTooSlow".to_owned(), message: None })
            .times(2),
        // Looks whether it answers are connections too, so the second try need not be the second.
        Rule::on_upgrade(UpgradeFault::refuse(503)).on_connections(2..u64::MAX).times(2),
    ]
}

async fn until_read(nth: usize, labeler: &mut Labeler) {
    let deadline = Instant::now() + PATIENCE;
    while !labeler.is_read().await {
        let cursor = labeler.sample().await.cursor;
        assert!(Instant::now() < deadline, "labeler {nth} stands at {cursor:?}");
        tokio::task::yield_now().await;
    }
}
