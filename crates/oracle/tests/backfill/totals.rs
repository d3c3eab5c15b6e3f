//! What a daemon says that a host listed, beside what the host did list.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde_json::{Value, json};
use standpipe_simulator::{
    Feed, ListedAccount, ListingSettings, PageFault, Relay, RelaySettings, RowFlaw, Rule, Share, World,
    WorldSettings,
};

use crate::rig::{DONE, PATIENCE, Rig};

const ACCOUNTS: u32 = 5_000;
/// One of so many rows has no DID.
const BAD_EVERY: u64 = 400;
const WANTED: [&str; 2] = ["active", "deactivated"];

/// The word that a filter of standings has for an account.
fn standing(account: &ListedAccount) -> &'static str {
    match account.status {
        _ if account.active => "active",
        Some(status) if ["takendown", "suspended", "deleted", "deactivated"].contains(&status) => status,
        Some(_) | None => "inactive",
    }
}

/// A host in whose list some rows are flawed: which, and how.
fn flawed_host() -> (Relay, World, BTreeMap<u64, RowFlaw>) {
    let world = World::new(WorldSettings {
        accounts: NonZeroU32::new(ACCOUNTS).unwrap(),
        ..WorldSettings::default()
    });
    let listed = |account| world.listed_account(account).unwrap();
    let nth = |standing_is: &str, nth: usize| {
        let fitting = (0..).filter(|account| standing(&listed(*account)) == standing_is);
        fitting.filter(|account| (account + 1) % BAD_EVERY != 0).nth(nth).unwrap()
    };
    let mut flaws: BTreeMap<u64, RowFlaw> = (0..u64::from(ACCOUNTS))
        .filter(|row| (row + 1) % BAD_EVERY == 0)
        .map(|row| (row, RowFlaw::BadDid))
        .collect();
    flaws.extend([
        (nth("active", 10), RowFlaw::EmptyRev),
        (nth("active", 2_000), RowFlaw::EmptyRev),
        (nth("deactivated", 3), RowFlaw::NoTid),
        // An account that is unwanted while its host says so, and is active where it says nothing.
        (nth("suspended", 5), RowFlaw::NoActive),
    ]);
    let listing = Some(ListingSettings::pds(world.clone(), Share::ALL));
    let host =
        Relay::start(Feed::World(world.clone()), RelaySettings { listing, ..RelaySettings::default() })
            .unwrap();
    for (row, flaw) in &flaws {
        host.faults().add(Rule::on_row(*row, PageFault::Row(*flaw)));
    }
    (host, world, flaws)
}

/// The series of a metric of one host: the value by its other label.
fn series(page: &str, metric: &str, host: &Relay) -> BTreeMap<String, u64> {
    let of_host = page.lines().filter(|line| line.starts_with(&format!("{metric}{{")));
    let of_host = of_host.filter(|line| line.contains(&format!("host=\"{}\"", host.addr())));
    of_host
        .map(|line| {
            let (labels, value) = line.rsplit_once(' ').unwrap();
            let label = labels
                .split(['{', ',', '}'])
                .find(|label| ["reason=", "what="].iter().any(|name| label.starts_with(name)));
            (label.unwrap().split('"').nth(1).unwrap().to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_every_row_is_an_entry_or_counted_by_its_reason_and_a_bad_one_is_kept_as_evidence() {
    let (host, world, flaws) = flawed_host();
    let mut rig = Rig::new(1, |_| {}).await;
    rig.daemon.set("INGESTER_RELAY_HOSTS", host.http_url());
    rig.daemon.set("STANDPIPE_BACKFILL__STANDINGS", WANTED.join(","));
    rig.daemon.start().unwrap();
    let done = rig.until_status("the end", |host| !host["enumeration"]["done"].is_null()).await;
    assert_eq!(rig.get(&format!("repo_backfill:cursor:{}", host.addr())).await.as_deref(), Some(DONE));

    let (mut expected, mut dropped, mut noted) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    let count = |counts: &mut BTreeMap<String, u64>, reason: &str| {
        *counts.entry(reason.to_owned()).or_default() += 1;
    };
    for place in 0..u64::from(ACCOUNTS) {
        let mut account = world.listed_account(place).unwrap();
        match flaws.get(&place) {
            Some(RowFlaw::BadDid) => {
                count(&mut dropped, "invalid_did");
                continue;
            }
            Some(RowFlaw::NoActive) => account.active = true,
            Some(RowFlaw::EmptyRev) => {
                account.rev.clear();
                count(&mut noted, "rev_missing");
            }
            Some(RowFlaw::NoTid) => {
                "1".clone_into(&mut account.rev);
                count(&mut noted, "rev_no_tid");
            }
            None => {}
        }
        if WANTED.contains(&standing(&account)) {
            expected.push(json!({
                "did": account.did,
                "host": format!("https://{}", host.addr()),
                "rev": account.rev,
                "status": account.status,
                "active": account.active,
            }));
        } else {
            count(&mut dropped, "status_filtered");
        }
    }

    assert!(
        rig.entries().await == expected,
        "the entries are not those that were wanted, in the host's order"
    );
    let metrics = rig.daemon.get("/metrics").await.unwrap().body;
    println!("dropped: {dropped:?}, noted: {noted:?}, of {ACCOUNTS}");
    assert_eq!(series(&metrics, "standpipe_dropped_total", &host), dropped);
    assert_eq!(series(&metrics, "standpipe_noted_total", &host), noted);
    let listed: u64 =
        host.page_requests().iter().filter(|asked| asked.answered).map(|asked| asked.rows).sum();
    let entries = expected.len() as u64;
    assert_eq!(listed, u64::from(ACCOUNTS));
    assert_eq!(listed, entries + dropped.values().sum::<u64>());
    let done = &done["enumeration"]["done"];
    assert_eq!((&done["repos"], &done["entries"]), (&listed.into(), &entries.into()), "{done}");

    // What was bad is in the quarantine, as the host wrote it, with the reason.
    rig.daemon.terminate().unwrap();
    assert_eq!(rig.daemon.ended(PATIENCE).await.unwrap().code(), Some(0), "{}", rig.daemon.log());
    let mut kept = BTreeSet::new();
    for item in std::fs::read_dir(rig.daemon.state_folder().join("quarantine")).unwrap() {
        let path = item.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "frame") {
            let row: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let tag: Value =
                serde_json::from_slice(&std::fs::read(path.with_extension("json")).unwrap()).unwrap();
            assert_eq!(
                (&tag["reason"], &tag["host"]),
                (&"invalid_did".into(), &host.addr().to_string().into())
            );
            assert!(row["rev"].is_string() && row["head"].is_string(), "{row}");
            kept.insert(row["did"].as_str().unwrap().to_owned());
        }
    }
    let bad = flaws.iter().filter(|(_, flaw)| **flaw == RowFlaw::BadDid);
    let bad: BTreeSet<String> = bad.map(|(row, _)| format!("account-{row} without a DID")).collect();
    assert_eq!(kept, bad);
}
