//! What the check of a label's signature costs the whole daemon; docs/performance.md says how to read it.
//!
//! `cargo bench -p standpipe-oracle --bench labels` prints one line a curve and setting of `labeler.verify`. A word after
//! `--` is the number of thousands of labels that are read with signatures looked at; ten times as many are read without.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a benchmark reports, may fail, and runs threads of its own"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer, StreamWatch};
use standpipe_simulator::{
    Curve, Directory, Documents, Feed, LabelWorld, Relay, RelaySettings, Ring, SignatureSettings,
    WorldSettings, plc_did,
};
use tokio::time::{Instant, sleep};

/// Frames that are signed beforehand and sent over and over.
const SLOTS: u64 = 2_048;
/// The first seq of the ring.
const FIRST: u64 = 1 << 33;
/// The longest that a run may take.
const PATIENCE: Duration = Duration::from_mins(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);
const SEED: u64 = 7;

fn main() {
    let named = std::env::args().skip(1).find_map(|argument| argument.parse::<u64>().ok());
    let thousands = named.unwrap_or(100);
    let program = Program::find("labeler", Build::Release).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for (name, curve) in [("k256", Curve::K256), ("p256", Curve::P256)] {
        let labeler = Signing::new(curve);
        let mut costs = Vec::new();
        for (verify, labels) in [("off", 10_000 * thousands), ("mark", 1_000 * thousands)] {
            let Cost { cpu_micros, a_second } = runtime.block_on(measure(&program, &labeler, verify, labels));
            println!(
                "{name}, {verify:>4}: {cpu_micros:>7.2} µs of CPU a label, {a_second:>8.0} labels a second"
            );
            costs.push(cpu_micros);
        }
        println!("{name}: {:.0} times as much", costs[1] / costs[0]);
    }
}

/// A labeler all of whose labels are signed with one curve, and what it says.
struct Signing {
    world: LabelWorld,
    ring: Arc<Ring>,
    labels_a_turn: u64,
}

impl Signing {
    fn new(curve: Curve) -> Self {
        let signatures = SignatureSettings { curve: Some(curve), ..SignatureSettings::default() };
        let settings = WorldSettings { seed: SEED, ..WorldSettings::default() };
        let world = LabelWorld::new(settings, plc_did(SEED, "labeler")).signed(signatures);
        let ring = Ring::new((0..SLOTS).map(|index| world.frame_at(index)), FIRST).unwrap();
        let labels_a_turn = (0..SLOTS).map(|index| world.expected_at(index).len() as u64).sum();
        Self { world, ring: Arc::new(ring), labels_a_turn }
    }
}

struct Cost {
    cpu_micros: f64,
    a_second: f64,
}

async fn measure(program: &Program, labeler: &Signing, verify: &str, labels: u64) -> Cost {
    let directory = Directory::start(Documents::new(), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let turns = labels.div_ceil(labeler.labels_a_turn) + 1;
    let total = turns * labeler.ring.slots() as u64;
    let settings = RelaySettings { backlog: total, total: Some(total), ..RelaySettings::default() };
    let relay = Relay::start(Feed::Ring(Arc::clone(&labeler.ring)), settings).unwrap();
    directory.documents().put(&labeler.world.document(0, relay.http_url()));
    directory.documents().put(&labeler.world.colleague().unwrap());
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut daemon = DaemonProcess::new(program.clone())
        .unwrap()
        .with("INGESTER_LABELER_HOSTS", relay.url())
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_HIGH_WATER_MARK", "1000000000")
        .with("STANDPIPE_LABELER__VERIFY", verify)
        .with("STANDPIPE_IDENTITY__DIRECTORY", directory.url());
    daemon.start().unwrap();
    let mut watch = StreamWatch::new(server.address(), "label_live", &relay.addr().to_string());
    let mut until = async |seq: u64| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cursor = watch.sample().await.unwrap().cursor.unwrap_or_default();
            if cursor >= seq {
                return cursor;
            }
            assert!(Instant::now() < deadline, "not at {seq}, but at {cursor}");
            sleep(LOOK_EVERY).await;
        }
    };
    // The first turn is the start, and the lookup of both issuers.
    let from = until(FIRST + labeler.ring.slots() as u64 - 1).await;
    let (began, before) = (Instant::now(), daemon.usage().unwrap().cpu);
    let to = until(FIRST + total - 1).await;
    let (took, used) = (began.elapsed(), daemon.usage().unwrap().cpu.saturating_sub(before));
    let page = daemon.get("/metrics").await.unwrap().body;
    let is_verified = page.lines().any(|line| line.contains("reason=\"none\",verdict=\"verified\""));
    assert_eq!(is_verified, verify == "mark", "{page}");
    let frames = u32::try_from(to - from).unwrap();
    let labels = f64::from(frames) * f64::from(u32::try_from(labeler.labels_a_turn).unwrap())
        / f64::from(u32::try_from(labeler.ring.slots()).unwrap());
    Cost { cpu_micros: used.as_secs_f64() * 1e6 / labels, a_second: labels / took.as_secs_f64() }
}
