//! What the daemon holds while the stream takes nothing more.

use std::time::Duration;

use standpipe_oracle::{Program, RedisOptions, RedisServer};
use tokio::time::sleep;

use crate::relay::BenchRelay;
use crate::{PATIENCE, firehose, mebibytes, on_one_thread, row, until, watch};

const MARK: u64 = 100_000;

pub(crate) fn measure(program: &Program, span: Duration) {
    let relay = BenchRelay::endless();
    let usage = on_one_thread(async {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let mut daemon = firehose(program, &relay, &server, MARK);
        daemon.start().unwrap();
        until(&mut watch(&relay, &server), &mut daemon, MARK).await;
        let is_full = |body: &str| body.replace("\": \"", "\":\"").contains("\"state\":\"full\"");
        daemon.until("a daemon that is full", PATIENCE, |page| is_full(&page.body)).await.unwrap();
        sleep(span).await;
        daemon.usage().unwrap()
    });
    println!();
    row("memory of the daemon while the stream is full", &mebibytes(usage.resident_bytes), "");
    row("  its peak", &mebibytes(usage.peak_bytes), "< 64 MB");
}
