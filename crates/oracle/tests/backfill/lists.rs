use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde_json::json;
use standpipe_simulator::{Feed, ListingSettings, Relay, RelaySettings, Share, World, WorldSettings};

use crate::rig::Rig;

fn world(accounts: u32) -> World {
    World::new(WorldSettings { accounts: NonZeroU32::new(accounts).unwrap(), ..WorldSettings::default() })
}

fn pds(accounts: u32, share: Share) -> Relay {
    let world = world(accounts);
    let listing = Some(ListingSettings::pds(world.clone(), share));
    Relay::start(Feed::World(world), RelaySettings { listing, ..RelaySettings::default() }).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_hosts_of_a_file_are_all_listed_a_few_at_a_time_though_one_is_down() {
    let mut rig = Rig::new(1, |_| {}).await;
    let hosts = [0, 1, 2].map(|index| pds(6_000, Share { index, of: 3 }));
    let file = tempfile::NamedTempFile::new().unwrap();
    let [first, second, third] = hosts.each_ref().map(Relay::http_url);
    let written = format!("# one is down\nhttp://127.0.0.1:1\n{first} # the first\n\n{second}\n{third}");
    std::fs::write(file.path(), written).unwrap();
    rig.daemon.set("INGESTER_RELAY_HOSTS", "");
    rig.daemon.set("STANDPIPE_HOSTS_FILE", file.path().display().to_string());
    rig.daemon.set("STANDPIPE_BACKFILL__HOSTS_AT_ONCE", "1");
    rig.daemon.start().unwrap();
    rig.until_length(6_000).await;

    // Hosts with inactive accounts say why they are not.
    let mut expected: BTreeMap<String, serde_json::Value> = BTreeMap::new();
    for host in &hosts {
        for account in host.servable() {
            let entry = json!({
                "did": account.did,
                "host": format!("https://{}", host.addr()),
                "rev": account.rev,
                "status": account.status,
                "active": account.active,
            });
            expected.insert(account.did, entry);
        }
    }
    let entries = rig.entries().await;
    assert_eq!((entries.len(), expected.len()), (6_000, 6_000));
    for entry in entries {
        assert_eq!(expected.remove(entry["did"].as_str().unwrap()), Some(entry));
    }
    let down = rig.until_status("a host that is down", |host| host["last_exit"]["ending"] == "lost").await;
    assert_eq!(down["host"], "127.0.0.1:1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_repos_of_a_collection_are_listed_under_a_cursor_of_their_own() {
    const COLLECTION: &str = "app.bsky.feed.post";
    let mut rig = Rig::new(5_000, |_| {}).await;
    rig.daemon.set("STANDPIPE_BACKFILL__COLLECTION", COLLECTION);
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "off");
    rig.daemon.start().unwrap();
    assert_eq!(rig.daemon.ended(crate::rig::PATIENCE).await.unwrap().code(), Some(0), "{}", rig.daemon.log());
    let world = world(5_000);
    let having = (0..5_000).filter(|account| world.has_collection(*account, COLLECTION));
    let expected: Vec<String> = having.map(|account| world.listed_account(account).unwrap().did).collect();
    let entries = rig.entries().await;
    let found: Vec<&str> = entries.iter().map(|entry| entry["did"].as_str().unwrap()).collect();
    assert_eq!(found, expected);
    assert_eq!(rig.get(&rig.key("")).await, None);
    assert_eq!(rig.get(&rig.key("!app.bsky.feed.post")).await.as_deref(), Some(crate::rig::DONE));
}
