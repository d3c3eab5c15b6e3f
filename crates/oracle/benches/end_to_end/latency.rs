//! From a frame being there at the relay to its entry being in the hands of a consumer that waits for it.

use std::time::Duration;

use standpipe_oracle::{Program, RedisOptions, RedisServer, Reply};
use tokio::time::Instant;

use crate::relay::{BenchRelay, FIRST_SEQ};
use crate::{NO_MARK, STREAM, firehose, on_one_thread, row, until, watch};

/// Frames a second, each of one event.
const RATE: u32 = 2_000;

pub(crate) fn measure(program: &Program, span: Duration) {
    let (relay, made) = BenchRelay::paced(RATE);
    let seen = on_one_thread(async {
        let server = RedisServer::start(RedisOptions::default()).await.unwrap();
        let mut daemon = firehose(program, &relay, &server, NO_MARK);
        daemon.start().unwrap();
        // The first second's frames have waited for the daemon.
        until(&mut watch(&relay, &server), &mut daemon, u64::from(RATE)).await;
        consume(&server, span).await
    });
    drop(relay);
    let made: Vec<Instant> = made.iter().collect();
    let waits = seen.iter().map(|(seq, at)| *at - made[usize::try_from(seq - FIRST_SEQ).unwrap()]);
    let mut waits: Vec<Duration> = waits.collect();
    waits.sort_unstable();
    let per_mille = |share: usize| {
        let place = (waits.len() * share / 1000).min(waits.len() - 1);
        format!("{:.2} ms", waits[place].as_secs_f64() * 1e3)
    };
    println!();
    row(&format!("sent to visible, {RATE} events/s, {} events: p50", waits.len()), &per_mille(500), "");
    row("  p99", &per_mille(990), "< 20 ms");
    row("  p99.9", &per_mille(999), "");
    row("  the longest", &per_mille(1000), "");
}

/// Waits for entries as a consumer does, and tells when each came, by its seq.
async fn consume(server: &RedisServer, span: Duration) -> Vec<(u64, Instant)> {
    let mut client = server.client().await.unwrap();
    let mut after = "$".to_owned();
    let mut seen = Vec::new();
    let deadline = Instant::now() + span;
    while Instant::now() < deadline {
        let command = ["XREAD", "BLOCK", "1000", "COUNT", "1000", "STREAMS", STREAM, &after];
        let reply = client.command(command).await.unwrap();
        let now = Instant::now();
        let entries = reply.items().first().map(|stream| stream.items()[1].items()).unwrap_or_default();
        seen.extend(entries.iter().map(|entry| (seq(&entry.items()[1].items()[1]), now)));
        if let Some(last) = entries.last() {
            last.items()[0].text().unwrap().clone_into(&mut after);
        }
    }
    seen
}

fn seq(entry: &Reply) -> u64 {
    let (_, rest) = entry.text().unwrap().split_once("\"seq\":").unwrap();
    rest.split(|char: char| !char.is_ascii_digit()).next().unwrap().parse().unwrap()
}
