//! Events a second and what they cost, with both ceilings taken in the same rounds.

use std::time::Duration;

use standpipe_oracle::{Program, RedisOptions, RedisServer};
use tokio::time::{Instant, sleep};

use crate::ceilings::{append_alone, read_alone, read_and_append};
use crate::relay::{BenchRelay, process_cpu};
use crate::{NO_MARK, firehose, mebibytes, on_one_thread, row, until, watch};

/// Entries that are there before anything is measured.
const WARM_UP: u64 = 50_000;

/// What one round found.
struct Round {
    read_alone: f64,
    append_alone: f64,
    both_at_once: f64,
    whole_way: WholeWay,
}

/// The whole way at full speed.
struct WholeWay {
    events_a_second: f64,
    /// CPU-seconds a million events.
    daemon: f64,
    redis: f64,
    relay: f64,
    peak_bytes: u64,
}

pub(crate) fn measure(program: &Program, span: Duration, rounds: u64) {
    let relay = BenchRelay::endless();
    println!(
        "frames of {} bytes on average, each of one event; {rounds} rounds of {span:?}",
        relay.frame_len
    );
    let rounds: Vec<Round> = (1..=rounds).map(|number| round(program, &relay, span, number)).collect();

    let median = |part: fn(&Round) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(part).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let of_both = median(|round| round.whole_way.events_a_second / round.both_at_once);
    let ratio = median(|round| round.whole_way.events_a_second / round.read_alone.min(round.append_alone));
    let peak = rounds.iter().map(|round| round.whole_way.peak_bytes).max().unwrap_or_default();
    println!();
    let read = median(|round| round.read_alone);
    row("reading alone: bare tokio-tungstenite, wss", &format!("{read:.0} frames/s"), "");
    let append = median(|round| round.append_alone);
    row("appending alone: the script, batches of 500 x 592 bytes", &format!("{append:.0} entries/s"), "");
    let both = median(|round| round.both_at_once);
    row("both at once, without anything between", &format!("{both:.0} frames/s"), "");
    let whole = median(|round| round.whole_way.events_a_second);
    row("the whole way: wss, firehose, redis-server", &format!("{whole:.0} events/s"), "");
    row("  of the slower ceiling of its round", &format!("{:.0} %", 100.0 * ratio), ">= 60 %");
    row("  of both at once", &format!("{:.0} %", 100.0 * of_both), "");
    let seconds = |part| format!("{:.2} s", median(part));
    row("  CPU of the daemon, a million events", &seconds(|round| round.whole_way.daemon), "<= 5 s");
    row("  CPU of redis-server, a million events", &seconds(|round| round.whole_way.redis), "");
    row("  CPU of the relay, a million events", &seconds(|round| round.whole_way.relay), "");
    row("  peak memory of the daemon", &mebibytes(peak), "< 64 MB");
}

fn round(program: &Program, relay: &BenchRelay, span: Duration, number: u64) -> Round {
    let read_alone = read_alone(relay, span);
    let server = || on_one_thread(RedisServer::start(RedisOptions::default())).unwrap();
    let append_alone = append_alone(server().address(), span);
    let both_at_once = read_and_append(relay, server().address(), span);
    let whole_way = on_one_thread(whole_way(program, relay, span));
    let WholeWay { events_a_second, daemon, redis, relay, .. } = whole_way;
    println!(
        "round {number}: reading alone {read_alone:.0}/s, appending alone {append_alone:.0}/s, both at once \
         {both_at_once:.0}/s, the whole way {events_a_second:.0}/s; CPU-s a million: daemon {daemon:.2}, redis {redis:.2}, relay {relay:.2}"
    );
    Round { read_alone, append_alone, both_at_once, whole_way }
}

async fn whole_way(program: &Program, relay: &BenchRelay, span: Duration) -> WholeWay {
    let server = RedisServer::start(RedisOptions::default()).await.unwrap();
    let mut daemon = firehose(program, relay, &server, NO_MARK);
    let mut watch = watch(relay, &server);
    daemon.start().unwrap();
    until(&mut watch, &mut daemon, WARM_UP).await;
    let (daemon_pid, redis_pid) = (daemon.pid().unwrap(), server.pid().unwrap());
    let cpu = || [process_cpu(daemon_pid), process_cpu(redis_pid), relay.cpu()];

    let before = (Instant::now(), watch.sample().await.unwrap().length, cpu());
    sleep(span).await;
    let after = (Instant::now(), watch.sample().await.unwrap().length, cpu());

    let events = f64::from(u32::try_from(after.1 - before.1).unwrap());
    let [daemon_cpu, redis, relay] =
        [0, 1, 2].map(|part| after.2[part].saturating_sub(before.2[part]).as_secs_f64() * 1e6 / events);
    WholeWay {
        events_a_second: events / (after.0 - before.0).as_secs_f64(),
        daemon: daemon_cpu,
        redis,
        relay,
        peak_bytes: daemon.usage().unwrap().peak_bytes,
    }
}
