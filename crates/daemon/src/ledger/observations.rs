//! What the pump and those around it report of a host, and what that becomes in its account.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use standpipe_cursor::Resume;
use standpipe_pipeline::{Ack, Backpressure, Batch, Observation, Observer, Tally};

use super::{Condition, HostLedger, Link, Store, add, add_all, lock};

impl Observer for HostLedger {
    fn observe(&self, observation: Observation<'_>) {
        match observation {
            Observation::Connecting => self.change(|condition| condition.set_link(Link::Connecting)),
            Observation::Connected { resume } => self.connected(resume),
            Observation::Alive => {
                self.signs_of_life.fetch_add(1, Relaxed);
                self.change(Condition::gave_a_sign);
            }
            Observation::Answered { .. } => {
                self.signs_of_life.fetch_add(1, Relaxed);
                self.change(|condition| {
                    condition.set_link(Link::Up);
                    condition.gave_a_sign();
                });
            }
            Observation::Waiting { reason, cause, .. } => {
                add(&mut lock(&self.counted).waits, reason, 1);
                // Told when to come back, a host is no less well; one that does not answer is.
                if cause.is_some() && !["rate_limit", "rate_limited", "search"].contains(&reason) {
                    self.change(|condition| condition.set_link(Link::Connecting));
                }
            }
            Observation::Began { after, seq, time } => self.began(after, seq, time),
            Observation::Parked => {
                self.parks.fetch_add(1, Relaxed);
                self.change(|condition| condition.set_link(Link::Parked));
            }
            Observation::Delivering { batch } => {
                self.bytes_in_flight.store(batch.bytes() as u64, Relaxed);
            }
            Observation::Delivered { batch, ack, took } => self.delivered(batch, ack, took),
            Observation::Leftover { tally } => self.count(tally),
            Observation::Backpressure(backpressure) => {
                if let Backpressure::Full { backlog } = backpressure {
                    self.stream.has(backlog);
                }
                self.change(|condition| condition.store = Store::of(backpressure));
            }
            Observation::Retired { entries, unread } => {
                let mut counted = lock(&self.counted);
                add(&mut counted.retired, "unread", unread);
                add(&mut counted.retired, "read", entries.saturating_sub(unread));
            }
            Observation::Quarantined { reason, seq, frame } => {
                add(&mut lock(&self.counted).quarantined, reason, 1);
                self.quarantine.offer(&self.host, reason, seq, frame);
            }
            Observation::Gap { reason, from, to, .. } => self.gap(reason, from, to),
            unknown => {
                tracing::debug!(?unknown, "an observation that has no account");
            }
        }
    }
}

impl HostLedger {
    fn connected(&self, resume: Resume) {
        self.connections.fetch_add(1, Relaxed);
        self.change(|condition| {
            condition.set_link(Link::Up);
            if let Resume::After(seq) = resume {
                condition.cursor = Some(seq.into());
            }
        });
    }

    fn delivered(&self, batch: &Batch, ack: Ack, took: Duration) {
        let tally = batch.tally();
        self.bytes_in_flight.store(0, Relaxed);
        self.frames.fetch_add(tally.frames, Relaxed);
        self.frame_bytes.fetch_add(tally.frame_bytes, Relaxed);
        self.entry_bytes.fetch_add(batch.bytes() as u64, Relaxed);
        let batches = if ack.already { &self.batches_already } else { &self.batches_applied };
        batches.fetch_add(1, Relaxed);
        self.delivery_seconds.record(took.as_secs_f64(), &self.attributes);
        self.count(tally);
        let event_time = batch.event_time().parse().ok();
        self.change(|condition| condition.delivered(batch.through(), event_time));
        self.goes_on(batch.through().seq());
        self.stream.delivered(&self.host, took, ack.backlog);
    }

    fn count(&self, tally: &Tally) {
        let mut counted = lock(&self.counted);
        add_all(&mut counted.entries, tally.written.iter());
        add_all(&mut counted.dropped, tally.dropped.iter());
        add_all(&mut counted.noted, tally.noted.iter());
        add_all(&mut counted.judged, tally.judged.iter());
    }
}
