use serde_json::Value;
use standpipe_oracle::{DaemonProcess, Proxy, RedisOptions, RedisServer};
use standpipe_simulator::{Pace, StreamFault};
use tokio::time::{Instant, sleep, timeout};

use crate::rig::{LOOK_EVERY, PATIENCE, account, firehose, relay};

const STREAM: &str = "standpipe:incidents";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn incidents_are_copied_to_redis_and_kept_while_it_is_away() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let to_redis = Proxy::start(server.address()).await.unwrap();
    let relay = relay(Pace::STILL);
    let mut daemon = firehose(&relay)
        .with("REDIS_URL", format!("redis://{}", to_redis.address()))
        .with("STANDPIPE_REDIS__COMMAND_TIMEOUT", "1s");
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    until_copied(&server, &daemon, 1).await;

    to_redis.refuse(true);
    to_redis.cut(standpipe_oracle::Cut::Reset);
    let reset = relay.disrupt(StreamFault::Reset);
    timeout(PATIENCE, relay.faults().until_fired(reset, 1)).await.unwrap();
    let deadline = Instant::now() + PATIENCE;
    while account(&daemon.state_folder(), &[]).0["endings"].as_u64() < Some(1) {
        assert!(Instant::now() < deadline, "no ending is in the local log");
        sleep(LOOK_EVERY).await;
    }
    to_redis.refuse(false);
    until_copied(&server, &daemon, 2).await;

    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    let copied = until_copied(&server, &daemon, 3).await;
    assert_eq!(copied.first().unwrap()["kind"], "run_started");
    assert_eq!(copied.last().unwrap()["kind"], "run_ended");
}

/// Waits until Redis has every record of the local log, and at least so many.
async fn until_copied(server: &RedisServer, daemon: &DaemonProcess, least: usize) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, kept) = account(&daemon.state_folder(), &[]);
        let entries = server.command(["XRANGE", STREAM, "-", "+"]).await.unwrap();
        let incident = |entry: &standpipe_oracle::Reply| -> Value {
            let fields = entry.items()[1].items();
            assert_eq!(fields[0].text(), Some("incident"));
            serde_json::from_str(fields[1].text().unwrap()).unwrap()
        };
        let mut copied: Vec<Value> = entries.items().iter().map(incident).collect();
        // One whose reply was lost may be there twice.
        copied.dedup();
        if copied.len() >= least && copied == kept {
            return copied;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?}: {copied:#?}\n{kept:#?}");
        sleep(LOOK_EVERY).await;
    }
}
