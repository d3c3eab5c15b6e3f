//! A real backfill daemon, whose lists are shown with their progress.

use std::num::NonZeroU32;

use standpipe_oracle::{Build, DaemonProcess, Program, RedisOptions, RedisServer};
use standpipe_simulator::{
    Feed, ListingSettings, PageFault, Relay, RelaySettings, Rule, World, WorldSettings,
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
