use std::num::NonZeroU32;
use std::time::Duration;

use standpipe_oracle::{
    Build, DaemonProcess, Persistence, Program, RedisOptions, RedisServer, Reply, RespClient, seed,
};
use standpipe_simulator::{Feed, LabelWorld, ListingSettings, Relay, RelaySettings, World, WorldSettings};
use tokio::time::{Instant, sleep};

use crate::consumer::Consumer;
use crate::history::{Essence, History};
use crate::origin::Origin;

const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Items that each of the four has to do: the origin, standpipe, the origin again, standpipe again.
const ITEMS: u64 = 1_000;

/// One of the three daemons, its host, and its stream as consumers know it.
struct Service {
    daemon: &'static str,
    hosts: &'static str,
    stream: &'static str,
    field: &'static str,
    group: &'static str,
    history: History,
    items: u64,
    relay: Relay,
    written: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firehose_moves_over_and_back_without_a_gap_or_a_repeat() {
    let world = World::new(WorldSettings { seed: seed(), ..WorldSettings::default() });
    let settings = RelaySettings { backlog: ITEMS * 4, ..RelaySettings::default() };
    let relay = Relay::start(Feed::World(world.clone()), settings).unwrap();
    let service = Service {
        daemon: "firehose",
        hosts: "INGESTER_RELAY_HOSTS",
        stream: "firehose_live",
        field: "event",
        group: "firehose_group",
        history: History::Frames(world),
        items: ITEMS * 4,
        written: format!("ws://{}/", relay.addr()),
        relay,
    };
    there_and_back(service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_labeler_moves_over_and_back_without_a_gap_or_a_repeat() {
    let settings =
        WorldSettings { seed: seed(), accounts: NonZeroU32::new(30).unwrap(), ..WorldSettings::default() };
    let world = LabelWorld::new(settings, "did:web:labels.example.com");
    let settings = RelaySettings { backlog: ITEMS * 4, ..RelaySettings::default() };
    let relay = Relay::start(Feed::Labels(world.clone()), settings).unwrap();
    let service = Service {
        daemon: "labeler",
        hosts: "INGESTER_LABELER_HOSTS",
        stream: "label_live",
        field: "labels",
        group: "firehose_group",
        history: History::Labels(world),
        items: ITEMS * 4,
        written: format!("ws://{}/", relay.addr()),
        relay,
    };
    there_and_back(service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_moves_over_and_back_without_a_gap_or_a_repeat() {
    let accounts = NonZeroU32::new(u32::try_from(ITEMS * 5).unwrap()).unwrap();
    let world = World::new(WorldSettings { seed: seed(), accounts, ..WorldSettings::default() });
    let listing = Some(ListingSettings::relay(world.clone()));
    let settings = RelaySettings { listing, ..RelaySettings::default() };
    let relay = Relay::start(Feed::World(world), settings).unwrap();
    let service = Service {
        daemon: "backfill",
        hosts: "INGESTER_RELAY_HOSTS",
        stream: "repo_backfill",
        field: "repo",
        group: "repo_backfill_group",
        items: relay.servable().count() as u64,
        history: History::Repos(relay.servable().collect()),
        written: format!("http://{}", relay.addr()),
        relay,
    };
    there_and_back(service).await;
}

/// The origin writes, standpipe takes over, the origin takes over again, and standpipe at last. The consumer knows of
/// nothing: it dies with entries in its hands each time, and begins again.
async fn there_and_back(service: Service) {
    let options = RedisOptions { persistence: Persistence::AppendOnly, ..RedisOptions::default() };
    let server = RedisServer::start(options).await.unwrap();
    let mut client = server.client().await.unwrap();
    let Service { stream, field, group, history, written, .. } = &service;
    let origin = Origin { history, stream, field, written: written.clone() };
    let canonical = format!("{stream}:cursor:{}", service.relay.addr());
    let mut consumer = Consumer::new(server.client().await.unwrap(), stream, field, group).await;

    let mut expected = origin.run(&mut client, ITEMS).await;
    consumer.dies_with(100).await;

    let mut daemon = daemon(&service, &server);
    for turn in [Turn::UntilFull, Turn::ToTheEnd] {
        let from = history.behind(&get(&mut client, &origin.key()).await.unwrap());
        daemon.set("INGESTER_HIGH_WATER_MARK", turn.mark(&mut client, stream).await);
        daemon.start().unwrap();
        turn.wait(&service, &mut client, &canonical, &mut daemon).await;
        daemon.terminate().unwrap();
        assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
        let through = history.behind(&get(&mut client, &canonical).await.unwrap());
        assert!(through > from + 100, "standpipe has read from {from} to {through}");
        expected.extend((from..through).flat_map(|index| history.item(index).essences()));
        assert!(daemon.log().contains("adopted"), "it says that it goes on from the origin's cursor");
        if turn == Turn::UntilFull {
            consumer.catches_up().await;
            // The way back, as docs/deploy.md has it: the cursor gets the name that the origin knows.
            client.command(["RENAME", &canonical, &origin.key()]).await.unwrap();
            expected.extend(origin.run(&mut client, through + ITEMS).await);
            consumer.dies_with(100).await;
        }
    }
    consumer.catches_up().await;
    compare(&consumer.took, &expected);
}

fn compare(took: &[Essence], expected: &[Essence]) {
    let first = took.iter().zip(expected).position(|(took, expected)| took != expected);
    if let Some(first) = first {
        panic!("entry {first} is {:?}, and not {:?}", took[first], expected[first]);
    }
    assert_eq!(took.len(), expected.len());
    println!("{} entries, each once and in order", took.len());
}

/// How long standpipe works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Until the stream is full, somewhere in the middle.
    UntilFull,
    /// Until all is there.
    ToTheEnd,
}

impl Turn {
    /// The high-water mark that has it so.
    async fn mark(self, client: &mut RespClient, stream: &str) -> String {
        let length = client.command(["XLEN", stream]).await.unwrap().integer().unwrap();
        match self {
            Self::UntilFull => (length + 500).to_string(),
            Self::ToTheEnd => "1000000000".to_owned(),
        }
    }

    /// Waits for its end.
    async fn wait(self, service: &Service, client: &mut RespClient, key: &str, daemon: &mut DaemonProcess) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(daemon.is_running().unwrap(), "{}", daemon.log());
            assert!(Instant::now() < deadline, "waited for {self:?}: {}", daemon.log());
            let is_over = match self {
                Self::UntilFull => {
                    daemon.get("/readyz").await.is_ok_and(|page| page.body.contains("\"full\""))
                }
                Self::ToTheEnd => {
                    let stored = get(client, key).await;
                    stored.is_some_and(|cursor| service.history.behind(&cursor) == service.items)
                }
            };
            if is_over {
                return;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// The daemon with the environment that the origin had.
fn daemon(service: &Service, server: &RedisServer) -> DaemonProcess {
    DaemonProcess::new(Program::find(service.daemon, Build::Checks).unwrap())
        .unwrap()
        .with(service.hosts, service.written.clone())
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("INGESTER_BATCH_SIZE", "100")
        .with("STANDPIPE_GRACE", "1s")
        .with("STANDPIPE_BACKFILL__PAGE_LIMIT", "100")
        // Nobody is looked up: the origin wrote no verdicts either.
        .with("STANDPIPE_LABELER__VERIFY", "off")
}

async fn get(client: &mut RespClient, key: &str) -> Option<String> {
    let reply = client.command(["GET", key]).await.unwrap();
    (reply != Reply::Nil).then(|| reply.text().unwrap().to_owned())
}
