//! Unusable frames, kept as evidence: enough to reproduce what happened, and never enough to fill a disk.

mod shelf;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use self::shelf::Shelf;
use crate::settings::QuarantinePlan;

/// How many frames are taken in within a minute. A host that sends nothing else is told by the counters.
const TAKEN_A_MINUTE: u32 = 60;
/// How many bytes wait to be written.
const WAITING_BYTES: u64 = 16 << 20;

/// One frame that could not be used.
#[derive(Debug)]
struct Specimen {
    host: Arc<str>,
    reason: &'static str,
    seq: Option<u64>,
    time: Timestamp,
    frame: Vec<u8>,
}

/// What stands beside a frame.
#[derive(Serialize)]
struct Tag<'a> {
    host: &'a str,
    reason: &'static str,
    seq: Option<u64>,
    time: String,
    bytes: usize,
}

impl Specimen {
    fn tag(&self) -> Tag<'_> {
        let Self { host, reason, seq, time, frame } = self;
        Tag { host, reason, seq: *seq, time: time.to_string(), bytes: frame.len() }
    }
}

/// Where frames are handed in. Never waits: what cannot be taken is counted. Clones are one intake.
#[derive(Clone, Debug)]
pub struct Intake(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sender: UnboundedSender<Specimen>,
    waiting_bytes: AtomicU64,
    minute: Mutex<Minute>,
    beyond_rate: AtomicU64,
    beyond_queue: AtomicU64,
    failed: AtomicU64,
}

#[derive(Debug)]
struct Minute {
    began: Instant,
    taken: u32,
}

impl Intake {
    /// Takes a copy of the frame, if there is room and it is not one too many.
    pub(crate) fn offer(&self, host: &Arc<str>, reason: &'static str, seq: Option<u64>, frame: &[u8]) {
        let shared = &self.0;
        if !shared.is_within_rate() {
            shared.beyond_rate.fetch_add(1, Relaxed);
            return;
        }
        let bytes = frame.len() as u64;
        if shared.waiting_bytes.fetch_add(bytes, Relaxed) + bytes > WAITING_BYTES {
            shared.waiting_bytes.fetch_sub(bytes, Relaxed);
            shared.beyond_queue.fetch_add(1, Relaxed);
            return;
        }
        let time = Timestamp::now();
        let specimen = Specimen { host: Arc::clone(host), reason, seq, time, frame: frame.to_vec() };
        if shared.sender.send(specimen).is_err() {
            shared.waiting_bytes.fetch_sub(bytes, Relaxed);
            shared.beyond_queue.fetch_add(1, Relaxed);
        }
    }

    /// How many frames were not kept, by why.
    pub(crate) fn unkept(&self) -> [(&'static str, u64); 3] {
        let Shared { beyond_rate, beyond_queue, failed, .. } = &*self.0;
        [
            ("rate", beyond_rate.load(Relaxed)),
            ("queue", beyond_queue.load(Relaxed)),
            ("failed", failed.load(Relaxed)),
        ]
    }
}

impl Shared {
    fn is_within_rate(&self) -> bool {
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if now.saturating_duration_since(minute.began) >= Duration::from_mins(1) {
            *minute = Minute { began: now, taken: 0 };
        }
        minute.taken += 1;
        minute.taken <= TAKEN_A_MINUTE
    }
}

/// Keeps frames in a folder, away from the way of events.
#[derive(Debug)]
pub struct Quarantine {
    folder: PathBuf,
    bounds: QuarantinePlan,
    intake: Intake,
    receiver: UnboundedReceiver<Specimen>,
}

impl Quarantine {
    /// A quarantine in this folder, which is created with the first frame.
    #[must_use]
    pub fn new(folder: PathBuf, bounds: QuarantinePlan) -> Self {
        let (sender, receiver) = unbounded_channel();
        let shared = Shared {
            sender,
            waiting_bytes: AtomicU64::new(0),
            minute: Mutex::new(Minute { began: Instant::now(), taken: 0 }),
            beyond_rate: AtomicU64::new(0),
            beyond_queue: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        };
        Self { folder, bounds, intake: Intake(Arc::new(shared)), receiver }
    }

    /// Where frames are handed in.
    #[must_use]
    pub fn intake(&self) -> Intake {
        self.intake.clone()
    }

    /// Writes what is handed in until `stop` completes, and what was handed in before that.
    ///
    /// Cancel-safe: what was not written is lost, and no file is left half written.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut opened = None;
        loop {
            let specimen = tokio::select! {
                biased;
                specimen = self.receiver.recv() => specimen,
                () = &mut stop => None,
            };
            let Some(specimen) = specimen else { return };
            opened = self.keep(opened, specimen).await;
        }
    }

    /// Writes one frame on a thread where that may take its time, and gives the shelf back.
    async fn keep(&self, opened: Option<Shelf>, specimen: Specimen) -> Option<Shelf> {
        let (folder, bounds) = (self.folder.clone(), self.bounds);
        let (host, reason, bytes) = (Arc::clone(&specimen.host), specimen.reason, specimen.frame.len());
        let written = spawn_blocking(move || {
            let mut opened = opened.map_or_else(|| Shelf::open(folder, bounds), Ok)?;
            let is_new = opened.keep(&specimen)?;
            Ok((opened, is_new))
        });
        let outcome = written.await.map_err(io::Error::other).flatten();
        self.intake.0.waiting_bytes.fetch_sub(bytes as u64, Relaxed);
        match outcome {
            Ok((opened, is_new)) => {
                if is_new {
                    tracing::debug!(host = &*host, reason, bytes, "kept an unusable frame");
                }
                Some(opened)
            }
            Err(error) => {
                self.intake.0.failed.fetch_add(1, Relaxed);
                tracing::warn!(%error, host = &*host, reason, "an unusable frame could not be kept");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::future::ready;

    use super::*;

    fn quarantine(folder: &std::path::Path) -> Quarantine {
        Quarantine::new(folder.join("quarantine"), QuarantinePlan { frames: 1_000, bytes: 64 << 20 })
    }

    #[tokio::test]
    async fn i5_what_was_handed_in_before_the_stop_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = quarantine(folder.path());
        let intake = quarantine.intake();
        for number in 0..5_u8 {
            intake.offer(&"relay.example".into(), "cbor_truncated", None, &[number]);
        }
        quarantine.run(ready(())).await;
        assert_eq!(fs::read_dir(folder.path().join("quarantine")).unwrap().count(), 10);
        assert_eq!(intake.unkept().map(|(_, count)| count), [0, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn i7_a_host_that_sends_nothing_else_fills_neither_disk_nor_memory() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = quarantine(folder.path());
        let intake = quarantine.intake();
        let host = "relay.example".into();
        let frame = vec![0; 1 << 20];
        (0..100).for_each(|_| intake.offer(&host, "cbor_truncated", None, &frame));
        assert_eq!(intake.unkept(), [("rate", 40), ("queue", 44), ("failed", 0)]);
        tokio::time::advance(Duration::from_mins(1)).await;
        intake.offer(&host, "cbor_truncated", None, b"small");
        assert_eq!(intake.unkept(), [("rate", 40), ("queue", 45), ("failed", 0)]);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_had_is_counted_and_harms_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("quarantine"), "in the way").unwrap();
        let quarantine = quarantine(folder.path());
        let intake = quarantine.intake();
        intake.offer(&"relay.example".into(), "cbor_truncated", None, b"bad");
        quarantine.run(ready(())).await;
        assert_eq!(intake.unkept(), [("rate", 0), ("queue", 0), ("failed", 1)]);
    }
}
