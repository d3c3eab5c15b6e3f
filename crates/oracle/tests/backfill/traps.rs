//! Hosts that list in ways of their own: each list comes to its end, and only to its end.

use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::{Value, json};
use standpipe_simulator::{
    Feed, ListEnd, ListingRules, ListingSettings, PageFault, RateLimit, Relay, RelaySettings, Rule, Share,
    Tokens, World, WorldSettings,
};

use crate::rig::{DONE, Rig, STREAM};

fn host(accounts: u32, change: impl FnOnce(&mut ListingSettings)) -> Relay {
    let accounts = NonZeroU32::new(accounts).unwrap();
    let world = World::new(WorldSettings { accounts, ..WorldSettings::default() });
    let mut listing = ListingSettings::pds(world.clone(), Share::ALL);
    change(&mut listing);
    let settings = RelaySettings { listing: Some(listing), ..RelaySettings::default() };
    Relay::start(Feed::World(world), settings).unwrap()
}

async fn rig(host: &Relay, page_limit: u32) -> Rig {
    let mut rig = Rig::new(1, |_| {}).await;
    rig.daemon.set("INGESTER_RELAY_HOSTS", host.http_url());
    rig.daemon.set("STANDPIPE_BACKFILL__PAGE_LIMIT", page_limit.to_string());
    rig
}

async fn cursor(rig: &Rig, host: &Relay) -> Option<String> {
    rig.get(&format!("{STREAM}:cursor:{}", host.addr())).await
}

async fn until_done(rig: &Rig, host: &Relay) -> Value {
    let done = rig.until_status("the end", |host| !host["enumeration"]["done"].is_null()).await;
    assert_eq!(cursor(rig, host).await.as_deref(), Some(DONE));
    done["enumeration"]["done"].clone()
}

/// What must have come of the host's first rows: with a status, and those too that are not active.
fn entries(host: &Relay) -> impl Iterator<Item = Value> {
    let name = format!("https://{}", host.addr());
    host.servable().map(move |account| {
        json!({
            "did": account.did, "host": name, "rev": account.rev, "status": account.status,
            "active": account.active,
        })
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_is_done_at_its_end_however_its_host_says_so_and_whatever_its_cursors_look_like() {
    for (end, tokens) in [
        (ListEnd::EmptyText, Tokens::Opaque),
        (ListEnd::Null, Tokens::CreatedAt),
        (ListEnd::NullRepos, Tokens::Decimal),
        (ListEnd::EmptyPage, Tokens::Opaque),
        (ListEnd::ShortPage, Tokens::CreatedAt),
    ] {
        // The last page is full.
        let host = host(1_500, |listing| listing.rules = ListingRules { inactive: true, tokens, end });
        let mut rig = rig(&host, 500).await;
        rig.daemon.start().unwrap();
        let done = until_done(&rig, &host).await;
        assert_eq!((&done["repos"], &done["entries"]), (&1_500.into(), &1_500.into()), "{end:?} {tokens:?}");
        assert!(rig.entries().await == entries(&host).collect::<Vec<_>>(), "{end:?} {tokens:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_a_list_that_goes_round_in_a_circle_is_held_and_never_called_done() {
    let host = host(1_500, |listing| listing.rules.end = ListEnd::Repeats);
    let mut rig = rig(&host, 500).await;
    rig.daemon.start().unwrap();
    let held = rig.until_status("a hold", |host| host["state"] == "held" && !host["hold"].is_null()).await;
    assert!(held["hold"]["cause"].as_str().unwrap().contains("which it gave before"), "{held}");
    assert!(held["enumeration"]["done"].is_null(), "{held}");
    assert_ne!(cursor(&rig, &host).await.as_deref(), Some(DONE));
    let metrics = rig.daemon.get("/metrics").await.unwrap().body;
    let counted = |line: &str| line.starts_with("standpipe_waits_total") && line.contains("\"cursor_loop\"");
    assert!(metrics.lines().any(counted), "{metrics}");
    // The page that leads back to itself cannot be told from its repetition.
    assert!(rig.entries().await == entries(&host).take(1_000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_none_of_whose_rows_is_wanted_are_not_the_end() {
    // Of some 500 pages most have no such account, and often more than ten in a row.
    let host = host(2_500, |_| {});
    let mut rig = rig(&host, 5).await;
    rig.daemon.set("STANDPIPE_BACKFILL__STANDINGS", "suspended");
    rig.daemon.start().unwrap();
    let done = until_done(&rig, &host).await;
    let expected: Vec<_> = entries(&host).filter(|entry| entry["status"] == "suspended").collect();
    assert!((10..200).contains(&expected.len()), "{}", expected.len());
    assert_eq!((&done["repos"], &done["entries"]), (&2_500.into(), &expected.len().into()));
    assert!(rig.entries().await == expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_is_too_large_is_not_read_and_costs_no_row() {
    let host = host(1_500, |_| {});
    let rule = host.faults().add(Rule::on_row(700, PageFault::Oversized).times(2));
    let mut rig = rig(&host, 500).await;
    rig.daemon.start().unwrap();
    until_done(&rig, &host).await;
    assert_eq!(host.faults().fired(rule), 2);
    assert!(rig.entries().await == entries(&host).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_says_how_many_requests_are_left_has_to_refuse_none() {
    let limit = RateLimit { requests: 20, window: Duration::from_secs(1) };
    let host = host(600, |listing| listing.rate_limit = Some(limit));
    let mut rig = rig(&host, 10).await;
    rig.daemon.start().unwrap();
    until_done(&rig, &host).await;
    assert!(rig.entries().await == entries(&host).collect::<Vec<_>>());
    let asked = host.page_requests();
    assert!(asked.len() > 60 && asked.iter().all(|asked| asked.status == 200), "{asked:?}");
}
