//! How the pump ends, and what becomes of what it has taken.

use std::future::pending;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_cursor::Seq;
use standpipe_pipeline::{End, Limits, Observation, Observer, Pump, PumpError};
use tokio::time::{Instant, sleep};

use crate::rig::{Frame, HALTS, Rig, STALE, Trouble, frame, open_gate};

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

    let (source, decoder, mut sink) = rig.pump.into_parts();
    sink.refuse = true;
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
