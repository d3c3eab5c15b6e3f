use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorKey, Seq};
use standpipe_log_sink::{LogReader, LogSettings, Read, ReadFrom, Retention, StateFolder};
use standpipe_pipeline::{
    Ack, Backpressure, Batch, Decoder, End, Limits, Never, Observation, Observer, OpenBatch, Pump, PumpError,
    Silent, Sink, Source,
};
use tempfile::TempDir;
use tokio::sync::watch;

pub(crate) const STREAM: &str = "firehose_live";

pub(crate) fn key(host: &str) -> CursorKey {
    CursorKey::new(STREAM, &host.parse().unwrap())
}

pub(crate) fn cursor(seq: u64) -> Cursor {
    Seq::new(seq).unwrap().into()
}

/// A state folder that is removed with the test.
pub(crate) struct Folder {
    temporary: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { temporary: TempDir::new().unwrap() }
    }

    /// The folder inside the temporary one, which does not exist at first.
    pub(crate) fn state(&self) -> StateFolder {
        StateFolder::new(self.temporary.path().join("state"))
    }

    pub(crate) fn settings(&self) -> LogSettings {
        LogSettings::new(self.state())
    }

    pub(crate) fn settings_with(&self, retention: Retention) -> LogSettings {
        LogSettings { retention, ..self.settings() }
    }
}

/// A frame: its seq and its entries.
pub(crate) type Frame = (u64, Vec<String>);

pub(crate) fn frame(seq: u64, entries: &[&str]) -> Frame {
    (seq, entries.iter().map(ToString::to_string).collect())
}

struct Frames(VecDeque<Frame>);

impl Source for Frames {
    type Item = Frame;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<Frame>, Never> {
        Ok(self.0.pop_front())
    }
}

pub(crate) struct Plain;

impl Decoder for Plain {
    type Item = Frame;
    type Halt = Never;

    fn decode(&mut self, (seq, entries): Frame, batch: &mut OpenBatch) -> Result<(), Never> {
        for entry in entries {
            let written: Result<(), Infallible> = batch.append("entry", |buffer| {
                buffer.extend_from_slice(entry.as_bytes());
                Ok(())
            });
            let Ok(()) = written;
        }
        batch.close_frame(Seq::new(seq).unwrap(), 100, "");
        Ok(())
    }
}

struct Noting<'s, K> {
    sink: &'s mut K,
    ack: Option<Ack>,
}

impl<K: Sink> Sink for Noting<'_, K> {
    type Error = K::Error;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, K::Error> {
        let ack = self.sink.deliver(batch).await?;
        self.ack = Some(ack);
        Ok(ack)
    }
}

/// Delivers all frames as one batch that follows `from`.
pub(crate) async fn deliver<K: Sink>(
    sink: &mut K,
    from: Option<Cursor>,
    frames: Vec<Frame>,
) -> Result<Ack, K::Error> {
    let limits = Limits {
        max_entries: usize::MAX,
        max_bytes: usize::MAX,
        park_after: Duration::from_hours(1000),
        ..Limits::default()
    };
    let noting = Noting { sink, ack: None };
    let mut pump = Pump::new(Frames(frames.into()), Plain, noting, limits, Silent::shared());
    match pump.run(from, pending()).await {
        Ok(end) => assert_eq!(end, End::Finished),
        Err(PumpError::Sink(error)) => return Err(error),
        Err(PumpError::Source(never) | PumpError::Decoder(never)) => match never {},
    }
    Ok(pump.into_parts().2.ack.unwrap())
}

/// Notes what a host's observer is told, and lets a test wait for it.
pub(crate) struct Notes(watch::Sender<Vec<String>>);

impl Notes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(Vec::new())))
    }

    pub(crate) fn observer(self: &Arc<Self>) -> Arc<dyn Observer> {
        let notes: Arc<Self> = Arc::clone(self);
        notes
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    pub(crate) async fn wait_for(&self, text: &str) {
        let noted = |notes: &Vec<String>| notes.iter().any(|note| note.starts_with(text));
        self.0.subscribe().wait_for(noted).await.unwrap();
    }
}

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        let note = match observation {
            Observation::Backpressure(Backpressure::Flowing) => "flowing".to_owned(),
            Observation::Backpressure(Backpressure::Full { backlog }) => format!("full {backlog}"),
            Observation::Backpressure(Backpressure::Unavailable { cause }) => format!("unavailable {cause}"),
            Observation::Retired { entries, unread } => format!("retired {entries} unread {unread}"),
            other => panic!("not for a sink to tell: {other:?}"),
        };
        self.0.send_modify(|notes| notes.push(note));
    }
}

/// All that the stream holds, with indexes.
pub(crate) async fn entries(folder: &StateFolder) -> Vec<(u64, String)> {
    let mut reader = LogReader::open(folder.clone(), STREAM, ReadFrom::Oldest).await.unwrap();
    let mut all = Vec::new();
    while let Some(read) = reader.next().await.unwrap() {
        let Read::Entry(entry) = read else { panic!("a gap with no writer: {read:?}") };
        all.push((entry.index, String::from_utf8(entry.payload.to_vec()).unwrap()));
    }
    all
}
