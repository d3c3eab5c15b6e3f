use tokio::time::Instant;

use crate::rig::{DONE, PATIENCE, Rig};

/// A page is a batch.
const PAGE: u64 = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_stream_at_its_mark_gets_at_most_a_page_more_and_goes_on_after_the_drain() {
    const MARK: u64 = 5_000;
    let mut rig = Rig::new(30_000, |_| {}).await;
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", MARK.to_string());
    rig.daemon.start().unwrap();
    let filled = rig.until("the mark", |_, length| length >= MARK).await;
    let host = rig.until_status("a full stream", |host| host["state"] == "full").await;
    assert_eq!(host["ready"], true, "{host}");
    let (_, length) = rig.look().await;
    assert!(length == filled && length < MARK + PAGE, "{length}");

    let mut deadline = Instant::now() + PATIENCE;
    loop {
        let taken = rig.watch.consume(700).await.unwrap().len() as u64;
        rig.consumed += taken;
        let (cursor, length) = rig.look().await;
        assert!(length < MARK + PAGE, "{length}");
        if taken > 0 {
            deadline = Instant::now() + PATIENCE;
        } else if cursor == DONE && length == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "no entry behind {cursor}");
    }
    assert_eq!(rig.consumed, rig.expected());
}
