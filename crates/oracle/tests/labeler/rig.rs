//! Simulated labelers that one daemon reads into one Redis, each with seqs of its own range.

use std::num::NonZeroU32;
use std::time::Duration;

use standpipe_oracle::{
    Build, DaemonProcess, Expectation, Persistence, Program, RedisOptions, RedisServer, Sample, StreamWatch,
};
use standpipe_simulator::{
    CursorRules, Feed, LabelWorld, Pace, Relay, RelaySettings, StreamFault, WorldSettings,
};
use tokio::time::{Instant, sleep, timeout};

use crate::simulated::expectation;

/// The stream and its field, as consumers know them.
pub(crate) const STREAM: &str = "label_live";
pub(crate) const FIELD: &str = "labels";

/// The longest that a daemon may make no progress that it could make.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often a condition is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How far the ranges of seqs are apart, so that one can tell whose an entry is.
const RANGE: u64 = 1_000_000_000;

/// How many accounts a labeler labels: few, so that each is labelled often.
pub(crate) const SUBJECTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);

/// One labeler, what must become of its frames, and how far it has been read.
pub(crate) struct Labeler {
    pub(crate) host: Relay,
    pub(crate) world: LabelWorld,
    pub(crate) expectation: Expectation,
    pub(crate) watch: StreamWatch,
}

impl Labeler {
    /// The nth of some: `backlog` frames are there from the beginning, and up to `frames` come at this pace.
    ///
    /// It speaks of cursors as a labeler does: nothing is ever too old, and a future one is refused.
    pub(crate) fn new(
        nth: u64,
        seed: u64,
        server: &RedisServer,
        backlog: u64,
        frames: u64,
        pace: Pace,
    ) -> Self {
        let settings = WorldSettings {
            seed: seed ^ nth,
            first_seq: range_of(nth),
            seq_stride: 3.try_into().unwrap(),
            accounts: SUBJECTS,
            ..WorldSettings::default()
        };
        let world = LabelWorld::new(settings, format!("did:web:labeler-{nth}.example.com"));
        let settings = RelaySettings {
            backlog,
            total: Some(frames),
            pace,
            cursors: CursorRules::PDS,
            ..RelaySettings::default()
        };
        let host = Relay::start(Feed::Labels(world.clone()), settings).unwrap();
        let watch = StreamWatch::new(server.address(), STREAM, &host.addr().to_string());
        Self { expectation: expectation(&world, frames), host, world, watch }
    }

    pub(crate) async fn sample(&mut self) -> Sample {
        self.watch.sample().await.unwrap()
    }

    /// Whether all its frames are behind the cursor.
    pub(crate) async fn is_read(&mut self) -> bool {
        self.expectation.frames() == 0 || self.sample().await.cursor == Some(self.expectation.last_seq())
    }

    /// Waits until the cursor is as wanted.
    pub(crate) async fn until(&mut self, what: &str, wanted: impl Fn(u64) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cursor = self.sample().await.cursor;
            if wanted(cursor.unwrap_or_default()) {
                return;
            }
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}, found {cursor:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether it serves a client now.
    pub(crate) fn is_serving(&self) -> bool {
        self.host.serving().is_some()
    }

    /// Does this to the labeler's client, and waits until it is back.
    pub(crate) async fn disrupt(&self, fault: StreamFault) {
        let disrupted = timeout(PATIENCE, self.host.strike(fault.clone()));
        assert!(disrupted.await.is_ok(), "waited {PATIENCE:?} for {fault:?} and its end");
    }
}

/// The first seq of the nth labeler's range.
pub(crate) fn range_of(nth: u64) -> u64 {
    nth * RANGE + 1
}

/// Which labeler's entry this is, of those in one stream.
pub(crate) fn nth_of(entry: &[u8]) -> usize {
    let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
    usize::try_from(entry["seq"].as_u64().unwrap() / RANGE).unwrap()
}

/// A server that keeps what it has acknowledged.
pub(crate) async fn server() -> RedisServer {
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    RedisServer::start(options).await.unwrap()
}

/// A daemon that reads these labelers into the Redis at this address, and looks at no signature.
pub(crate) fn daemon<'l>(
    labelers: impl IntoIterator<Item = &'l Labeler>,
    redis: impl std::fmt::Display,
) -> DaemonProcess {
    let hosts = labelers.into_iter().map(|labeler| labeler.host.url());
    daemon_reading(hosts, redis).with("STANDPIPE_LABELER__VERIFY", "off")
}

/// A daemon that reads these hosts into the Redis at this address.
pub(crate) fn daemon_reading(
    hosts: impl IntoIterator<Item = String>,
    redis: impl std::fmt::Display,
) -> DaemonProcess {
    let hosts: Vec<String> = hosts.into_iter().collect();
    DaemonProcess::new(Program::find("labeler", Build::Checks).unwrap())
        .unwrap()
        .with("INGESTER_LABELER_HOSTS", hosts.join(","))
        .with("INGESTER_HIGH_WATER_MARK", "1000000000")
        // Nobody can look their names up, and nothing outside of the machine is asked.
        .with("STANDPIPE_LABELER__VERIFY", "off")
        .with("REDIS_URL", format!("redis://{redis}"))
}
