//! The hosts that a relay lists, each read once, whatever the others do.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use standpipe_oracle::seed;
use standpipe_simulator::{
    Feed, ListedHost, ListingSettings, PageFault, PageShape, Relay, RelaySettings, Retry, Rule, Share, World,
    WorldSettings,
};
use tokio::time::{Instant, sleep};

use crate::rig::{DONE, LOOK_EVERY, PATIENCE, Rig, STREAM};

/// PDSes that live, the last of them unknown at first.
const LIVING: u64 = 21;
const ACCOUNTS: u32 = 8_400;
const SILENT: PageFault = PageFault::Stall { time: None };

fn world() -> World {
    World::new(WorldSettings { accounts: NonZeroU32::new(ACCOUNTS).unwrap(), ..WorldSettings::default() })
}

fn host(listing: ListingSettings, listen: SocketAddr) -> Relay {
    let settings = RelaySettings { listen, listing: Some(listing), ..RelaySettings::default() };
    Relay::start(Feed::World(world()), settings).unwrap()
}

/// A PDS with its share of the accounts.
fn pds(index: u64) -> Relay {
    host(ListingSettings::pds(world(), Share { index, of: LIVING }), RelaySettings::default().listen)
}

/// A relay that has all accounts itself, and names these hosts.
fn relay(hosts: Vec<ListedHost>, listen: SocketAddr) -> Relay {
    host(ListingSettings { hosts, ..ListingSettings::relay(world()) }, listen)
}

fn named(hostname: &str, status: &str) -> ListedHost {
    ListedHost {
        hostname: hostname.to_owned(),
        seq: Some(7),
        account_count: Some(u64::from(ACCOUNTS) / LIVING),
        status: Some(status.to_owned()),
    }
}

fn named_all<'r>(hosts: impl IntoIterator<Item = &'r Relay>) -> Vec<ListedHost> {
    hosts.into_iter().map(|host| named(&host.addr().to_string(), "active")).collect()
}

/// A place where nobody listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A daemon that reads the hosts that these relays name.
async fn rig(relays: &[&Relay]) -> Rig {
    let mut rig = Rig::new(1, |_| {}).await;
    let urls: Vec<String> = relays.iter().map(|relay| relay.http_url()).collect();
    rig.daemon.set("INGESTER_RELAY_HOSTS", urls.join(","));
    rig.daemon.set("STANDPIPE_BACKFILL__MODE", "hosts");
    rig.daemon.set("STANDPIPE_BACKFILL__HOSTS_INTERVAL", "1s");
    rig
}

async fn cursor(rig: &Rig, host: &Relay) -> String {
    rig.get(&format!("{STREAM}:cursor:{}", host.addr())).await.unwrap_or_default()
}

async fn until_done(rig: &mut Rig, hosts: impl IntoIterator<Item = &Relay>) {
    let deadline = Instant::now() + PATIENCE;
    for host in hosts {
        while cursor(rig, host).await != DONE {
            assert!(rig.daemon.is_running().unwrap(), "the daemon ended: {}", rig.daemon.log());
            assert!(Instant::now() < deadline, "{} is at {:?}", host.addr(), cursor(rig, host).await);
            sleep(LOOK_EVERY).await;
        }
    }
}

async fn status(rig: &Rig) -> Value {
    serde_json::from_str(&rig.daemon.get("/status").await.unwrap().body).unwrap()
}

/// The host's part of the page.
fn of(page: &Value, host: &str) -> Value {
    let hosts = page["hosts"].as_array().unwrap();
    hosts.iter().find(|shown| shown["host"] == host).unwrap_or_else(|| panic!("{host} is not shown")).clone()
}

/// Every repo of these hosts is one entry, of its host, and there is no other.
async fn compare<'r>(rig: &mut Rig, hosts: impl IntoIterator<Item = &'r Relay>) {
    let mut expected = BTreeMap::new();
    for host in hosts {
        for account in host.servable() {
            let entry = json!({
                "did": account.did,
                "host": format!("https://{}", host.addr()),
                "rev": account.rev,
                "status": account.status,
                "active": account.active,
            });
            assert!(expected.insert(account.did, entry).is_none());
        }
    }
    let entries = rig.entries().await;
    println!("{} entries of {} repos", entries.len(), expected.len());
    for entry in entries {
        let did = entry["did"].as_str().unwrap().to_owned();
        assert_eq!(expected.remove(&did), Some(entry), "{did} is there twice, or is nobody's");
    }
    assert!(expected.is_empty(), "{} are missing", expected.len());
}

/// What goes wrong now and then at hosts that live.
fn trouble(known: &[Relay]) {
    let slow = Duration::from_millis(150);
    for host in &known[..3] {
        host.faults().add(Rule::each_page(PageFault::Stall { time: Some(slow) }));
    }
    for host in &known[3..6] {
        host.faults().add(Rule::each_page(PageFault::TooMany(Retry::After(1))).times(2));
    }
    known[6].faults().add(Rule::each_page(PageFault::Reset).times(1));
    known[7].faults().add(Rule::each_page(PageFault::CutBody).times(1));
}

/// Hosts that answer, but never with a page.
fn hostile() -> Vec<Relay> {
    let answers = [
        PageFault::Answer { status: 200, headers: vec![], body: b"<html>sorry</html>".to_vec() },
        PageFault::Answer { status: 404, headers: vec![], body: b"{}".to_vec() },
        PageFault::TooMany(Retry::After(3_600)),
        PageFault::Shape(PageShape::NoRepos),
        PageFault::Oversized,
        SILENT,
    ];
    answers
        .into_iter()
        .map(|fault| {
            let host = pds(0);
            host.faults().add(Rule::each_page(fault));
            host
        })
        .collect()
}

/// Kills the daemon now and then while the first repos come.
async fn strike(rig: &mut Rig, rng: &mut Rng) {
    let mut kills = 0;
    let length = async |rig: &Rig| {
        let length = rig.server.command(["XLEN", STREAM]).await.unwrap().integer().unwrap();
        u64::try_from(length).unwrap()
    };
    for part in 1..=4 {
        let wanted = u64::from(ACCOUNTS) * part / 6;
        rig.until_length(wanted + rng.u64(0..500)).await;
        let before = length(rig).await;
        kills += u32::from(rig.daemon.kill().unwrap());
        rig.daemon.start().unwrap();
        println!("killed at {before} entries");
    }
    assert_eq!(kills, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_of_the_hosts_that_a_relay_lists_each_that_lives_is_read_once_through_kills_whatever_the_others_do()
 {
    let mut rng = Rng::with_seed(seed());
    let living: Vec<Relay> = (0..LIVING).map(pds).collect();
    let (newest, known) = living.split_last().unwrap();
    trouble(known);
    let hostile = hostile();
    let (banned, offline, dead) = (pds(0), pds(1), [nobody(), nobody(), nobody()]);

    let mut names = named_all(known.iter().chain(&hostile));
    names.extend(dead.iter().map(|dead| named(dead, "idle")));
    names.push(named(&banned.addr().to_string(), "banned"));
    names.push(named(&offline.addr().to_string(), "offline"));
    names.push(named("no host/at all", "active"));
    rng.shuffle(&mut names);
    let others = relay(named_all(&known[..5]), RelaySettings::default().listen);
    // One that names itself, the other relay, and twice the same host.
    names.push(named(&others.addr().to_string(), "active"));
    names.extend(named_all([&known[0]]));
    let first = relay(Vec::new(), RelaySettings::default().listen);
    let address = first.addr();
    first.stop().await;
    names.push(named(&address.to_string(), "active"));
    let first = relay(names.clone(), address);

    let mut rig = rig(&[&first, &others]).await;
    rig.daemon.set("STANDPIPE_BACKFILL__SKIP_HOSTS", "offline");
    rig.daemon.set("STANDPIPE_BACKFILL__HOSTS_AT_ONCE", "4");
    rig.daemon.set("STANDPIPE_BACKFILL__PAGE_LIMIT", "60");
    rig.daemon.start().unwrap();
    strike(&mut rig, &mut rng).await;
    until_done(&mut rig, known).await;

    // Meanwhile another came to be.
    names.extend(named_all([newest]));
    first.stop().await;
    let first = relay(names, address);
    until_done(&mut rig, [newest]).await;
    rig.daemon.until("/readyz", PATIENCE, |answer| answer.status == 200).await.unwrap();
    compare(&mut rig, &living).await;
    for relay in [&first, &others] {
        let paths: BTreeSet<_> = relay.page_requests().into_iter().map(|asked| asked.path).collect();
        assert_eq!(paths, BTreeSet::from(["/xrpc/com.atproto.sync.listHosts".to_owned()]));
    }
    for alone in [&banned, &offline] {
        assert_eq!(alone.page_requests().len(), 0);
    }

    // Those that were done in an earlier life are known when they have had their turn.
    let deadline = Instant::now() + PATIENCE;
    let page = loop {
        let page = status(&rig).await;
        if page["found_hosts"]["done"] == LIVING {
            break page;
        }
        assert!(Instant::now() < deadline, "{}", page["found_hosts"]);
        sleep(LOOK_EVERY).await;
    };
    assert_eq!((&page["ready"], &page["reason"]), (&true.into(), &Value::Null));
    let shown = of(&page, &newest.addr().to_string());
    assert_eq!(
        (&shown["found"], &shown["enumeration"]["done"]["exact"]),
        (&true.into(), &true.into()),
        "{shown}"
    );
    assert_eq!(shown["enumeration"]["estimated_repos"], u64::from(ACCOUNTS) / LIVING);
    let seen = of(&page, &address.to_string())["named_hosts"].clone();
    let skipped = json!({"banned": 1, "offline": 1, "invalid_hostname": 1, "in_settings": 2});
    assert_eq!(seen["skipped"], skipped, "{seen}");
    let read = LIVING + hostile.len() as u64 + dead.len() as u64;
    // One of them twice.
    assert_eq!((&seen["read"], &seen["named"]), (&(read + 1).into(), &(read + 6).into()), "{seen}");
    assert_eq!(page["found_hosts"]["hosts"], read, "{}", page["found_hosts"]);
    let readyz: Value = serde_json::from_str(&rig.daemon.get("/readyz").await.unwrap().body).unwrap();
    assert_eq!(readyz["hosts"].as_array().unwrap().len(), 2, "{readyz}");
    let metrics = rig.daemon.get("/metrics").await.unwrap();
    let entries = metrics.body.lines().filter(|line| line.starts_with("standpipe_entries_total"));
    assert!(entries.clone().count() > 0 && entries.clone().all(|line| line.contains("host=\"*\"")));
    assert_eq!(
        metrics.metric("standpipe_named_hosts", &[&format!("host=\"{address}\"")]),
        Some(f64::from(u32::try_from(read + 6).unwrap()))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_hosts_that_were_done_are_not_enumerated_again_after_a_restart_and_the_daemon_leaves_when_all_are()
{
    let hosts = [pds(0), pds(1), pds(2)];
    let relay = relay(named_all(&hosts), RelaySettings::default().listen);
    let mut rig = rig(&[&relay]).await;
    rig.daemon.set("STANDPIPE_BACKFILL__HOSTS_INTERVAL", "off");
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "off");
    for run in 0..2 {
        rig.daemon.start().unwrap();
        let ended = rig.daemon.ended(PATIENCE).await.unwrap();
        assert_eq!(ended.code(), Some(0), "{run}: {}", rig.daemon.log());
        compare(&mut rig, &hosts).await;
        for host in &hosts {
            assert_eq!(
                host.page_requests().len(),
                2,
                "run {run}: the page that has all, and the empty one behind it"
            );
        }
    }
    assert_eq!(relay.page_requests().len(), 2);
}
