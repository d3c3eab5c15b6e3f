//! The whole way: a pump with this decoder between frames and a sink.

use std::future::pending;
use std::sync::Arc;

use serde_json::Value;
use standpipe_cursor::{Cursor, Resume, Seq, Start};
use standpipe_pipeline::{
    Ack, Batch, End, Limits, Never, Observer, Pump, PumpError, RawMessage, Remedy, Silent, Sink, Source,
    Transient,
};
use standpipe_projection::{Halt, PoisonMemory, RepoDecoder, RepoSettings};
use standpipe_stream_entry::firehose::Profile;

use crate::craft;
use crate::fixture::{GOLDEN, golden};
use crate::rig::{NOW_MICROS, Rig, everything, read};

/// A host that sends what lies after the cursor, and then nothing more.
struct Host(std::vec::IntoIter<Vec<u8>>);

impl Host {
    fn resumed(frames: &[Vec<u8>], resume: Resume) -> Self {
        let after = resume.parameter().unwrap_or(0);
        let is_due = |frame: &&Vec<u8>| craft::seq_of(frame).is_none_or(|seq| seq > after);
        Self(frames.iter().filter(is_due).cloned().collect::<Vec<_>>().into_iter())
    }
}

impl Source for Host {
    type Item = RawMessage;
    type Error = Never;

    async fn next(&mut self) -> Result<Option<RawMessage>, Never> {
        Ok(self.0.next().map(|frame| RawMessage::Binary(frame.into())))
    }
}

/// What is durable.
#[derive(Default)]
struct Store {
    entries: Vec<Value>,
    cursor: Option<Cursor>,
    longest: usize,
}

impl Sink for &mut Store {
    type Error = Never;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Never> {
        assert_eq!(batch.from(), self.cursor.as_ref(), "every batch follows the one before");
        self.entries.extend(batch.entries().map(|entry| read(&entry)));
        self.cursor = Some(batch.through().clone());
        self.longest = self.longest.max(batch.len());
        Ok(Ack::applied(Some(self.entries.len() as u64)))
    }
}

/// Reads the host once over one connection.
async fn read_once(
    frames: &[Vec<u8>],
    settings: &RepoSettings,
    poison: &PoisonMemory,
    store: &mut Store,
) -> Result<End, Halt> {
    let from = store.cursor.clone();
    let resume = Resume::decide(from.as_ref(), Start::Oldest).unwrap();
    let observer: Arc<dyn Observer> = Silent::shared();
    let decoder =
        RepoDecoder::new(settings, resume, poison.clone(), Arc::<dyn Observer>::clone(&observer), || {
            NOW_MICROS
        });
    let limits = Limits { max_entries: 50, ..Limits::default() };
    let mut pump = Pump::new(Host::resumed(frames, resume), decoder, store, limits, observer);
    pump.run(from, pending()).await.map_err(|error| match error {
        PumpError::Decoder(halt) => halt,
        PumpError::Source(never) | PumpError::Sink(never) => match never {},
    })
}

#[tokio::test(start_paused = true)]
async fn a_pumps_sink_is_given_what_the_frames_say_in_batches_of_whole_frames() {
    for profile in [Profile::Compatible, Profile::Full] {
        for (stream, _) in GOLDEN.iter().filter(|(stream, _)| *stream != "10-control") {
            let frames: Vec<_> = golden(stream).into_iter().map(|(frame, _)| frame).collect();
            let mut rig = Rig::new(everything(profile));
            let one_by_one: Vec<Value> = frames.iter().flat_map(|frame| rig.feed(frame).entries).collect();
            let mut store = Store::default();
            let end = read_once(&frames, &everything(profile), &PoisonMemory::default(), &mut store).await;
            assert_eq!(end, Ok(End::Finished), "{stream}");
            assert_eq!(store.entries, one_by_one, "{stream}");
            let last = frames.iter().filter_map(|frame| craft::seq_of(frame)).max().and_then(Seq::new);
            assert_eq!(store.cursor.as_ref().and_then(Cursor::seq), last, "{stream}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn i1_a_poison_frame_in_the_midst_costs_one_connection_and_no_event() {
    let mut frames: Vec<_> = (1..=9).map(craft::identity).collect();
    frames[4].truncate(40);
    let (settings, poison) = (RepoSettings::default(), PoisonMemory::default());
    let mut store = Store::default();
    let halt = read_once(&frames, &settings, &poison, &mut store).await.unwrap_err();
    assert_eq!(halt.remedy(), Remedy::Retry);
    assert_eq!(store.cursor.as_ref().and_then(Cursor::seq), Seq::new(4), "what came before is durable");
    assert_eq!(read_once(&frames, &settings, &poison, &mut store).await, Ok(End::Finished));
    let seqs: Vec<_> = store.entries.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 6, 7, 8, 9]);
    assert_eq!(store.cursor.as_ref().and_then(Cursor::seq), Seq::new(9));
}
