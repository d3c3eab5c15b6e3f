use std::sync::Arc;
use std::time::Duration;

use standpipe_oracle::{Count, Usage, is_long, seed};
use standpipe_simulator::{Ended, World, WorldSettings};
use tokio::time::{Instant, interval};

use crate::rig::{PATIENCE, RedisRig, STREAM};
use crate::simulated::Wanted;

/// Entries at which a batch takes no further frame: the default.
const BATCH: u64 = 500;
/// What the daemon may use, whatever it waits for: twice what it was seen to use, and less than what it would use if it
/// kept all that the relay has for it.
const MEMORY_BYTES: u64 = 28 << 20;

async fn rig(frames: u64, mark: u64) -> RedisRig {
    let world = World::new(WorldSettings { seed: seed(), ..WorldSettings::default() });
    let mut rig = RedisRig::new(world, frames, Wanted::Compatible).await;
    rig.daemon.set("INGESTER_HIGH_WATER_MARK", mark.to_string());
    rig
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_a_stream_beyond_the_mark_gets_nothing_until_it_is_drained() {
    const MARK: u64 = 1_000;
    const FOREIGN: u64 = 2_000;
    let mut rig = rig(5_000, MARK).await;
    let fill = "for i = 1, ARGV[1] do redis.call('XADD', KEYS[1], '*', 'event', '{}') end";
    rig.server.command(["EVAL", fill, "1", STREAM, &FOREIGN.to_string()]).await.unwrap();
    rig.foreign = FOREIGN;

    rig.daemon.start().unwrap();
    rig.says("full", 200).await;
    let sample = rig.sample().await.unwrap();
    assert_eq!((sample.length, sample.cursor), (FOREIGN, None));

    rig.consumed += rig.watch.consume(FOREIGN).await.unwrap().len() as u64;
    rig.drain(MARK).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_consumer_that_is_ten_times_too_slow_bounds_the_stream_and_the_memory() {
    const MARK: u64 = 5_000;
    const SPAN: Duration = Duration::from_secs(5);
    let mut rig = rig(60_000, MARK).await;
    rig.daemon.start().unwrap();
    let before = rig.until("a beginning", |sample| sample.length >= BATCH).await.length;
    let began = Instant::now();
    let filled = rig.until("the mark", |sample| sample.length >= MARK).await.length;
    let an_entry = began.elapsed() * 10 / u32::try_from(filled - before).unwrap();

    let expectation = Arc::clone(&rig.expectation);
    let mut count = expectation.count();
    let (began, mut longest) = (Instant::now(), filled);
    let mut tick = interval(Duration::from_millis(20));
    while began.elapsed() < SPAN {
        tick.tick().await;
        let due = u64::try_from(began.elapsed().as_nanos() / an_entry.as_nanos()).unwrap();
        rig.consume(due - rig.consumed, &mut count).await;
        longest = longest.max(rig.sample().await.unwrap().length);
    }
    rig.says("full", 200).await;
    let usage = rig.daemon.usage().unwrap();
    println!(
        "a consumer of an entry every {an_entry:?} took {}; the mark is {MARK}, the stream held at most {longest}; {}",
        rig.consumed,
        shown(usage),
    );
    assert!(longest >= MARK && longest <= rig.bound(MARK), "{longest} of {}", rig.bound(MARK));
    assert!(rig.consumed > 0 && usage.peak_bytes < MEMORY_BYTES, "{}", shown(usage));
    rig.drain_counted(MARK, &mut count).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_host_is_left_alone_while_nothing_is_taken_and_read_again_by_itself() {
    const MARK: u64 = 1_000;
    let mut rig = rig(5_000, MARK).await;
    rig.daemon.set("STANDPIPE_BATCH__PARK_AFTER", "1s");
    rig.daemon.start().unwrap();
    rig.says("parked", 200).await;
    let [parked] = &rig.relay.connections()[..] else { panic!("{:?}", rig.relay.connections()) };
    assert_eq!(parked.close.as_ref().map(|(code, _)| *code), Some(1000));
    assert_eq!(parked.ended, Some(Ended::ByClient));
    rig.drain(MARK).await;
    assert!(rig.relay.connections().len() > 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_redis_that_stands_still_is_waited_for_in_bounded_memory() {
    let mut rig = rig(40_000, 1_000_000).await;
    rig.daemon.start().unwrap();
    rig.until("a beginning", |sample| sample.length >= 5_000).await;
    rig.server.pause().await.unwrap();
    rig.outlast("standing still").await;
    rig.server.resume().unwrap();
    rig.complete().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i7_a_redis_that_is_gone_is_waited_for_in_bounded_memory() {
    let mut rig = rig(40_000, 1_000_000).await;
    rig.daemon.start().unwrap();
    rig.until("a beginning", |sample| sample.length >= 5_000).await;
    rig.server.kill().unwrap();
    rig.outlast("gone").await;
    rig.server.restart().await.unwrap();
    rig.complete().await;
}

impl RedisRig {
    /// The most that the stream may ever hold: a batch is let in below the mark, and takes no further frame once it
    /// is full.
    fn bound(&self, mark: u64) -> u64 {
        (mark - 1) + (BATCH - 1) + self.expectation.largest_frame()
    }

    /// Waits for as long as an outage lasts, with an eye on the daemon's memory.
    async fn outlast(&mut self, what: &str) {
        let outage = Duration::from_secs(if is_long() { 60 } else { 10 });
        let end = Instant::now() + outage;
        self.says("unavailable", 503).await;
        let mut tick = interval(Duration::from_millis(100));
        let mut usage = self.daemon.usage().unwrap();
        while Instant::now() < end {
            tick.tick().await;
            assert!(self.daemon.is_running().unwrap());
            usage = self.daemon.usage().unwrap();
        }
        println!("with Redis {what} for {outage:?}: {}", shown(usage));
        assert!(usage.peak_bytes < MEMORY_BYTES, "{}", shown(usage));
    }

    /// Takes everything away as fast as it comes, and counts it.
    async fn drain(&mut self, mark: u64) {
        let expectation = Arc::clone(&self.expectation);
        self.drain_counted(mark, &mut expectation.count()).await;
    }

    async fn drain_counted(&mut self, mark: u64, count: &mut Count<'_>) {
        let bound = self.bound(mark);
        let last = self.expectation.last_seq();
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let sample = self.sample().await.unwrap();
            assert!(sample.length <= bound, "{} of {bound}", sample.length);
            if self.consume(1_000, count).await > 0 {
                deadline = Instant::now() + PATIENCE;
            } else if sample.cursor == Some(last) {
                break;
            }
            assert!(Instant::now() < deadline, "no entry for {PATIENCE:?} after {:?}", sample.cursor);
        }
        let verdict = count.verdict();
        println!("{verdict}; cursor and stream looked at {} times", self.samples);
        assert!(verdict.is_clean(), "{verdict}");
    }

    /// Takes entries away and counts them.
    async fn consume(&mut self, entries: u64, count: &mut Count<'_>) -> u64 {
        let taken = self.watch.consume(entries).await.unwrap();
        for entry in &taken {
            count.see(entry);
        }
        self.consumed += taken.len() as u64;
        taken.len() as u64
    }
}

fn shown(usage: Usage) -> String {
    format!(
        "the daemon's memory is {} KiB, at most {} KiB",
        usage.resident_bytes / 1024,
        usage.peak_bytes / 1024
    )
}
