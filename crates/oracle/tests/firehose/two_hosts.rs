use std::time::Duration;

use standpipe_oracle::{RedisOptions, RedisServer, StreamWatch, seed};
use standpipe_simulator::{Message, Pace, Rule, Silence, StreamFault, UpgradeFault, World, WorldSettings};
use tokio::time::{Instant, interval};

use crate::rig::{FIELD, PATIENCE, STREAM, firehose, relay};
use crate::simulated::{Wanted, expectation};

/// Frames of each host, and how many each sends a second.
const FRAMES: u64 = 10_000;
const RATE: u32 = 1_000;
/// The longest that the sound host's cursor may stand still. A sound host that shares its pause with a troubled one
/// stands still for as long as a deadline or a backoff: a second or more.
const PAUSE: Duration = Duration::from_millis(900);
/// Where the troubled host's seqs begin, so that one can tell whose an entry is.
const FIRST_TROUBLED: u64 = 1_000_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_host_in_trouble_does_not_hold_up_another() {
    let seed = seed();
    let world = |seed, first_seq| World::new(WorldSettings { seed, first_seq, ..WorldSettings::default() });
    let (sound, troubled) = (world(seed, 1), world(!seed, FIRST_TROUBLED));
    let expected = expectation(&sound, FRAMES, Wanted::Compatible);
    let expected_of_troubled = expectation(&troubled, FRAMES, Wanted::Compatible);
    let sound = relay(sound, 0, FRAMES, Pace::per_second(RATE));
    let troubled = relay(troubled, 0, FRAMES, Pace::per_second(RATE));
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut daemon = firehose(&[&troubled, &sound], Wanted::Compatible)
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("STANDPIPE_TIMEOUTS__CONNECT", "1s")
        .with("STANDPIPE_TIMEOUTS__IDLE", "1s");
    let watch = |host: &standpipe_simulator::Relay| {
        StreamWatch::new(server.address(), STREAM, &host.addr().to_string())
    };
    let (mut watch, mut watch_troubled) = (watch(&sound), watch(&troubled));

    let hostile = Message::Binary(vec![0xff; 64]);
    let trouble = [
        Rule::every_frames(200, StreamFault::Send(hostile)).times(3),
        Rule::after_frames(1_000, StreamFault::Reset).times(3),
        Rule::after_frames(1_500, StreamFault::Silence(Silence::HalfOpen, None)).times(1),
        // The looks at a host before it is tried again are connections too, without a request.
        Rule::on_upgrade(UpgradeFault::StallUpgrade { time: None }).on_connections(2..u64::MAX).times(1),
        Rule::on_upgrade(UpgradeFault::refuse(503)).on_connections(4..u64::MAX).times(2),
    ];
    let faults: Vec<_> = trouble.into_iter().map(|rule| troubled.faults().add(rule)).collect();

    daemon.start().unwrap();
    let mut look = interval(Duration::from_millis(10));
    let (mut cursor, mut moved, mut longest) = (None, Instant::now(), Duration::ZERO);
    while cursor != Some(expected.last_seq()) {
        look.tick().await;
        let found = watch.sample().await.unwrap().cursor;
        if found != cursor {
            // How long it takes to start is another matter.
            longest = if cursor.is_some() { longest.max(moved.elapsed()) } else { longest };
            (cursor, moved) = (found, Instant::now());
        }
        assert!(moved.elapsed() < PATIENCE, "the sound host stands at {cursor:?}");
    }
    println!("the sound host's cursor stood still for at most {longest:?}");
    println!("its neighbour: {:?}", troubled.faults().counts());
    assert!(longest < PAUSE, "the sound host's cursor stood still for {longest:?}");
    assert_eq!(sound.connections().len(), 1);

    let deadline = Instant::now() + PATIENCE;
    while watch_troubled.sample().await.unwrap().cursor != Some(expected_of_troubled.last_seq()) {
        look.tick().await;
        assert!(Instant::now() < deadline, "the troubled host does not recover");
    }
    for fault in faults {
        assert!(troubled.faults().fired(fault) > 0, "{:?}", troubled.faults().counts());
    }
    let (mut count, mut count_of_troubled) = (expected.count(), expected_of_troubled.count());
    let is_of_troubled = |entry: &[u8]| {
        let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
        entry["seq"].as_u64() >= Some(FIRST_TROUBLED)
    };
    let each = |entry: &[u8]| {
        let count = if is_of_troubled(entry) { &mut count_of_troubled } else { &mut count };
        count.see(entry);
    };
    watch.read_all(FIELD, each).await.unwrap();
    for verdict in [count.verdict(), count_of_troubled.verdict()] {
        println!("{verdict}");
        assert!(verdict.is_clean(), "{verdict}");
    }
}
