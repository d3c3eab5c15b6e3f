use fastrand::Rng;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use standpipe_oracle::seed;

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
