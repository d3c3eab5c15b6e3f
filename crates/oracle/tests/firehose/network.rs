//! Several relays that one daemon reads into one Redis, each with seqs of its own range.

use std::sync::Arc;
use std::time::Duration;

use standpipe_oracle::{Count, Expectation, RedisServer, Sample, StreamWatch};
use standpipe_simulator::{Pace, Relay, World, WorldSettings};
use tokio::time::Instant;

use crate::rig::{FIELD, PATIENCE, STREAM, relay};
use crate::simulated::{Wanted, expectation};

/// How far the ranges of seqs are apart, so that one can tell whose an entry is.
const RANGE: u64 = 1_000_000_000;

/// One relay, what must become of its frames, and how far it has been read.
pub(crate) struct Host {
    pub(crate) relay: Relay,
    pub(crate) name: String,
    pub(crate) expectation: Arc<Expectation>,
    watch: StreamWatch,
    cursor: Option<u64>,
    moved: Instant,
    longest_pause: Duration,
}

impl Host {
    /// The nth host of a network: a relay that begins empty, and gets `frames` at this pace.
    pub(crate) fn new(nth: u64, seed: u64, server: &RedisServer, frames: u64, pace: Pace) -> Self {
        let settings =
            WorldSettings { seed: seed ^ nth, first_seq: nth * RANGE + 1, ..WorldSettings::default() };
        let world = World::new(settings);
        let expectation = Arc::new(expectation(&world, frames, Wanted::Compatible));
        let relay = relay(world, 0, frames, pace);
        let name = relay.addr().to_string();
        let watch = StreamWatch::new(server.address(), STREAM, &name);
        let (moved, longest_pause) = (Instant::now(), Duration::ZERO);
        Self { relay, name, expectation, watch, cursor: None, moved, longest_pause }
    }

    /// Whether all its frames are behind the cursor.
    pub(crate) fn is_read(&self) -> bool {
        self.cursor == Some(self.expectation.last_seq())
    }

    /// Looks at the cursor, and how long it has stood still while the relay served its client.
    pub(crate) async fn look(&mut self) -> Sample {
        let sample = self.watch.sample().await.unwrap();
        if sample.cursor != self.cursor || self.relay.serving().is_none() || self.is_read() {
            self.moved = Instant::now();
        } else if self.cursor.is_some() {
            self.longest_pause = self.longest_pause.max(self.moved.elapsed());
        }
        assert!(sample.cursor >= self.cursor, "the cursor of {} went back", self.name);
        self.cursor = sample.cursor;
        assert!(self.moved.elapsed() < PATIENCE, "{} stands at {:?}", self.name, self.cursor);
        sample
    }

    /// The longest that its cursor stood still while the relay served its client.
    pub(crate) fn longest_pause(&self) -> Duration {
        self.longest_pause
    }
}

/// Counts the whole stream, and wants each host's entries to be what they must be: none missing, repeated or out of
/// order.
pub(crate) async fn count(hosts: &mut [Host]) {
    let expectations: Vec<_> = hosts.iter().map(|host| Arc::clone(&host.expectation)).collect();
    let mut tally = Tally::new(&expectations);
    hosts[0].watch.read_all(FIELD, |entry| tally.see(entry)).await.unwrap();
    tally.check();
}

/// A count of what the hosts of a network have become.
pub(crate) struct Tally<'a>(Vec<Count<'a>>);

impl<'a> Tally<'a> {
    /// Nothing was seen yet.
    pub(crate) fn new(expectations: &'a [Arc<Expectation>]) -> Self {
        Self(expectations.iter().map(|expectation| expectation.count()).collect())
    }

    pub(crate) fn see(&mut self, entry: &[u8]) {
        self.0[usize::try_from(seq(entry) / RANGE).unwrap()].see(entry);
    }

    /// How many entries were seen.
    pub(crate) fn seen(&self) -> u64 {
        self.0.iter().map(|count| count.verdict().found).sum()
    }

    pub(crate) fn check(&self) {
        for (nth, count) in self.0.iter().enumerate() {
            let verdict = count.verdict();
            println!("host {nth}: {verdict}");
            assert!(verdict.is_clean(), "host {nth}: {verdict}");
        }
    }
}

fn seq(entry: &[u8]) -> u64 {
    let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
    entry["seq"].as_u64().unwrap()
}
