//! A simulated relay, a Redis server, and a firehose daemon between them.

use std::sync::Arc;
use std::time::Duration;

use standpipe_oracle::{
    Build, DaemonProcess, Expectation, Persistence, Program, Proxy, RedisOptions, RedisServer, RigError,
    Sample, StreamWatch,
};
use standpipe_simulator::{CursorRules, Feed, Pace, Relay, RelaySettings, StreamFault, World};
use tokio::time::{Instant, sleep, timeout};

use crate::simulated::{Wanted, expectation};

/// The stream and its field, as consumers know them.
pub(crate) const STREAM: &str = "firehose_live";
pub(crate) const FIELD: &str = "event";

/// The longest that a daemon may make no progress that it could make.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A mark that is never reached.
const NO_MARK: &str = "1000000000";

pub(crate) struct RedisRig {
    pub(crate) server: RedisServer,
    pub(crate) to_redis: Proxy,
    pub(crate) relay: Relay,
    pub(crate) daemon: DaemonProcess,
    pub(crate) watch: StreamWatch,
    pub(crate) expectation: Arc<Expectation>,
    pub(crate) samples: u64,
    /// Entries that a consumer has taken away.
    pub(crate) consumed: u64,
    /// Entries that the daemon has not written.
    pub(crate) foreign: u64,
}

impl RedisRig {
    /// A rig whose daemon is not started, and whose relay has this many frames from the beginning.
    pub(crate) async fn new(world: World, frames: u64, wanted: Wanted) -> Self {
        let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
        let server = RedisServer::start(options).await.unwrap();
        let to_redis = Proxy::start(server.address()).await.unwrap();
        let expectation = Arc::new(expectation(&world, frames, wanted));
        let relay = relay(world, frames, frames, Pace::STILL);
        let daemon = firehose(&[&relay], wanted)
            .with("REDIS_URL", format!("redis://{}", to_redis.address()))
            .with("INGESTER_HIGH_WATER_MARK", NO_MARK);
        let watch = StreamWatch::new(server.address(), STREAM, &relay.addr().to_string());
        Self { server, to_redis, relay, daemon, watch, expectation, samples: 0, consumed: 0, foreign: 0 }
    }

    /// Looks at cursor and stream, and checks that they belong together: not an entry more or less than what
    /// the cursor stands for.
    pub(crate) async fn sample(&mut self) -> Result<Sample, RigError> {
        let sample = self.watch.sample().await?;
        let through = self.expectation.through(sample.cursor.unwrap_or_default());
        let there = sample.length + self.consumed - self.foreign;
        let cursor = sample.cursor;
        assert_eq!(there, through, "{there} entries are there, and the cursor {cursor:?} says {through}");
        self.samples += 1;
        Ok(sample)
    }

    /// Waits until cursor and stream are as wanted; checks them at every look.
    pub(crate) async fn until(&mut self, what: &str, mut wanted: impl FnMut(&Sample) -> bool) -> Sample {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sample = self.sample().await.unwrap();
            if wanted(&sample) {
                return sample;
            }
            assert!(self.daemon.is_running().unwrap(), "the daemon ended while waiting for {what}");
            let found = (sample.cursor, sample.length);
            assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}, found {found:?}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the daemon's page says that its host is in this state, with this HTTP status.
    pub(crate) async fn says(&mut self, state: &str, status: u16) {
        let wanted = format!("\"state\":\"{state}\"");
        let what = "the daemon to say how it is";
        let said = self.daemon.until(what, PATIENCE, |page| {
            page.status == status && page.body.replace("\": \"", "\":\"").contains(&wanted)
        });
        if let Err(error) = said.await {
            panic!("{error}; wanted {state} and {status}, found {:?}", self.daemon.get("/readyz").await);
        }
    }

    /// Waits until all is there that can be, and counts it.
    pub(crate) async fn complete(&mut self) {
        let last = self.expectation.last_seq();
        self.until("the last frame", |sample| sample.cursor == Some(last)).await;
        let mut count = self.expectation.count();
        self.watch.read_all(FIELD, |entry| count.see(entry)).await.unwrap();
        let verdict = count.verdict();
        println!("{verdict}; cursor and stream looked at {} times", self.samples);
        assert!(verdict.is_clean(), "{verdict}");
    }
}

/// A relay that begins with `backlog` frames and gets the others at this pace.
///
/// After a reconnection it sends the frame at the cursor once more, as the specification has it.
pub(crate) fn relay(world: World, backlog: u64, total: u64, pace: Pace) -> Relay {
    let cursors = CursorRules::SPECIFIED;
    let settings = RelaySettings { backlog, total: Some(total), pace, cursors, ..RelaySettings::default() };
    Relay::start(Feed::World(world), settings).unwrap()
}

/// Does this to the relay's client, and waits until it is back.
pub(crate) async fn disrupt(relay: &Relay, fault: StreamFault) {
    let disrupted = timeout(PATIENCE, relay.strike(fault.clone()));
    assert!(
        disrupted.await.is_ok(),
        "waited {PATIENCE:?} for {fault:?} and its end; {:?}",
        relay.connections()
    );
}

/// A firehose daemon that reads these hosts from their oldest frame.
pub(crate) fn firehose(hosts: &[&Relay], wanted: Wanted) -> DaemonProcess {
    let program = Program::find("firehose", Build::Checks).unwrap();
    let hosts: Vec<String> = hosts.iter().map(|host| host.url()).collect();
    let mut daemon = DaemonProcess::new(program)
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", hosts.join(","))
        .with("STANDPIPE_START", "oldest");
    for (name, value) in wanted.variables() {
        daemon.set(name, *value);
    }
    daemon
}
