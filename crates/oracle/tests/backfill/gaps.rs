use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;
use standpipe_oracle::seed;
use standpipe_simulator::{FaultId, PageFault, PageRequest, Relay, Rule};
use tokio::time::sleep;

use crate::rig::{LOOK_EVERY, Rig};

const ACCOUNTS: u32 = 6_000;

/// Small pages, so that there are few steps down to a bad row; and rounds at short distances.
const SETTINGS: [(&str, &str); 4] =
    [("PAGE_LIMIT", "10"), ("GAPS", "skip-row"), ("INTERVAL", "1s"), ("GAPS_AGAIN", "1s")];

/// Rows that the host lists and cannot serve, by their faults.
type Poison = BTreeMap<u64, FaultId>;

fn poison(relay: &Relay, rows: impl IntoIterator<Item = u64>) -> Poison {
    let broken = || PageFault::Answer { status: 500, headers: Vec::new(), body: b"bad row".to_vec() };
    rows.into_iter().map(|row| (row, relay.faults().add(Rule::on_row(row, broken())))).collect()
}

/// Rows that the host lists: the first one from there on, and those that follow.
fn listed(relay: &Relay, from: u64, count: usize) -> Vec<u64> {
    relay.servable().map(|account| account.account).filter(|row| *row >= from).take(count).collect()
}

/// What is to be asked for again, by what the daemon has stored.
async fn owed(rig: &Rig) -> Option<String> {
    rig.get(&rig.key("!gaps")).await
}

/// The ranges of such a text. Places count from 0, so that each has the row at its beginning and none at its end.
fn ranges(text: &str) -> Vec<(u64, u64)> {
    let range = |word: &str| {
        let (after, through) = word.split_once('-').unwrap();
        (after.parse().unwrap(), through.parse().unwrap())
    };
    text.split(' ').skip(1).map(range).collect()
}

/// How many of the shown gaps are open, and how many are closed.
fn shown(host: &Value) -> (usize, usize) {
    let gaps = host["gaps"].as_array().unwrap().iter().filter(|gap| gap["reason"] == "poison_row");
    let (open, closed): (Vec<_>, Vec<_>) = gaps.partition(|gap| gap["closed_at"].is_null());
    (open.len(), closed.len())
}

/// Kills the daemon at any moment, so many times.
async fn strike(rig: &mut Rig, rng: &mut Rng, times: u32) {
    for _ in 0..times {
        sleep(LOOK_EVERY * rng.u32(0..600)).await;
        assert!(rig.daemon.kill().unwrap());
        rig.daemon.start().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i2_rows_that_were_left_out_are_written_once_when_the_host_has_them_again() {
    let mut rng = Rng::with_seed(seed());
    let mut poisoned = Poison::new();
    let mut rig = Rig::new(ACCOUNTS, |relay| {
        let one = listed(relay, rng.u64(500..1_500), 1);
        let neighbours = listed(relay, rng.u64(2_000..4_000), 3);
        let last = relay.servable().last().unwrap().account;
        // Of three the one in the middle is good, and lies in the gap with them.
        poisoned = poison(relay, [one[0], neighbours[0], neighbours[2], last]);
    })
    .await;
    let good_between = 1;
    for (name, value) in SETTINGS {
        rig.daemon.set(&format!("STANDPIPE_BACKFILL__{name}"), value);
    }
    rig.daemon.start().unwrap();
    strike(&mut rig, &mut rng, 6).await;
    rig.until_gaps(3).await;
    let all_at_first = rig.expected() - good_between;
    rig.until_length(all_at_first).await;
    let ranges = ranges(&owed(&rig).await.unwrap());
    let of = |row: &u64| ranges.iter().filter(|(after, through)| (after..through).contains(&row)).count();
    assert!(ranges.len() == 3 && poisoned.keys().all(|row| of(row) == 1), "{ranges:?} {poisoned:?}");

    // What is owed is known to the next process.
    assert!(rig.daemon.kill().unwrap());
    rig.daemon.start().unwrap();
    let host = rig.until_gaps(3).await;
    assert_eq!(shown(&host), (3, 0), "{host}");

    let mut written = all_at_first;
    while let Some((row, fault)) = poisoned.pop_first() {
        rig.relay.faults().remove(fault);
        strike(&mut rig, &mut rng, 3).await;
        written += 1;
        rig.until_length(written).await;
        println!("row {row} is there; owed: {:?}", owed(&rig).await);
    }
    rig.until_length(all_at_first + 4 + good_between).await;
    rig.until_gaps(0).await;
    assert_eq!(owed(&rig).await.as_deref(), Some("!gaps"));

    rig.daemon.kill().unwrap();
    let mut found: Vec<_> = rig.entries().await.iter().map(|entry| entry["did"].clone()).collect();
    found.sort_unstable_by(|left, right| left.as_str().cmp(&right.as_str()));
    let mut wanted: Vec<Value> = rig.relay.servable().map(|account| account.did.into()).collect();
    wanted.sort_unstable_by(|left, right| left.as_str().cmp(&right.as_str()));
    assert!(found == wanted, "{} entries of {} repos", found.len(), wanted.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i8_a_row_that_is_never_served_again_stays_owed_and_keeps_nothing_waiting() {
    let mut row = 0;
    let mut poisoned = Poison::new();
    let mut rig = Rig::new(ACCOUNTS, |relay| {
        row = listed(relay, 2_000, 1)[0];
        poisoned = poison(relay, [row]);
    })
    .await;
    for (name, value) in SETTINGS {
        rig.daemon.set(&format!("STANDPIPE_BACKFILL__{name}"), value);
    }
    rig.daemon.start().unwrap();
    rig.until_done().await;
    let before = rig.relay.page_requests().len();
    let asks = |request: &&PageRequest| request.limit == 2;
    rig.relay.until_pages(|requests| requests[before..].iter().filter(asks).count() >= 3).await;
    let requests = rig.relay.page_requests().split_off(before);
    let text = owed(&rig).await.unwrap();
    let [(after, through)] = ranges(&text)[..] else { panic!("{text}") };
    assert!(after <= row && row < through && through - after <= 8, "{text} {row}");
    // Nothing but the range is asked for again, and every second what is new.
    let is_inside = |request: &&PageRequest| {
        let cursor: u64 = request.cursor.as_ref().unwrap().parse().unwrap();
        (after..through).contains(&cursor)
    };
    assert!(requests.iter().filter(asks).all(|request| is_inside(&request)), "{requests:?}");
    assert!(requests.iter().filter(|request| !asks(request)).count() >= 2, "{requests:?}");
    let host = rig.until_gaps(1).await;
    assert_eq!(
        (shown(&host), &host["ready"], &host["restarts"]),
        ((1, 0), &true.into(), &0.into()),
        "{host}"
    );
    assert_eq!(owed(&rig).await, Some(text));
    rig.compare().await;

    // It is served after all, and its gap is shown closed.
    rig.relay.faults().remove(poisoned[&row]);
    let host = rig.until_gaps(0).await;
    assert_eq!(shown(&host), (0, 1), "{host}");
    let metrics = rig.daemon.get("/metrics").await.unwrap().body;
    let has =
        |name: &str, value: &str| metrics.lines().any(|line| line.starts_with(name) && line.ends_with(value));
    assert!(has("standpipe_gaps_closed_total{", " 1") && has("standpipe_gaps_owed{", " 0"), "{metrics}");
    let log = rig.daemon.log();
    assert!(log.contains("rows that were left out have been read"), "{log}");
    let entries = rig.entries().await;
    assert_eq!(entries.len(), usize::try_from(rig.expected() + 1).unwrap());
    let healed = rig.relay.servable().find(|account| account.account == row).unwrap();
    assert_eq!(entries.last().unwrap()["did"], healed.did.as_str());
}

impl Rig {
    /// Waits until the daemon says that so many ranges are owed.
    async fn until_gaps(&self, wanted: u64) -> Value {
        self.until_status("ranges that are owed", |host| host["gaps_owed"] == wanted).await
    }
}
