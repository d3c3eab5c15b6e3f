//! A scripted source, a plain decoder, and a sink that takes a batch when it is let.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use standpipe_cursor::{Cursor, Seq};
use standpipe_pipeline::{
    Ack, Batch, Decoder, Limits, Observer, OpenBatch, Pump, Remedy, Silent, Sink, Source, Transient,
};
use tokio::sync::{Semaphore, mpsc};

/// Each frame is written as this many entries, `SEQ.0`, `SEQ.1`, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) seq: u64,
    pub(crate) entries: u64,
}

pub(crate) fn frame(seq: u64) -> Frame {
    Frame { seq, entries: 1 }
}

#[derive(Debug, thiserror::Error)]
#[error("scripted trouble")]
pub(crate) struct Trouble;

impl Transient for Trouble {
    fn remedy(&self) -> Remedy {
        Remedy::Retry
    }
}

/// Yields what the test sends; an `Err` ends it as a lost connection, a dropped sender as a finished source.
pub(crate) struct Scripted {
    pub(crate) frames: mpsc::UnboundedReceiver<Result<Frame, Trouble>>,
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
pub(crate) const STALE: u64 = 1_000_555;

/// A frame of this seq cannot be decoded to its end.
pub(crate) const HALTS: u64 = 1_000_666;

/// Halts on seq [`HALTS`], after having appended entries of that frame.
pub(crate) struct Plain;

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
pub(crate) type Delivered = (Option<String>, String, Vec<String>);

/// Takes one batch a permit.
pub(crate) struct Gated {
    gate: Arc<Semaphore>,
    stored: Arc<Mutex<Vec<Delivered>>>,
    pub(crate) refuse: bool,
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

pub(crate) struct Rig {
    pub(crate) frames: mpsc::UnboundedSender<Result<Frame, Trouble>>,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) stored: Arc<Mutex<Vec<Delivered>>>,
    pub(crate) parked: Arc<Mutex<bool>>,
    pub(crate) pump: Pump<Scripted, Plain, Gated>,
}

impl Rig {
    pub(crate) fn new(limits: Limits) -> Self {
        Self::observed(limits, Silent::shared())
    }

    pub(crate) fn observed(limits: Limits, observer: Arc<dyn Observer>) -> Self {
        let (frames, receiver) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        let stored = Arc::new(Mutex::new(Vec::new()));
        let parked = Arc::new(Mutex::new(false));
        let source = Scripted { frames: receiver, parked: Arc::clone(&parked) };
        let sink = Gated { gate: Arc::clone(&gate), stored: Arc::clone(&stored), refuse: false };
        Self { frames, gate, stored, parked, pump: Pump::new(source, Plain, sink, limits, observer) }
    }

    pub(crate) fn send(&self, frame: Frame) {
        self.frames.send(Ok(frame)).unwrap();
    }

    pub(crate) fn stored(&self) -> Vec<Delivered> {
        self.stored.lock().unwrap().clone()
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.stored().into_iter().flat_map(|(_, _, entries)| entries).collect()
    }
}

pub(crate) fn open_gate() -> usize {
    Semaphore::MAX_PERMITS / 2
}
