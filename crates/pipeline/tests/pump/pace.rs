//! How the pump reads, batches and delivers while all is well.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use standpipe_cursor::Seq;
use standpipe_pipeline::{Ack, Batch, End, Limits, Pump, Silent, Sink, Source};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::rig::{Frame, Plain, Rig, Scripted, Trouble, frame, open_gate};

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
