//! A simulated host with a list, a Redis server, and a backfill daemon between them.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};
use standpipe_oracle::{
    Build, DaemonProcess, Port, Program, RedisOptions, RedisServer, Reply, RespClient, StreamWatch,
};
use standpipe_simulator::{Feed, ListedAccount, ListingSettings, Relay, RelaySettings, World, WorldSettings};
use tokio::time::{Instant, sleep};

pub(crate) const STREAM: &str = "repo_backfill";
const FIELD: &str = "repo";
pub(crate) const DONE: &str = "!ingester-done";

/// The longest that a daemon may make no progress that it could make.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// How often a condition is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(2);
/// A mark that is never reached.
const NO_MARK: &str = "1000000000";

/// The cursor and the stream's length at one instant.
const LOOK: &str = "return {redis.call('GET', KEYS[1]) or '', redis.call('XLEN', KEYS[2])}";

pub(crate) struct Rig {
    pub(crate) server: RedisServer,
    pub(crate) relay: Relay,
    pub(crate) daemon: DaemonProcess,
    pub(crate) watch: StreamWatch,
    client: RespClient,
    /// Held, since the host comes back to it.
    _port: Port,
    /// The numbers of the accounts that the host can serve, in order.
    servable: Vec<u64>,
    pub(crate) consumed: u64,
    pub(crate) looks: u64,
}

impl Rig {
    /// A rig whose daemon is not started. `plan` says what goes wrong at the host.
    pub(crate) async fn new(accounts: u32, plan: impl FnOnce(&Relay)) -> Self {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let port = Port::reserve().unwrap();
        let relay = relay(accounts, port.address());
        plan(&relay);
        let servable: Vec<u64> = relay.servable().map(|account| account.account).collect();
        let daemon = DaemonProcess::new(Program::find("backfill", Build::Checks).unwrap())
            .unwrap()
            .with("INGESTER_RELAY_HOSTS", relay.http_url())
            .with("REDIS_URL", format!("redis://{}", server.address()))
            .with("INGESTER_HIGH_WATER_MARK", NO_MARK)
            .with("STANDPIPE_TIMEOUTS__MESSAGE", "2s");
        let watch = StreamWatch::new(server.address(), STREAM, &relay.addr().to_string());
        let client = RespClient::connect(server.address()).await.unwrap();
        Self { server, relay, daemon, watch, client, _port: port, servable, consumed: 0, looks: 0 }
    }

    /// The name of a key of the host.
    pub(crate) fn key(&self, mark: &str) -> String {
        format!("{STREAM}:cursor:{}{mark}", self.relay.addr())
    }

    pub(crate) fn expected(&self) -> u64 {
        self.servable.len() as u64
    }

    /// Looks at cursor and stream, and checks that they belong together: not an entry more or less than what the cursor
    /// stands for.
    pub(crate) async fn look(&mut self) -> (String, u64) {
        let key = self.key("");
        let reply = self.client.command(["EVAL", LOOK, "2", &key, STREAM]).await.unwrap();
        let [cursor, length] = reply.items() else { panic!("{reply:?}") };
        let cursor = cursor.text().unwrap_or_default().to_owned();
        let length = u64::try_from(length.integer().unwrap()).unwrap();
        let stands_for = match cursor.as_str() {
            "" => 0,
            DONE => self.servable.len(),
            // Accounts count from 0, and the host's rows from 1.
            number => {
                let last: u64 = number.parse().unwrap();
                self.servable.partition_point(|account| *account < last)
            }
        };
        assert_eq!(length + self.consumed, stands_for as u64, "behind the cursor {cursor:?}");
        self.looks += 1;
        (cursor, length)
    }

    /// Waits until cursor and stream are as wanted; checks them at every look.
    pub(crate) async fn until(&mut self, what: &str, mut wanted: impl FnMut(&str, u64) -> bool) -> u64 {
        let mut best = (Instant::now(), 0);
        loop {
            let (cursor, length) = self.look().await;
            if wanted(&cursor, length) {
                return length;
            }
            if length > best.1 {
                best = (Instant::now(), length);
            }
            assert!(self.daemon.is_running().unwrap(), "the daemon ended while waiting for {what}");
            assert!(best.0.elapsed() < PATIENCE, "waited for {what}, found {cursor:?} and {length}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until the stream has so many entries, whatever the cursor.
    pub(crate) async fn until_length(&mut self, wanted: u64) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let length = self.client.command(["XLEN", STREAM]).await.unwrap().integer().unwrap();
            if u64::try_from(length).unwrap() >= wanted {
                return;
            }
            assert!(self.daemon.is_running().unwrap(), "the daemon ended");
            assert!(Instant::now() < deadline, "waited for {wanted} entries, found {length}");
            sleep(LOOK_EVERY).await;
        }
    }

    /// The host comes to have so many accounts.
    pub(crate) async fn grow(&mut self, accounts: u32) {
        let address = self.relay.addr();
        let elsewhere = relay(1, RelaySettings::default().listen);
        std::mem::replace(&mut self.relay, elsewhere).stop().await;
        self.relay = relay(accounts, address);
        self.servable = self.relay.servable().map(|account| account.account).collect();
    }

    /// Waits for the mark that all is done.
    pub(crate) async fn until_done(&mut self) {
        self.until("the mark that all is done", |cursor, _| cursor == DONE).await;
    }

    /// What the daemon says of its host.
    pub(crate) async fn status(&self) -> Value {
        let page = self.daemon.get("/status").await.unwrap();
        let page: Value = serde_json::from_str(&page.body).unwrap();
        page["hosts"][0].clone()
    }

    /// Waits until the daemon says this of its host.
    pub(crate) async fn until_status(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(page) = self.daemon.get("/status").await {
                let page: Value = serde_json::from_str(&page.body).unwrap_or_default();
                if wanted(&page["hosts"][0]) {
                    return page["hosts"][0].clone();
                }
            }
            assert!(Instant::now() < deadline, "waited for {what}: {}", self.status().await);
            sleep(LOOK_EVERY).await;
        }
    }

    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        let reply = self.server.command(["GET", key]).await.unwrap();
        (reply != Reply::Nil).then(|| reply.text().unwrap().to_owned())
    }

    /// The whole stream.
    pub(crate) async fn entries(&mut self) -> Vec<Value> {
        let mut entries = Vec::new();
        self.watch
            .read_all(FIELD, |entry| entries.push(serde_json::from_slice(entry).unwrap()))
            .await
            .unwrap();
        entries
    }

    /// Compares the whole stream with what the host could serve: every repo, once, in the host's order, and nothing else.
    pub(crate) async fn compare(&mut self) {
        let host = format!("https://{}", self.relay.addr());
        let (relay, watch) = (&self.relay, &mut self.watch);
        let mut expected = relay.servable();
        let mut count = 0_u64;
        watch
            .read_all(FIELD, |entry| {
                let wanted = expected.next().unwrap_or_else(|| panic!("entry {count} is one too many"));
                let found: Value = serde_json::from_slice(entry).unwrap();
                assert_eq!(found, entry_of(&wanted, &host), "entry {count}");
                count += 1;
            })
            .await
            .unwrap();
        let missing = expected.count();
        assert_eq!(missing, 0, "of {count} entries and those");
        println!("{count} entries, as the host has them; cursor and stream looked at {} times", self.looks);
    }
}

/// What must become of an account that a relay lists, which gives no status.
pub(crate) fn entry_of(account: &ListedAccount, host: &str) -> Value {
    json!({
        "did": account.did,
        "host": host,
        "rev": account.rev,
        "status": null,
        "active": account.active,
    })
}

/// A relay that lists so many accounts, without those that are not active.
pub(crate) fn relay(accounts: u32, listen: SocketAddr) -> Relay {
    let accounts = NonZeroU32::new(accounts).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    let listing = Some(ListingSettings::relay(world.clone()));
    Relay::start(Feed::World(world), RelaySettings { listen, listing, ..RelaySettings::default() }).unwrap()
}
