//! The pump against a scripted source and sink, under paused time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::{
    Ack, Batch, Decoder, End, Limits, Observation, Observer, OpenBatch, Pump, PumpError, Remedy, Silent,
    Sink, Source, Transient,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Each frame is written as this many entries, `SEQ.0`, `SEQ.1`, …
#[derive(Clone, Copy, Debug)]
struct Frame {
    seq: u64,
    entries: u64,
}

fn frame(seq: u64) -> Frame {
    Frame { seq, entries: 1 }
}

#[derive(Debug, thiserror::Error)]
#[error("scripted trouble")]
struct Trouble;

impl Transient for Trouble {
    fn remedy(&self) -> Remedy {
        Remedy::Retry
    }
}

/// Yields what the test sends; an `Err` ends it as a lost connection, a dropped sender as a finished source.
struct Scripted {
    frames: mpsc::UnboundedReceiver<Result<Frame, Trouble>>,
    parked: Arc<Mutex<bool>>,
}

impl Source for Scripted {
    type Item = Frame;
    type Error = Trouble;

    async fn next(&mut self) -> Result<Option<Frame>, Trouble> {
        self.frames.recv().await.transpose()
    }

    async fn park(&mut self) {
        *self.parked.lock().unwrap() = true;
    }
}

/// A frame of this seq is stale: it is counted, and moves no cursor.
const STALE: u64 = 1_000_555;

/// A frame of this seq cannot be decoded to its end.
const HALTS: u64 = 1_000_666;

/// Halts on seq [`HALTS`], after having appended entries of that frame.
struct Plain;

impl Decoder for Plain {
    type Item = Frame;
    type Halt = Trouble;

    fn decode(&mut self, frame: Frame, batch: &mut OpenBatch) -> Result<(), Trouble> {
        if frame.seq == STALE {
            batch.dropped("stale_seq");
            return Ok(());
        }
        for entry in 0..frame.entries {
            let written: Result<(), Infallible> = batch.append("create", |buffer| {
                buffer.extend_from_slice(format!("{}.{entry}", frame.seq).as_bytes());
                Ok(())
            });
            let Ok(()) = written;
        }
        if frame.seq == HALTS {
            return Err(Trouble);
        }
        batch.close_frame(Seq::new(frame.seq).unwrap(), 100, "");
        Ok(())
    }
}

/// What a sink was given: `(from, through, entries)`.
type Delivered = (Option<String>, String, Vec<String>);

/// Takes one batch a permit.
struct Gated {
    gate: Arc<Semaphore>,
    stored: Arc<Mutex<Vec<Delivered>>>,
    refuse: bool,
}

impl Sink for Gated {
    type Error = Trouble;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Trouble> {
        self.gate.acquire().await.unwrap().forget();
        if self.refuse {
            return Err(Trouble);
        }
        let entries = batch.entries().map(|entry| String::from_utf8(entry.to_vec()).unwrap()).collect();
        self.stored.lock().unwrap().push((
            batch.from().map(Cursor::to_string),
            batch.through().to_string(),
            entries,
        ));
        Ok(Ack::applied(None))
    }
}

struct Rig {
    frames: mpsc::UnboundedSender<Result<Frame, Trouble>>,
    gate: Arc<Semaphore>,
    stored: Arc<Mutex<Vec<Delivered>>>,
    parked: Arc<Mutex<bool>>,
    pump: Pump<Scripted, Plain, Gated>,
}

impl Rig {
    fn new(limits: Limits) -> Self {
        Self::observed(limits, Silent::shared())
    }

    fn observed(limits: Limits, observer: Arc<dyn Observer>) -> Self {
        let (frames, receiver) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let stored = Arc::new(Mutex::new(Vec::new()));
        let parked = Arc::new(Mutex::new(false));
        let source = Scripted { frames: receiver, parked: Arc::clone(&parked) };
        let sink = Gated { gate: Arc::clone(&gate), stored: Arc::clone(&stored), refuse: false };
        Self { frames, gate, stored, parked, pump: Pump::new(source, Plain, sink, limits, observer) }
    }

    fn send(&self, frame: Frame) {
        self.frames.send(Ok(frame)).unwrap();
    }

    fn stored(&self) -> Vec<Delivered> {
        self.stored.lock().unwrap().clone()
    }

    fn entries(&self) -> Vec<String> {
        self.stored().into_iter().flat_map(|(_, _, entries)| entries).collect()
    }
}

fn open_gate() -> usize {
    Semaphore::MAX_PERMITS / 2
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_has_no_delay() {
    let mut rig = Rig::new(Limits::default());
    rig.gate.add_permits(open_gate());
    rig.send(frame(5));
    let begun = Instant::now();
    let stored = Arc::clone(&rig.stored);
    let arrived = async move {
        while stored.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(rig.pump.run(None, arrived).await.unwrap(), End::Stopped);
    assert_eq!(rig.stored(), [(None, "5".into(), vec!["5.0".into()])]);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn i3_entries_arrive_in_order_and_complete_whatever_the_pace_of_either_side() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut rig = Rig::new(Limits { max_entries: 7, ..Limits::default() });
    let (frames, gate) = (rig.frames.clone(), Arc::clone(&rig.gate));
    let feed = async {
        for seq in 1..=1000 {
            frames.send(Ok(Frame { seq, entries: random.u64(0..4) })).unwrap();
            if random.bool() {
                gate.add_permits(1);
            }
            if random.u8(0..4) == 0 {
                sleep(Duration::from_millis(random.u64(0..30))).await;
            }
        }
        gate.add_permits(open_gate());
        drop(frames);
        pending::<()>().await;
    };
    // The rig's own sender must go as well, or the source never ends.
    let (closed, _) = mpsc::unbounded_channel();
    rig.frames = closed;
    assert_eq!(rig.pump.run(Some(Seq::new(1).unwrap().into()), feed).await.unwrap(), End::Finished);

    let mut random = fastrand::Rng::with_seed(seed);
    let mut expected = Vec::new();
    for seq in 1..=1000 {
        expected.extend((0..random.u64(0..4)).map(|entry| format!("{seq}.{entry}")));
        random.bool();
        if random.u8(0..4) == 0 {
            random.u64(0..30);
        }
    }
    assert_eq!(rig.entries(), expected);

    let stored = rig.stored();
    let mut follows = Some("1".to_owned());
    for (from, through, _) in &stored {
        assert_eq!(from, &follows, "i2: each delivery names the cursor that it follows");
        follows = Some(through.clone());
    }
    assert_eq!(follows.as_deref(), Some("1000"));
    assert!(stored.len() > 100, "the script is meant to make many batches, not {}", stored.len());
}

#[tokio::test(start_paused = true)]
async fn i3_what_has_arrived_in_one_burst_is_taken_to_its_end() {
    const FRAMES: u64 = 1_000;
    let rig = Rig::new(Limits::default());
    rig.gate.add_permits(open_gate());
    for seq in 1..=FRAMES {
        rig.send(frame(seq));
    }
    let Rig { frames, mut pump, stored, .. } = rig;
    drop(frames);
    assert_eq!(pump.run(None, pending()).await.unwrap(), End::Finished);
    let entries =
        stored.lock().unwrap().iter().flat_map(|(_, _, entries)| entries.clone()).collect::<Vec<_>>();
    assert_eq!(entries, (1..=FRAMES).map(|seq| format!("{seq}.0")).collect::<Vec<_>>());
}

/// Has the next frame ready whenever it is asked, and counts them.
struct Ready(Arc<AtomicU64>);

impl Source for Ready {
    type Item = Frame;
    type Error = Trouble;

    async fn next(&mut self) -> Result<Option<Frame>, Trouble> {
        let seq = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Ok((seq <= 2_000).then(|| frame(seq)))
    }
}

/// Has batches carried out by another task, as a client library does.
struct Couriered(mpsc::UnboundedSender<oneshot::Sender<()>>);

impl Sink for Couriered {
    type Error = Trouble;

    async fn deliver(&mut self, _: &Batch) -> Result<Ack, Trouble> {
        let (done, is_done) = oneshot::channel();
        self.0.send(done).unwrap();
        is_done.await.unwrap();
        Ok(Ack::applied(None))
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_gets_under_way_before_more_is_read() {
    let limits = Limits::default();
    let taken = Arc::new(AtomicU64::new(0));
    let (orders, mut courier) = mpsc::unbounded_channel::<oneshot::Sender<()>>();
    let mut tasks = JoinSet::new();
    let seen = Arc::clone(&taken);
    tasks.spawn(async move {
        let mut taken_at = Vec::new();
        while let Some(done) = courier.recv().await {
            taken_at.push(seen.load(Ordering::Relaxed));
            done.send(()).unwrap();
        }
        taken_at
    });
    let mut pump = Pump::new(Ready(taken), Plain, Couriered(orders), limits, Silent::shared());
    assert_eq!(pump.run(None, pending()).await.unwrap(), End::Finished);
    drop(pump);
    let taken_at = tasks.join_next().await.unwrap().unwrap();
    assert_eq!(taken_at[0], limits.max_entries as u64, "{taken_at:?}");
}

#[tokio::test(start_paused = true)]
async fn i4_all_entries_of_a_frame_are_in_one_batch() {
    let mut rig = Rig::new(Limits { max_entries: 4, ..Limits::default() });
    rig.gate.add_permits(open_gate());
    for seq in 1..=20 {
        rig.send(Frame { seq, entries: 3 });
    }
    let (closed, _) = mpsc::unbounded_channel();
    rig.frames = closed;
    rig.pump.run(None, pending()).await.unwrap();
    for (_, _, entries) in rig.stored() {
        assert_eq!(entries.len() % 3, 0, "{entries:?}");
        assert!(entries[0].ends_with(".0"), "{entries:?}");
    }
    assert_eq!(rig.entries().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn i7_a_sink_that_takes_nothing_stops_the_reading_after_two_batches() {
    let limits = Limits { max_entries: 10, park_after: Duration::from_hours(1), ..Limits::default() };
    let mut rig = Rig::new(limits);
    for seq in 1..=1000 {
        rig.send(frame(seq));
    }
    let stop = sleep(Duration::from_mins(1));
    assert_eq!(rig.pump.run(None, stop).await.unwrap(), End::Stopped);
    let Scripted { mut frames, .. } = std::mem::replace(&mut rig, Rig::new(limits)).pump.into_parts().0;
    let unread = std::iter::from_fn(|| frames.try_recv().ok()).count();
    assert_eq!(unread, 1000 - 20);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_full_by_bytes_as_well() {
    let mut rig = Rig::new(Limits { max_bytes: 12, ..Limits::default() });
    rig.gate.add_permits(open_gate());
    for seq in 100..=109 {
        rig.send(frame(seq));
    }
    let (closed, _) = mpsc::unbounded_channel();
    rig.frames = closed;
    rig.pump.run(None, pending()).await.unwrap();
    assert!(rig.stored().iter().all(|(_, _, entries)| entries.len() <= 3), "{:?}", rig.stored());
}

#[tokio::test(start_paused = true)]
async fn frames_without_entries_move_the_cursor_after_the_linger() {
    let mut rig = Rig::new(Limits { linger: Duration::from_secs(1), ..Limits::default() });
    rig.gate.add_permits(open_gate());
    for seq in 1..=50 {
        rig.send(Frame { seq, entries: 0 });
    }
    let stop = sleep(Duration::from_millis(999));
    let stored = Arc::clone(&rig.stored);
    let early = async {
        stop.await;
        assert!(stored.lock().unwrap().is_empty());
        sleep(Duration::from_millis(2)).await;
    };
    rig.pump.run(None, early).await.unwrap();
    assert_eq!(rig.stored(), [(None, "50".into(), vec![])]);
}

#[tokio::test(start_paused = true)]
async fn i10_a_stop_waits_for_a_blocked_sink_only_until_the_drain_deadline() {
    let limits = Limits { drain: Duration::from_secs(5), ..Limits::default() };
    let mut rig = Rig::new(limits);
    rig.send(frame(1));
    let begun = Instant::now();
    assert_eq!(rig.pump.run(None, sleep(Duration::from_secs(2))).await.unwrap(), End::Stopped);
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
    assert!(rig.stored().is_empty(), "i1: what was not taken is not acknowledged");
}

#[tokio::test(start_paused = true)]
async fn a_stop_delivers_what_was_taken() {
    let mut rig = Rig::new(Limits::default());
    rig.send(frame(1));
    rig.send(frame(2));
    let gate = Arc::clone(&rig.gate);
    let stop = async move {
        sleep(Duration::from_secs(1)).await;
        gate.add_permits(open_gate());
    };
    assert_eq!(rig.pump.run(None, stop).await.unwrap(), End::Stopped);
    assert_eq!(rig.entries(), ["1.0", "2.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_goes_unread_for_long_is_parked_and_nothing_taken_is_lost() {
    let limits = Limits { max_entries: 2, park_after: Duration::from_secs(20), ..Limits::default() };
    let mut rig = Rig::new(limits);
    for seq in 1..=9 {
        rig.send(frame(seq));
    }
    let (gate, parked) = (Arc::clone(&rig.gate), Arc::clone(&rig.parked));
    let consumer = async move {
        sleep(Duration::from_millis(19_999)).await;
        assert!(!*parked.lock().unwrap());
        sleep(Duration::from_millis(2)).await;
        assert!(*parked.lock().unwrap());
        gate.add_permits(open_gate());
        pending::<()>().await;
    };
    assert_eq!(rig.pump.run(None, consumer).await.unwrap(), End::Parked);
    assert_eq!(rig.entries(), ["1.0", "2.0", "3.0", "4.0"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_sink_under_a_quiet_host_does_not_park_it() {
    let mut rig = Rig::new(Limits { park_after: Duration::from_secs(20), ..Limits::default() });
    rig.send(frame(1));
    rig.send(frame(2));
    rig.pump.run(None, sleep(Duration::from_hours(1))).await.unwrap();
    assert!(!*rig.parked.lock().unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_halt_delivers_the_frames_before_and_nothing_of_the_frame_itself() {
    let mut rig = Rig::new(Limits::default());
    rig.gate.add_permits(open_gate());
    rig.send(frame(1));
    rig.send(Frame { seq: HALTS, entries: 2 });
    rig.send(frame(HALTS + 1));
    let ended = rig.pump.run(None, pending()).await;
    assert!(matches!(ended, Err(PumpError::Decoder(Trouble))));
    assert_eq!(rig.stored(), [(None, "1".into(), vec!["1.0".into()])]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_delivers_the_frames_before_even_if_the_sink_takes_its_time() {
    let mut rig = Rig::new(Limits::default());
    rig.send(frame(1));
    rig.send(frame(2));
    rig.frames.send(Err(Trouble)).unwrap();
    let gate = Arc::clone(&rig.gate);
    let slow = async move {
        sleep(Duration::from_mins(10)).await;
        gate.add_permits(open_gate());
        pending::<()>().await;
    };
    let ended = rig.pump.run(None, slow).await;
    assert!(matches!(ended, Err(PumpError::Source(Trouble))));
    assert_eq!(rig.entries(), ["1.0", "2.0"]);
}

#[tokio::test(start_paused = true)]
async fn i1_a_sink_that_refuses_ends_the_pump_and_nothing_is_acknowledged() {
    #[derive(Default)]
    struct Acks(Mutex<Vec<String>>);
    impl Observer for Acks {
        fn observe(&self, observation: Observation<'_>) {
            if let Observation::Delivered { batch, .. } = observation {
                self.0.lock().unwrap().push(batch.through().to_string());
            }
        }
    }

    let acks = Arc::new(Acks::default());
    let mut rig = Rig::observed(Limits::default(), Arc::clone(&acks) as Arc<dyn Observer>);
    rig.gate.add_permits(open_gate());
    rig.send(frame(1));
    let acknowledged = Arc::clone(&acks);
    let first_ack = async move {
        while acknowledged.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    rig.pump.run(None, first_ack).await.unwrap();

    let (source, decoder, sink) = rig.pump.into_parts();
    let sink = Gated { refuse: true, ..sink };
    rig.frames.send(Ok(frame(2))).unwrap();
    let mut refused =
        Pump::new(source, decoder, sink, Limits::default(), Arc::clone(&acks) as Arc<dyn Observer>);
    let ended = refused.run(Some(Seq::new(1).unwrap().into()), pending()).await;
    assert!(matches!(ended, Err(PumpError::Sink(Trouble))));
    assert_eq!(*acks.0.lock().unwrap(), ["1"]);
}

/// Adds up what is told to be dropped, delivered or not.
#[derive(Default)]
struct Drops(AtomicU64);

impl Observer for Drops {
    fn observe(&self, observation: Observation<'_>) {
        let tally = if let Observation::Delivered { batch, .. } = observation {
            batch.tally()
        } else if let Observation::Leftover { tally } = observation {
            tally
        } else {
            return;
        };
        self.0.fetch_add(tally.dropped.of("stale_seq"), Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn i5_what_is_dropped_at_the_end_of_a_connection_is_told_though_no_cursor_moves() {
    for (frames, dropped) in [
        (vec![STALE, STALE], 2),
        (vec![1, STALE], 1),
        (vec![STALE, 1], 1),
        (vec![STALE, 1, STALE, STALE], 3),
        (vec![1], 0),
    ] {
        let drops = Arc::new(Drops::default());
        let observer: Arc<dyn Observer> = Arc::<Drops>::clone(&drops);
        let mut rig = Rig::observed(Limits::default(), observer);
        rig.gate.add_permits(10);
        for seq in &frames {
            rig.send(frame(*seq));
        }
        rig.frames.send(Err(Trouble)).unwrap();
        rig.pump.run(None, pending()).await.unwrap_err();
        assert_eq!(drops.0.load(Ordering::Relaxed), dropped, "{frames:?}");
    }
}
