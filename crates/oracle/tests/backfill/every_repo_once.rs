use fastrand::Rng;
use serde_json::Value;
use standpipe_simulator::{PageFault, PageRequest, PageShape, Relay, Retry, Rule};
use tokio::time::Instant;

use standpipe_oracle::{is_long, seed};

use crate::rig::Rig;

/// How often the daemon is killed.
const KILLS: u64 = 20;

/// How many pages of a thousand are struck by each kind of fault: so many that each strikes in a short run too.
const THOUSANDTHS: u32 = 80;

fn answer(status: u16) -> PageFault {
    PageFault::Answer { status, headers: Vec::new(), body: b"not now".to_vec() }
}

/// What goes wrong at the host, besides one row for which it never serves a page.
fn trouble(relay: &Relay, seed: u64, poison: u64) {
    let plan = relay.faults();
    for rule in [
        Rule::random_pages(THOUSANDTHS, seed, answer(500)).times(8),
        Rule::random_pages(THOUSANDTHS, seed + 1, answer(502)).times(4),
        Rule::random_pages(THOUSANDTHS, seed + 2, PageFault::TooMany(Retry::After(1))).times(4),
        Rule::random_pages(THOUSANDTHS, seed + 3, PageFault::TooMany(Retry::Unsaid)).times(3),
        Rule::random_pages(THOUSANDTHS, seed + 4, PageFault::CutBody).times(6),
        Rule::random_pages(THOUSANDTHS, seed + 5, PageFault::Reset).times(4),
        Rule::random_pages(THOUSANDTHS, seed + 6, PageFault::Stall { time: None }).times(2),
        Rule::random_pages(THOUSANDTHS, seed + 7, PageFault::StallBody).times(1),
        Rule::every_pages(17, PageFault::Shape(PageShape::EmptyPage)).times(1),
        Rule::every_pages(29, PageFault::Shape(PageShape::RepeatedCursor)).times(1),
    ] {
        plan.add(rule);
    }
    plan.add(Rule::on_row(poison, answer(500)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i1_i2_every_repo_is_announced_once_through_kills_and_all_that_a_host_can_do() {
    let mut rng = Rng::with_seed(seed());
    let accounts: u32 = if is_long() { 1_120_000 } else { 112_000 };
    let poison = rng.u64(u64::from(accounts) / 4..u64::from(accounts) / 2);
    let seed = rng.u64(..1 << 32);
    // A row that the relay lists: those that are not active have no page to spoil.
    let poison = {
        let relay = crate::rig::relay(accounts, ([127, 0, 0, 1], 0).into());
        relay.servable().map(|account| account.account).find(|account| *account >= poison).unwrap()
    };
    let mut rig = Rig::new(accounts, |relay| trouble(relay, seed, poison)).await;
    rig.daemon.set("STANDPIPE_BACKFILL__GAPS", "skip-row");
    assert!(rig.expected() >= u64::from(accounts) / 100 * 88, "{}", rig.expected());

    let began = Instant::now();
    rig.daemon.start().unwrap();
    let mut length = 0;
    for kills_left in (1..=KILLS).rev() {
        // The daemon goes on while it is struck, so what is left is parted anew each time.
        let step = (rig.expected() - length) / (kills_left + 1);
        let strike_at = length + rng.u64(step / 4..=step);
        length = rig.until("progress", |_, length| length >= strike_at).await;
        assert!(rig.daemon.kill().unwrap());
        rig.daemon.start().unwrap();
    }
    rig.until_done().await;
    println!("done after {:?}; the host: {:?}", began.elapsed(), rig.relay.faults().counts());
    rig.compare().await;

    let done = rig.until_status("the account of it", |host| !host["enumeration"]["done"].is_null()).await;
    let done = &done["enumeration"]["done"];
    println!("{done}");
    let expected = rig.expected();
    assert_eq!(
        (&done["repos"], &done["entries"], &done["withheld"]),
        (&expected.into(), &expected.into(), &1.into())
    );
    assert_eq!(done["exact"], true);
    let told = rig.daemon.log();
    assert!(told.contains("the enumeration is done") && told.contains("poison_row"), "{told}");
    let counts = rig.relay.faults().counts();
    assert!(counts.values().all(|count| *count > 0), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_before_a_start_is_not_done_again() {
    let mut rig = Rig::new(5_000, |_| {}).await;
    rig.daemon.set("STANDPIPE_BACKFILL__INTERVAL", "off");
    for _ in 0..2 {
        rig.daemon.start().unwrap();
        let status = rig.daemon.ended(crate::rig::PATIENCE).await.unwrap();
        assert_eq!(status.code(), Some(0), "{}", rig.daemon.log());
        rig.compare().await;
    }
    let begins = |request: &PageRequest| request.path.ends_with(".listRepos") && request.cursor.is_none();
    assert_eq!(rig.relay.page_requests().iter().filter(|request| begins(request)).count(), 1);
    let log = rig.daemon.log();
    assert_eq!(log.matches("the enumeration is done").count(), 1, "{log}");
    let line = log.lines().find(|line| line.contains("the enumeration is done")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["fields"]["repos"].as_u64().or(line["repos"].as_u64()), Some(rig.expected()), "{line}");
}
