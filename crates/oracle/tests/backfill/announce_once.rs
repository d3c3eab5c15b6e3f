//! Each repo once in a run of the process, however many hosts list it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::Port;
use standpipe_simulator::{
    Feed, ListedAccount, ListingSettings, PageFault, PageRequest, Relay, RelaySettings, Rule, Share, World,
    WorldSettings,
};
use tokio::time::{Instant, sleep};

use crate::rig::{DONE, LOOK_EVERY, PATIENCE, Rig, STREAM};

const ACCOUNTS: u32 = 8_000;
/// Much more than there are.
const AMPLE: &str = "100000";
const SILENT: PageFault = PageFault::Stall { time: None };

fn world() -> World {
    World::new(WorldSettings { accounts: NonZeroU32::new(ACCOUNTS).unwrap(), ..WorldSettings::default() })
}

fn host(listing: ListingSettings, listen: SocketAddr) -> Relay {
    let settings = RelaySettings { listen, listing: Some(listing), ..RelaySettings::default() };
    Relay::start(Feed::World(world()), settings).unwrap()
}

/// Lists all accounts that are active.
fn relay(listen: SocketAddr) -> Relay {
    host(ListingSettings::relay(world()), listen)
}

/// Lists every account of its share.
fn pds(index: u64, of: u64) -> Relay {
    host(ListingSettings::pds(world(), Share { index, of }), RelaySettings::default().listen)
}

/// A daemon that reads these hosts, and remembers so many repos.
async fn rig(hosts: &[&Relay], remembered: &str) -> Rig {
    let mut rig = Rig::new(1, |_| {}).await;
    let urls: Vec<String> = hosts.iter().map(|host| host.http_url()).collect();
    rig.daemon.set("INGESTER_RELAY_HOSTS", urls.join(","));
    rig.daemon.set("STANDPIPE_BACKFILL__ANNOUNCE_ONCE", remembered);
    rig
}

async fn cursor(rig: &Rig, host: &Relay) -> String {
    rig.get(&format!("{STREAM}:cursor:{}", host.addr())).await.unwrap_or_default()
}

/// Waits until these hosts are done, and until the daemon has counted that.
async fn until_done(rig: &mut Rig, hosts: &[&Relay]) {
    let deadline = Instant::now() + PATIENCE;
    for host in hosts {
        while cursor(rig, host).await != DONE || status(rig, host).await["enumeration"]["done"].is_null() {
            assert!(rig.daemon.is_running().unwrap(), "the daemon ended: {}", rig.daemon.log());
            assert!(Instant::now() < deadline, "{} is at {:?}", host.addr(), cursor(rig, host).await);
            sleep(LOOK_EVERY).await;
        }
    }
}

/// Waits until the host does not answer, and all that it answered before is in the sink.
async fn until_stalled(rig: &Rig, host: &Relay) {
    let is_stalled = |request: &&PageRequest| request.faults == ["page-stall"];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let at = Some(cursor(rig, host).await);
        let requests = host.page_requests();
        if requests.iter().rfind(is_stalled).is_some_and(|stalled| stalled.cursor == at) {
            return;
        }
        assert!(Instant::now() < deadline, "{at:?} of {requests:?}");
        sleep(LOOK_EVERY).await;
    }
}

/// An account that is active, from this one on.
fn active_from(account: u64) -> u64 {
    let world = world();
    (account..u64::from(ACCOUNTS)).find(|account| world.listed_account(*account).unwrap().active).unwrap()
}

/// What hosts list, and what became of it: entries by account, each checked against the host that it names.
struct Announced {
    listed: BTreeMap<String, ListedAccount>,
    entries: BTreeMap<String, u64>,
    /// Entries by host.
    by_host: BTreeMap<String, u64>,
}

impl Announced {
    async fn by(rig: &mut Rig, hosts: &[&Relay]) -> Self {
        let listed: BTreeMap<String, BTreeMap<String, ListedAccount>> = hosts
            .iter()
            .map(|host| {
                let accounts = host.servable().map(|account| (account.did.clone(), account));
                (format!("https://{}", host.addr()), accounts.collect())
            })
            .collect();
        let (mut entries, mut by_host) = (BTreeMap::<_, u64>::new(), BTreeMap::<_, u64>::new());
        for entry in rig.entries().await {
            let [host, did] = ["host", "did"].map(|name| entry[name].as_str().unwrap().to_owned());
            let account = listed[&host].get(&did).unwrap_or_else(|| panic!("{host} does not list {did}"));
            let said = (entry["active"].as_bool(), entry["rev"].as_str());
            assert_eq!(said, (Some(account.active), Some(account.rev.as_str())));
            *entries.entry(did).or_default() += 1;
            *by_host.entry(host).or_default() += 1;
        }
        let listed = listed.into_values().flatten().collect();
        Self { listed, entries, by_host }
    }

    /// Every account that a host lists became an entry, so often.
    fn assert_each(&self, times: impl Fn(&ListedAccount) -> u64) {
        assert!(self.listed.len() > 7_000, "{}", self.listed.len());
        for (did, account) in &self.listed {
            let found = self.entries.get(did).copied().unwrap_or_default();
            assert_eq!(found, times(account), "entries of {did}, account {}", account.account);
        }
        assert_eq!(self.entries.len(), self.listed.len());
    }

    fn of(&self, host: &Relay) -> u64 {
        self.by_host.get(&format!("https://{}", host.addr())).copied().unwrap_or_default()
    }
}

/// How many rows of the host were passed over, as the daemon counts them.
async fn passed_over(rig: &Rig, host: &Relay) -> u64 {
    let metrics = rig.daemon.get("/metrics").await.unwrap();
    let labels = [&format!("host=\"{}\"", host.addr()), "reason=\"announced_elsewhere\""];
    let count = metrics.metric("standpipe_dropped_total", &labels).unwrap_or_default();
    // A counter of whole things.
    format!("{count:.0}").parse().unwrap()
}

/// What the daemon says of this host.
async fn status(rig: &Rig, host: &Relay) -> Value {
    let page: Value = serde_json::from_str(&rig.daemon.get("/status").await.unwrap().body).unwrap();
    let hosts = page["hosts"].as_array().unwrap();
    hosts.iter().find(|shown| shown["host"] == host.addr().to_string()).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_a_repo_that_several_hosts_list_is_one_entry_though_hosts_fail_and_restart_in_the_middle() {
    let port = Port::reserve().unwrap();
    let before = relay(port.address());
    let (even, odd, third) = (pds(0, 2), pds(1, 2), pds(0, 3));
    // Three at a time of four: whoever fails five times in a row ends, and begins anew behind its cursor.
    let mut rig = rig(&[&before, &even, &odd, &third], AMPLE).await;
    rig.daemon.set("STANDPIPE_BACKFILL__HOSTS_AT_ONCE", "3");
    // The relay goes ahead, where it is not the one that waits for its turn.
    let late = PageFault::Stall { time: Some(Duration::from_secs(1)) };
    for pds in [&even, &odd, &third] {
        pds.faults().add(Rule::on_row(0, late.clone()).times(1));
    }
    before.faults().add(Rule::on_row(active_from(5_000), SILENT));
    let reset = even.faults().add(Rule::each_page(PageFault::Reset).on_connections(3..9));
    rig.daemon.start().unwrap();
    until_done(&mut rig, &[&even, &odd, &third]).await;
    assert_eq!(even.faults().fired(reset), 6);
    assert!(status(&rig, &even).await["incarnation"].as_u64().unwrap() > 1);
    assert_ne!(cursor(&rig, &before).await, DONE);

    before.stop().await;
    let relay = relay(port.address());
    let hosts = [&relay, &even, &odd, &third];
    until_done(&mut rig, &hosts).await;
    let announced = Announced::by(&mut rig, &hosts).await;
    announced.assert_each(|_| 1);
    for host in hosts {
        let listed = host.servable().count() as u64;
        let (entries, elsewhere) = (announced.of(host), passed_over(&rig, host).await);
        println!("{}: {listed} listed, {entries} entries, {elsewhere} announced elsewhere", host.addr());
        assert_eq!(entries + elsewhere, listed);
        let shown = status(&rig, host).await["enumeration"]["done"].clone();
        assert_eq!((&shown["repos"], &shown["entries"]), (&listed.into(), &entries.into()));
    }
    assert!(passed_over(&rig, &relay).await > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_a_process_that_was_killed_announces_again_rather_than_lose() {
    let relay = relay(RelaySettings::default().listen);
    let pds = pds(0, 1);
    let mut rig = rig(&[&relay, &pds], AMPLE).await;
    relay.faults().add(Rule::on_row(active_from(5_000), SILENT));
    rig.daemon.start().unwrap();
    until_done(&mut rig, &[&pds]).await;
    until_stalled(&rig, &relay).await;
    assert!(rig.daemon.kill().unwrap());
    let behind = cursor(&rig, &relay).await;
    // What the relay had not listed by then was announced by the other, which is not asked again.
    let behind: u64 = behind.parse().unwrap();
    assert!((3_000..=5_000).contains(&behind), "{behind}");

    relay.faults().clear();
    rig.daemon.start().unwrap();
    until_done(&mut rig, &[&relay, &pds]).await;
    let announced = Announced::by(&mut rig, &[&relay, &pds]).await;
    announced.assert_each(|account| 1 + u64::from(account.active && account.account >= behind));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_beyond_the_number_that_is_remembered_a_repo_is_announced_again_and_none_is_lost() {
    for (remembered, is_enough) in [(AMPLE, true), ("1000", false)] {
        let relay = relay(RelaySettings::default().listen);
        let pds = pds(0, 1);
        let mut rig = rig(&[&relay, &pds], remembered).await;
        // Until the relay has listed all, the other lists nothing.
        pds.faults().add(Rule::each_page(SILENT));
        rig.daemon.start().unwrap();
        until_done(&mut rig, &[&relay]).await;
        pds.faults().clear();
        until_done(&mut rig, &[&pds]).await;
        let elsewhere = passed_over(&rig, &pds).await;
        let announced = Announced::by(&mut rig, &[&relay, &pds]).await;
        announced.assert_each(|account| if is_enough || !account.active { 1 } else { 2 });
        let by_relay = relay.servable().count() as u64;
        assert_eq!(elsewhere, if is_enough { by_relay } else { 0 }, "{remembered} remembered");
        assert_eq!((announced.of(&relay), passed_over(&rig, &relay).await), (by_relay, 0));
    }
}
