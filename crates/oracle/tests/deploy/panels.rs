//! Every panel's query returns something from a real Prometheus that scrapes all three daemons.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer};
use standpipe_simulator::{
    Feed, LabelWorld, ListedHost, ListingSettings, Message, Pace, Relay, RelaySettings, Rule, StreamFault,
    World, WorldSettings,
};

use crate::dashboards::queries;
use crate::known::Known;
use crate::prometheus::{Prometheus, shortened};

/// Daemons, and what they read and write.
struct Tier {
    daemons: Vec<(&'static str, DaemonProcess)>,
    _hosts: Vec<Relay>,
    _server: RedisServer,
}

impl Tier {
    async fn start() -> Self {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let live = RelaySettings { pace: Pace::per_second(200), ..RelaySettings::default() };
        let relay = Relay::start(Feed::World(World::new(WorldSettings::default())), live.clone()).unwrap();
        // Endings and frames that cannot be used.
        let troubled = Relay::start(Feed::World(World::new(WorldSettings::default())), live.clone()).unwrap();
        troubled.faults().add(Rule::every_frames(100, StreamFault::Send(Message::Binary(vec![0xff; 64]))));
        let labels = LabelWorld::new(WorldSettings::default(), "did:web:labels.test");
        let labels = Relay::start(Feed::Labels(labels), live).unwrap();
        let list = Self::list();
        let daemon = |name: &'static str, hosts: String| {
            let daemon = DaemonProcess::new(Program::find(name, Build::Checks).unwrap())
                .unwrap()
                .with("REDIS_URL", format!("redis://{}", server.address()))
                .with("STANDPIPE_REDIS__HIGH_WATER", "1000000")
                .with("STANDPIPE_HEARTBEAT", "1s")
                .with("STANDPIPE_BACKFILL__PAGE_LIMIT", "50")
                .with("STANDPIPE_BACKFILL__AGAIN", "1s")
                .with("STANDPIPE_BACKFILL__INTERVAL", "1s")
                // Of the labels' issuer nobody here knows anything, and nobody elsewhere is asked.
                .with("STANDPIPE_IDENTITY__DIRECTORY", "http://127.0.0.1:1")
                .with("STANDPIPE_LABELER__VERIFY_WITHIN", "100ms")
                .with("STANDPIPE_START", "oldest");
            let of_hosts =
                if name == "labeler" { "STANDPIPE_LABELER_HOSTS" } else { "STANDPIPE_RELAY_HOSTS" };
            (name, daemon.with(of_hosts, hosts))
        };
        let mut daemons = vec![
            daemon("firehose", format!("{},{}", relay.url(), troubled.url())),
            daemon("backfill", list.http_url()),
            daemon("labeler", labels.url()),
        ];
        for (_, daemon) in &mut daemons {
            daemon.start().unwrap();
        }
        Self { daemons, _hosts: vec![relay, troubled, labels, list], _server: server }
    }

    /// A host with a list, of which a list of hosts says how many there are.
    fn list() -> Relay {
        let world = WorldSettings { accounts: NonZeroU32::new(5_000).unwrap(), ..WorldSettings::default() };
        let mut listing = ListingSettings::relay(World::new(world));
        listing.hosts = vec![ListedHost {
            hostname: "pds.example.com".to_owned(),
            seq: None,
            account_count: Some(5_000),
            status: Some("active".to_owned()),
        }];
        let settings = RelaySettings { listing: Some(listing), ..RelaySettings::default() };
        Relay::start(Feed::canned(Vec::new()), settings).unwrap()
    }
}

/// A panel's query as it is with all hosts chosen.
fn chosen(expression: &str) -> String {
    let expression =
        expression.replace("$host", ".*").replace("$top", "10").replace("[$__rate_interval]", "[4s]");
    assert!(!expression.contains('$'), "{expression}");
    shortened(&expression)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_panel_has_something_to_show() {
    let mut tier = Tier::start().await;
    for (_, daemon) in &mut tier.daemons {
        daemon.ready().await.unwrap();
    }
    let scraped: Vec<_> = tier.daemons.iter().map(|(name, daemon)| (*name, daemon)).collect();
    let Some(prometheus) = Prometheus::scraping(&scraped).await else { return };
    let queries = queries();
    let mut shown = 0;
    for query in &queries {
        let expression = chosen(&query.expression);
        let samples = prometheus.until(&expression).await;
        let is_number = |sample: &serde_json::Value| sample["value"][1] != "NaN";
        if !samples.iter().any(is_number) {
            // No event within the window, as when a machine is busy: it comes.
            prometheus.until(&format!("({expression}) == ({expression})")).await;
        }
        shown += 1;
    }
    println!("{shown} queries of panels return something");
    assert!(shown > 60);
    what_is_exposed_is_known(&tier).await;
}

/// Every name and label of the daemons' own pages is in docs/metrics.md.
async fn what_is_exposed_is_known(tier: &Tier) {
    let known = Known::of_daemons();
    let mut seen = BTreeSet::new();
    for (_, daemon) in &tier.daemons {
        let page = daemon.get("/metrics").await.unwrap();
        for line in page.body.lines().filter(|line| !line.starts_with('#')) {
            let (name, labels) = line.split_once(['{', ' ']).unwrap();
            assert!(known.has(name), "{name} is not in docs/metrics.md");
            let labels = labels.split_once("\"} ").map_or("", |(labels, _)| labels);
            for label in labels.split("\",").filter_map(|label| label.split_once('=')) {
                assert!(known.has_label(name, label.0), "{name} has a label {}", label.0);
            }
            seen.insert(name.to_owned());
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}
