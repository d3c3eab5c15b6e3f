use standpipe_simulator::{PageFault, Retry, Rule};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i11_a_row_that_cannot_be_served_holds_its_host_unless_an_operator_says_otherwise() {
    const POISON: u64 = 3_000;
    let mut row = POISON;
    let mut rig = Rig::new(5_000, |relay| {
        row = relay.servable().map(|account| account.account).find(|account| *account >= POISON).unwrap();
        let body = b"bad row".to_vec();
        relay.faults().add(Rule::on_row(row, PageFault::Answer { status: 500, headers: Vec::new(), body }));
    })
    .await;
    rig.daemon.start().unwrap();
    let held = rig.until_status("a hold", |host| host["state"] == "held" && !host["hold"].is_null()).await;
    assert!(held["hold"]["cause"].as_str().unwrap().contains("allow its rows to be skipped"), "{held}");
    let (cursor, length) = rig.look().await;
    assert!(cursor.parse::<u64>().unwrap() <= row && length >= row / 2, "{cursor} {length} of {row}");
    assert!(held["enumeration"]["done"].is_null() && held["ready"] == true, "{held}");

    // The operator's word.
    rig.daemon.kill().unwrap();
    rig.daemon.set("STANDPIPE_BACKFILL__GAPS", "skip-row");
    rig.daemon.start().unwrap();
    rig.until_done().await;
    rig.compare().await;
    let done = rig.until_status("the account of it", |host| !host["enumeration"]["done"].is_null()).await;
    assert_eq!(done["enumeration"]["done"]["withheld"], 1, "{done}");
    let [gap] = &done["gaps"].as_array().unwrap()[..] else { panic!("{done}") };
    let (from, to) = (gap["from"].as_u64().unwrap(), gap["to"].as_u64().unwrap());
    assert_eq!(gap["reason"], "poison_row");
    assert!(from <= row && row + 1 < to, "{gap} {row}");
    let metrics = rig.daemon.get("/metrics").await.unwrap().body;
    assert!(
        metrics.lines().any(|line| line.starts_with("standpipe_gaps") && line.contains("poison_row")),
        "{metrics}"
    );
    let page = rig.daemon.get("/status").await.unwrap().body;
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let incidents = page["recent_incidents"].as_array().unwrap();
    assert!(
        incidents.iter().any(|incident| incident["kind"] == "gap" && incident["from"] == from),
        "{incidents:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i10_a_host_that_says_when_to_come_back_is_a_stated_wait_and_no_trouble() {
    let mut rig = Rig::new(5_000, |relay| {
        relay.faults().add(Rule::every_pages(3, PageFault::TooMany(Retry::After(900))).times(1));
    })
    .await;
    rig.daemon.start().unwrap();
    let host = rig.until_status("a wait", |host| host["state"] == "waiting").await;
    assert_eq!((&host["waiting_for"], &host["ready"]), (&"rate_limited".into(), &true.into()), "{host}");
    // What it gave before is on its way meanwhile.
    rig.until("the first pages", |cursor, length| length >= 1_000 && !cursor.is_empty()).await;

    // It does not keep a stop waiting.
    rig.daemon.terminate().unwrap();
    let status = rig.daemon.ended(crate::rig::PATIENCE / 4).await.unwrap();
    assert_eq!(status.code(), Some(0), "{}", rig.daemon.log());
}
