//! A real backfill daemon, whose lists are shown with their progress.

use std::num::NonZeroU32;

use serde_json::json;
use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer};
use standpipe_simulator::{
    Feed, ListedHost, ListingSettings, PageFault, Relay, RelaySettings, Rule, Share, World, WorldSettings,
};

use crate::comparison::grouped;
use crate::rig::until_host;
use crate::view::View;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_shown_with_what_is_done() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let accounts = NonZeroU32::new(5_000).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    let listing = Some(ListingSettings::relay(world.clone()));
    let relay =
        Relay::start(Feed::World(world), RelaySettings { listing, ..RelaySettings::default() }).unwrap();
    // It is told to wait in the middle, so that what is shown stands still.
    let wait = PageFault::TooMany(standpipe_simulator::Retry::After(900));
    relay.faults().add(Rule::every_pages(3, wait).times(1));
    let mut daemon = DaemonProcess::new(Program::find("backfill", Build::Checks).unwrap())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", relay.http_url())
        .with("REDIS_URL", format!("redis://{}", server.address()));
    daemon.start().unwrap();
    let name = relay.addr().to_string();
    until_host(&daemon, &name, "a wait", |host| {
        host["state"] == "waiting" && host["enumeration"]["repos"] != 0
    })
    .await;
    let Some(view) = View::open(daemon.admin_address()).await else { return };
    let read = view.holds("enumeration").await;
    let list = &read["status"]["hosts"][0]["enumeration"];
    let shown = &read["shown"]["lists"][0];
    assert!(shown["title"].as_str().unwrap().starts_with(&format!("{name} · Everything, once")), "{shown}");
    let repos = grouped(list["repos"].as_u64().unwrap());
    assert!(shown["facts"]["Repos"].as_str().unwrap().starts_with(&repos), "{shown} {list}");
    assert_eq!(shown["facts"]["Pages"], grouped(list["pages"].as_u64().unwrap()));
    assert_eq!(shown["facts"]["Last whole one"], "none yet");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_another_named_are_marked_and_told_in_sum() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let accounts = NonZeroU32::new(3_000).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    let serve = |listing| {
        let settings = RelaySettings { listing: Some(listing), ..RelaySettings::default() };
        Relay::start(Feed::World(world.clone()), settings).unwrap()
    };
    let pdses = [0, 1].map(|index| serve(ListingSettings::pds(world.clone(), Share { index, of: 2 })));
    let named = |pds: &Relay| ListedHost {
        hostname: pds.addr().to_string(),
        seq: Some(1),
        account_count: Some(1_500),
        status: Some("active".to_owned()),
    };
    let hosts = pdses.iter().map(named).collect();
    let relay = serve(ListingSettings { hosts, ..ListingSettings::relay(world.clone()) });
    let mut daemon = DaemonProcess::new(Program::find("backfill", Build::Checks).unwrap())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", relay.http_url())
        .with("STANDPIPE_BACKFILL__MODE", "hosts")
        .with("REDIS_URL", format!("redis://{}", server.address()));
    daemon.start().unwrap();
    for pds in &pdses {
        until_host(&daemon, &pds.addr().to_string(), "its end", |host| {
            host["state"] == "waiting" && !host["enumeration"]["done"].is_null()
        })
        .await;
    }
    let Some(view) = View::open(daemon.admin_address()).await else { return };
    let read = view.holds("found").await;
    let rows = read["shown"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{read:#}");
    for row in rows {
        assert_eq!(row["found"], row["host"] != relay.addr().to_string(), "{row}");
    }
    let repos: usize = pdses.iter().map(|pds| pds.servable().count()).sum();
    let facts = &read["shown"]["found"];
    assert_eq!(facts["Hosts that others named"], "2", "{facts}");
    assert_eq!(facts["Enumerated whole"], "2", "{facts}");
    assert!(facts["Their repos"].as_str().unwrap().starts_with(&grouped(repos as u64)), "{facts} {repos}");
    assert_eq!(facts["Of these"], json!("2 waiting"), "{facts}");
}
