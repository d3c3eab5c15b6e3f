//! A daemon that leaves because one of its hosts failed too often by our own doing.

use std::time::Duration;

use serde_json::Value;
use standpipe_oracle::{RedisOptions, RedisServer};
use standpipe_simulator::{Pace, StreamFault};
use tokio::time::{Instant, sleep, timeout};

use crate::rig::{LOOK_EVERY, PATIENCE, account, firehose, next_start_after, relay, text};

/// The last that the relay has to say.
const LAST: &str = "100";
/// So many failures are borne within five minutes.
const BORNE: usize = 5;
/// With the loss before them, the waits are up to 1, 2, 4, 8, 16 and 32 s.
const UNTIL_GIVEN_UP: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i9_a_host_that_is_given_up_takes_the_process_along_and_the_farewell_is_fatal() {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let relay = relay(Pace::STILL);
    let host = relay.addr().to_string();
    let mut daemon = firehose(&relay)
        .with("REDIS_URL", format!("redis://{}", server.address()))
        .with("STANDPIPE_ON_GIVE_UP", "exit");
    daemon.start().unwrap();
    daemon.ready().await.unwrap();

    let key = format!("firehose_live:cursor:{host}");
    let deadline = Instant::now() + PATIENCE;
    while server.command(["GET", &key]).await.unwrap().text() != Some(LAST) {
        assert!(Instant::now() < deadline, "not everything is stored");
        sleep(LOOK_EVERY).await;
    }
    server.command(["SET", &key, "nowhere"]).await.unwrap();
    let reset = relay.disrupt(StreamFault::Reset);
    timeout(PATIENCE, relay.faults().until_fired(reset, 1)).await.unwrap();
    assert_eq!(daemon.ended(UNTIL_GIVEN_UP).await.unwrap().code(), Some(70));
    let after = server.command(["GET", &key]).await.unwrap();
    assert_eq!(after.text(), Some("nowhere"), "i11: a cursor that cannot be read is left to an operator");

    let (ended, records) = account(&daemon.state_folder(), &[]);
    let run = &ended["runs"][0];
    assert_eq!((&run["how"], &run["code"]), (&"fatal".into(), &70.into()), "{run}");
    let cause = run["cause"].as_str().unwrap();
    assert!(cause.contains(&host) && cause.contains("nowhere"), "{cause}");
    let failed: Vec<&Value> = records.iter().filter(|record| record["ending"] == "failed").collect();
    let verdicts: Vec<&str> = failed.iter().map(|record| record["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, [&["restart"; BORNE][..], &["gave_up"]].concat(), "{records:#?}");
    let farewell = records.last().unwrap();
    assert_eq!((&farewell["kind"], &farewell["how"]), (&"run_ended".into(), &"fatal".into()), "{farewell}");
    let text = text(&daemon.state_folder(), &[]);
    println!("{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = [
        format!("It ended with exit code 70: {host} gave up: failed: read the stored cursor \"nowhere\""),
        "7 endings of 1 task.".to_owned(),
        format!("{host}: 7 endings (failed 6, lost 1)"),
        format!("Which ended first by our own doing? {host}, "),
    ];
    for told in told {
        assert!(words.contains(&told), "{told:?} is not in:\n{text}");
    }

    server.command(["SET", &key, LAST]).await.unwrap();
    next_start_after(&mut daemon, run).await;
}
