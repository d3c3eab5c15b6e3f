use std::time::Duration;

use fastrand::Rng;
use standpipe_cursor::{Cursor, CursorKey, CursorStore, Resume, Start};
use standpipe_log_sink::{EmbeddedLog, LogReader, LogSettings, Read, ReadFrom, StateFolder};
use standpipe_oracle::{Count, DaemonProcess, seed};
use standpipe_simulator::{Pace, StreamFault, World, WorldSettings};
use tokio::time::{Instant, timeout};

use crate::rig::{PATIENCE, STREAM, disrupt, firehose, relay};
use crate::simulated::{Wanted, expectation};

const FRAMES: u64 = 200_000;
const KILLS: u64 = 22;
const CUTS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i2_every_event_is_in_the_embedded_log_once_through_kills_and_cuts() {
    let mut rng = Rng::with_seed(seed());
    let world = World::new(WorldSettings { seed: rng.u64(..), ..WorldSettings::default() });
    let expectation = expectation(&world, FRAMES, Wanted::Everything);
    assert!(expectation.entries() >= 200_000, "{} events", expectation.entries());
    let relay = relay(world, FRAMES, FRAMES, Pace::STILL);
    let mut daemon = firehose(&[&relay], Wanted::Everything);
    let key = CursorKey::new(STREAM, &relay.url().parse().unwrap());

    let mut faults = vec![true; usize::try_from(KILLS).unwrap()];
    faults.extend(vec![false; usize::try_from(CUTS).unwrap()]);
    rng.shuffle(&mut faults);
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let mut follower = Follower::open(&daemon, expectation.count()).await;
    let (mut kills, mut strikes) = (0, faults.len() as u64);
    for is_kill in faults {
        // The daemon may be far ahead of the follower when it is struck, so what is left is parted anew each time.
        let step = (expectation.entries() - follower.read) / (strikes + 1);
        strikes -= 1;
        let strike_at = follower.read + rng.u64(step / 4..=step);
        follower.follow_to(strike_at).await;
        if is_kill {
            assert!(daemon.kill().unwrap(), "there is a daemon to kill");
            kills += 1;
            // Opening the log settles whether the last batch is in it. Then nobody writes.
            let through = expectation.through(stored_cursor(&daemon, &key).await);
            follower.follow_to_end().await;
            assert_eq!(follower.read, through, "after kill {kills}");
            daemon.start().unwrap();
        } else {
            disrupt(&relay, StreamFault::Reset).await;
        }
    }
    follower.follow_to(expectation.entries()).await;
    // Where it was killed after the last entry, it may have begun a moment ago, and know no signals yet.
    daemon.ready().await.unwrap();
    daemon.terminate().unwrap();
    assert_eq!(daemon.ended(PATIENCE).await.unwrap().code(), Some(0));
    follower.follow_to_end().await;
    assert_eq!(stored_cursor(&daemon, &key).await, expectation.last_seq());

    let verdict = follower.count.verdict();
    let cuts = relay.faults().counts().values().sum();
    println!("{verdict}; {kills} kills, {cuts} cuts");
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!((kills, cuts), (KILLS, CUTS));
}

/// Reads the log while the daemon writes it, as a consumer does, over all of the daemon's deaths.
struct Follower<'a> {
    reader: LogReader,
    count: Count<'a>,
    read: u64,
}

impl<'a> Follower<'a> {
    async fn open(daemon: &DaemonProcess, count: Count<'a>) -> Self {
        let folder = StateFolder::new(daemon.state_folder());
        let reader = LogReader::open(folder, STREAM, ReadFrom::Oldest).await.unwrap();
        Self { reader: reader.poll_every(Duration::from_millis(10)), count, read: 0 }
    }

    async fn follow_to(&mut self, entries: u64) {
        let deadline = Instant::now() + PATIENCE;
        while self.read < entries {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(read) = timeout(left, self.reader.follow()).await else {
                panic!("waited {PATIENCE:?} for entry {entries}; read {}", self.read);
            };
            self.see(read.unwrap());
        }
    }

    async fn follow_to_end(&mut self) {
        while let Some(read) = self.reader.next().await.unwrap() {
            self.see(read);
        }
    }

    fn see(&mut self, read: Read) {
        let Read::Entry(entry) = read else { panic!("entries left the log: {read:?}") };
        self.read += 1;
        assert_eq!(entry.index, self.read);
        self.count.see(&entry.payload);
    }
}

/// The cursor in the log of a daemon that does not run.
async fn stored_cursor(daemon: &DaemonProcess, key: &CursorKey) -> u64 {
    let log = EmbeddedLog::open(LogSettings::new(StateFolder::new(daemon.state_folder()))).await.unwrap();
    let stored: Option<Cursor> = log.load(key).await.unwrap();
    match Resume::decide(stored.as_ref(), Start::Oldest).unwrap() {
        Resume::After(seq) => seq.number(),
        Resume::Oldest | Resume::Live => 0,
    }
}
