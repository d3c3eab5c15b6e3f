use std::sync::{Arc, Mutex};

use standpipe_cursor::{Cursor, CursorKey};
use standpipe_pipeline::{Ack, Acquire, Acquired, Backpressure, Batch, Observation, Observer, Remedy, Sink};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Scripted;

/// How the sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Flowing,
    Full,
    Away,
    /// It takes a batch and never says what became of it.
    Stuck,
    /// It stores a batch and never says so.
    Mute,
    Refusing(Remedy),
    Panicking,
}

/// The sink of one incarnation; all share what is stored.
#[derive(Clone)]
pub(crate) struct ScriptedSink {
    readiness: watch::Receiver<Readiness>,
    stored: Arc<Mutex<Stored>>,
    observer: Arc<dyn Observer>,
}

/// Entries and cursor, which change together.
#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) entries: Vec<Entry>,
}

/// An entry, and when it was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: Instant,
}

impl ScriptedSink {
    pub(crate) fn new(
        readiness: watch::Receiver<Readiness>,
        stored: Arc<Mutex<Stored>>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self { readiness, stored, observer }
    }

    async fn wait(&mut self) -> Result<(), Scripted> {
        loop {
            let readiness = *self.readiness.borrow_and_update();
            let told = match readiness {
                Readiness::Flowing | Readiness::Mute => Backpressure::Flowing,
                Readiness::Full => Backpressure::Full { backlog: 100 },
                Readiness::Away => Backpressure::Unavailable { cause: &Scripted(Remedy::Retry) },
                Readiness::Refusing(remedy) => return Err(Scripted(remedy)),
                Readiness::Panicking => panic!("scripted panic in the sink"),
                Readiness::Stuck => std::future::pending().await,
            };
            self.observer.observe(Observation::Backpressure(told));
            if let Backpressure::Flowing = told {
                return Ok(());
            }
            self.readiness.changed().await.unwrap();
        }
    }
}

impl Acquire for ScriptedSink {
    type Sink = Self;
    type Error = Scripted;

    async fn acquire(&self, _: &CursorKey) -> Result<Acquired<Self>, Scripted> {
        let mut sink = self.clone();
        // A full stream keeps nobody from taking over.
        if *sink.readiness.borrow() != Readiness::Full {
            sink.wait().await?;
        }
        let cursor = self.stored.lock().unwrap().cursor.clone();
        Ok(Acquired { sink, cursor })
    }
}

impl Sink for ScriptedSink {
    type Error = Scripted;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Scripted> {
        if !batch.is_empty() || *self.readiness.borrow() != Readiness::Full {
            self.wait().await?;
        }
        let backlog = self.stored.lock().unwrap().apply(batch);
        if *self.readiness.borrow() == Readiness::Mute {
            std::future::pending::<()>().await;
        }
        Ok(Ack::applied(Some(backlog)))
    }
}

impl Stored {
    /// All of the batch and its cursor, if it follows; answers how many entries there are then.
    fn apply(&mut self, batch: &Batch) -> u64 {
        assert_eq!(self.cursor.as_ref(), batch.from(), "a batch that does not follow what is stored");
        let at = Instant::now();
        self.cursor = Some(batch.through().clone());
        self.entries.extend(batch.entries().map(|entry| {
            let seq = std::str::from_utf8(&entry).unwrap().parse().unwrap();
            Entry { seq, at }
        }));
        self.entries.len() as u64
    }
}
