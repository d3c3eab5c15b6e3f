use std::time::Duration;

use fastrand::Rng;
use serde_json::Value;
use standpipe_oracle::seed;
use standpipe_simulator::{PageFault, Relay, Rule};
use tokio::time::{Instant, sleep};

use crate::rig::{DONE, LOOK_EVERY, PATIENCE, Rig};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_what_is_new_is_announced_once_and_what_was_done_stays_done_through_kills() {
    let mut rng = Rng::with_seed(seed());
    let mut accounts = 4_500;
    let mut rig = Rig::new(accounts, |_| {}).await;
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "1s");
    rig.daemon.start().unwrap();
    rig.until_done().await;
    // A page that grows, one that is full, several, one more row.
    for more in [40, 2_000, 3_500, 1, 1] {
        accounts += more;
        rig.grow(accounts).await;
        for _ in 0..2 {
            // At any moment of a round, or between two.
            sleep(LOOK_EVERY * rng.u32(0..750)).await;
            assert!(rig.daemon.kill().unwrap());
            rig.daemon.start().unwrap();
        }
        rig.until_length(rig.expected()).await;
        rig.compare().await;
        assert_eq!(rig.get(&rig.key("")).await.as_deref(), Some(DONE));
    }
    // Rounds in which there is nothing new announce nothing.
    let asked = rig.relay.page_requests().len();
    rig.relay.until_pages(|requests| requests.len() >= asked + 3).await;
    rig.compare().await;
    let host = rig.until_status("a round", |host| host["enumeration"]["round"] == "new").await;
    assert_eq!(host["ready"], true, "{host}");
    assert!(!host["enumeration"]["done"].is_null(), "{host}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_everything_is_given_again_when_that_is_due_and_goes_on_where_it_was_killed() {
    let mut rig = Rig::new(20_000, |_| {}).await;
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "off");
    rig.daemon.set("STANDPIPE_BACKFILL__AGAIN", "2s");
    rig.daemon.start().unwrap();
    rig.until_done().await;
    let once = rig.expected();
    let again = rig.key("!again");
    for part in 1..=4 {
        rig.until_length(once + once * part / 5).await;
        assert!(rig.daemon.kill().unwrap());
        assert_eq!(rig.get(&rig.key("")).await.as_deref(), Some(DONE));
        rig.daemon.start().unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while rig.get(&again).await.as_deref() != Some(DONE) {
        assert!(Instant::now() < deadline, "{:?}", rig.get(&again).await);
        sleep(LOOK_EVERY).await;
    }
    rig.daemon.kill().unwrap();
    let entries = rig.entries().await;
    let of = |entries: &[Value]| entries.iter().map(|entry| entry["did"].clone()).collect::<Vec<_>>();
    let whole = usize::try_from(once).unwrap();
    assert_eq!(entries.len(), 2 * whole);
    assert!(of(&entries[..whole]) == of(&entries[whole..]), "the second list is another");
    let relay: Vec<Value> = rig.relay.servable().map(|account| account.did.into()).collect();
    assert!(of(&entries[whole..]) == relay, "the lists are not the host's");
}

/// Waits until the account that the host lists last was read as a new one.
async fn until_the_last_is_read(rig: &Rig) {
    let last = rig.relay.servable().last().unwrap().did;
    let deadline = Instant::now() + PATIENCE;
    while rig.get(&rig.key("!new")).await.is_none_or(|mark| !mark.contains(&last)) {
        assert!(Instant::now() < deadline, "{:?}", rig.get(&rig.key("!new")).await);
        sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_does_not_wait_for_an_enumeration_that_takes_long() {
    let slow = |relay: &Relay| {
        relay.faults().add(Rule::each_page(PageFault::Stall { time: Some(Duration::from_millis(25)) }));
    };
    let mut rig = Rig::new(6_000, |_| {}).await;
    for (name, value) in [("PAGE_LIMIT", "10"), ("INTERVAL", "1s"), ("AGAIN", "1s")] {
        rig.daemon.set(&format!("STANDPIPE_BACKFILL__{name}"), value);
    }
    rig.daemon.start().unwrap();
    rig.until_done().await;
    slow(&rig.relay);
    rig.until_length(rig.expected() + 100).await;
    rig.grow(6_100).await;
    slow(&rig.relay);
    until_the_last_is_read(&rig).await;
    let again = rig.get(&rig.key("!again")).await.unwrap();
    assert!(again.parse::<u64>().is_ok_and(|place| place < 5_500), "{again}");

    // It goes on where it was, and gives each repo once more.
    rig.daemon.set("STANDPIPE_BACKFILL__AGAIN", "1h");
    rig.daemon.kill().unwrap();
    rig.relay.faults().clear();
    rig.daemon.start().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while rig.get(&rig.key("!again")).await.as_deref() != Some(DONE) {
        assert!(Instant::now() < deadline, "{:?}", rig.get(&rig.key("!again")).await);
        sleep(LOOK_EVERY).await;
    }
    rig.daemon.kill().unwrap();
    let mut found: Vec<_> = rig.entries().await.iter().map(|entry| entry["did"].to_string()).collect();
    let mut wanted: Vec<_> = rig.relay.servable().map(|row| Value::from(row.did).to_string()).collect();
    wanted.extend_from_within(..);
    found.sort_unstable();
    wanted.sort_unstable();
    assert!(found == wanted, "{} entries of {} repos", found.len(), wanted.len() / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_does_not_wait_for_an_enumeration_that_is_held() {
    let mut rig = Rig::new(3_000, |_| {}).await;
    for (name, value) in [("PAGE_LIMIT", "10"), ("INTERVAL", "1s"), ("AGAIN", "1s")] {
        rig.daemon.set(&format!("STANDPIPE_BACKFILL__{name}"), value);
    }
    let row = rig.relay.servable().map(|account| account.account).find(|row| *row > 1_000).unwrap();
    let poison = |relay: &Relay| {
        let body = b"bad row".to_vec();
        relay.faults().add(Rule::on_row(row, PageFault::Answer { status: 500, headers: Vec::new(), body }));
    };
    rig.daemon.start().unwrap();
    rig.until_done().await;
    poison(&rig.relay);
    rig.until_status("a hold", |host| host["state"] == "held" && !host["hold"].is_null()).await;
    rig.daemon.kill().unwrap();
    rig.grow(3_100).await;
    poison(&rig.relay);
    rig.daemon.start().unwrap();
    until_the_last_is_read(&rig).await;
    let held = rig.until_status("a hold", |host| host["state"] == "held" && !host["hold"].is_null()).await;
    assert!(held["hold"]["cause"].as_str().unwrap().contains("allow its rows to be skipped"), "{held}");
    assert_ne!(rig.get(&rig.key("!again")).await.as_deref(), Some(DONE));
}
