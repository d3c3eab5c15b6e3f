//! A decoder fed as the pump feeds it, and all that comes of a frame.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use standpipe_cursor::{Cursor, Resume, Seq};
use standpipe_pipeline::{Counts, Decoder, Observation, Observer, OpenBatch, RawMessage};
use standpipe_projection::{Admission, Halt, LabelDecoder, PoisonMemory, Unasked, Verdicts};
use standpipe_stream_entry::label::LabelsEntry;

use crate::craft;

/// What an observer was told: the word for it, and the seq that belongs to it.
#[derive(Default)]
struct Notes(Mutex<Vec<(String, Option<u64>)>>);

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        let note = match observation {
            Observation::Quarantined { reason, seq, .. } => (format!("quarantined {reason}"), seq),
            Observation::Gap { reason, from, .. } => (format!("gap {reason}"), from.map(Seq::number)),
            Observation::Began { seq, .. } => ("began".to_owned(), Some(seq.number())),
            _ => return,
        };
        self.0.lock().unwrap().push(note);
    }
}

/// All that comes of one frame.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) halt: Option<Halt>,
    /// The entry, read back by the contract's reader too.
    pub(crate) entry: Option<Value>,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    /// Labels by the word and the reason for it.
    pub(crate) judged: Vec<((&'static str, &'static str), u64)>,
    /// Where the cursor moved to.
    pub(crate) moved: Option<u64>,
    pub(crate) notes: Vec<(String, Option<u64>)>,
}

impl Outcome {
    /// What is dropped, in the alphabetical order of the reasons.
    pub(crate) fn reasons(&self) -> Vec<(&'static str, u64)> {
        self.dropped.iter().map(|(reason, count)| (*reason, *count)).collect()
    }

    /// The values of the labels that are written.
    pub(crate) fn values(&self) -> Vec<&str> {
        let labels = self.entry.iter().flat_map(|entry| entry["labels"].as_array().unwrap());
        labels.map(|label| label["val"].as_str().unwrap()).collect()
    }
}

pub(crate) struct Rig<V> {
    verdicts: V,
    admission: Admission,
    poison: PoisonMemory,
    notes: Arc<Notes>,
    decoder: LabelDecoder<V, fn() -> u64>,
}

impl Rig<Unasked> {
    pub(crate) fn new() -> Self {
        Rig::asking(Unasked, Admission::All)
    }
}

impl<V: Verdicts + Clone> Rig<V> {
    pub(crate) fn asking(verdicts: V, admission: Admission) -> Self {
        let (poison, notes) = (PoisonMemory::default(), Arc::new(Notes::default()));
        let decoder = decoder(verdicts.clone(), admission, Resume::Oldest, &poison, &notes);
        Self { verdicts, admission, poison, notes, decoder }
    }

    /// Begins a new connection to the same labeler.
    pub(crate) fn reconnect(&mut self, resume: Resume) {
        self.decoder = decoder(self.verdicts.clone(), self.admission, resume, &self.poison, &self.notes);
    }

    pub(crate) fn feed(&mut self, frame: &[u8]) -> Outcome {
        self.message(RawMessage::Binary(frame.to_vec().into()))
    }

    pub(crate) fn message(&mut self, message: RawMessage) -> Outcome {
        let mut batch = OpenBatch::following(None);
        let halt = self.decoder.decode(message, &mut batch).err();
        let notes = std::mem::take(&mut *self.notes.0.lock().unwrap());
        let moved = batch.seal(None);
        let is_moved = moved.is_some();
        // Where the cursor stands still, another frame makes what was counted visible.
        let batch = moved.unwrap_or_else(|| {
            let (poison, notes) = (PoisonMemory::default(), Arc::new(Notes::default()));
            let mut other = decoder(Unasked, Admission::All, Resume::Oldest, &poison, &notes);
            other.decode(RawMessage::Binary(craft::sound(1).into()), &mut batch).unwrap();
            batch.seal(None).unwrap()
        });
        let entry = batch.entries().next().filter(|_| is_moved).map(|entry| {
            assert!(LabelsEntry::parse(&entry).is_ok_and(|read| !read.labels.is_empty()));
            serde_json::from_slice(&entry).unwrap()
        });
        assert!(batch.len() <= 1 && batch.event_time().is_empty(), "one entry a frame");
        Outcome {
            halt,
            entry,
            dropped: counts(&batch.tally().dropped),
            judged: batch.tally().judged.iter().collect(),
            moved: Some(batch.through()).filter(|_| is_moved).and_then(Cursor::seq).map(Seq::number),
            notes,
        }
    }
}

fn decoder<V: Verdicts>(
    verdicts: V,
    admission: Admission,
    resume: Resume,
    poison: &PoisonMemory,
    notes: &Arc<Notes>,
) -> LabelDecoder<V, fn() -> u64> {
    let observer: Arc<dyn Observer> = Arc::<Notes>::clone(notes);
    LabelDecoder::new(verdicts, admission, resume, poison.clone(), observer, || 1_783_176_000_000_000)
}

fn counts(counts: &Counts) -> BTreeMap<&'static str, u64> {
    counts.iter().collect()
}
