//! A decoder fed as the pump feeds it, and all that comes of a frame.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value};
use standpipe_cursor::{Cursor, Resume, Seq};
use standpipe_pipeline::{Counts, Decoder, Observation, Observer, OpenBatch, RawMessage};
use standpipe_projection::{CollectionFilter, Halt, PoisonMemory, RepoDecoder, RepoSettings};
use standpipe_stream_entry::firehose::{AccountStatus, Entry, Event, Profile, RecordWrite};

use crate::craft;

/// 2026-07-04T14:40:00Z, after every honest revision in the fixtures.
pub(crate) const NOW_MICROS: u64 = 1_783_176_000_000_000;

/// What an observer was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    Quarantined { reason: &'static str, seq: Option<u64>, frame: Vec<u8> },
    Gap(&'static str, Option<u64>),
}

/// Where a connection began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) after: Option<u64>,
    pub(crate) seq: u64,
    pub(crate) time: String,
}

#[derive(Default)]
pub(crate) struct Notes {
    notes: Mutex<Vec<Note>>,
    began: Mutex<Vec<Began>>,
}

impl Observer for Notes {
    fn observe(&self, observation: Observation<'_>) {
        let note = match observation {
            Observation::Quarantined { reason, seq, frame } => {
                Note::Quarantined { reason, seq, frame: frame.to_vec() }
            }
            Observation::Gap { reason, from, .. } => Note::Gap(reason, from.map(Seq::number)),
            Observation::Began { after, seq, time } => {
                let began = Began { after: after.map(Seq::number), seq: seq.number(), time: time.to_owned() };
                self.began.lock().unwrap().push(began);
                return;
            }
            _ => return,
        };
        self.notes.lock().unwrap().push(note);
    }
}

impl Notes {
    pub(crate) fn take(&self) -> Vec<Note> {
        std::mem::take(&mut *self.notes.lock().unwrap())
    }
}

/// All that comes of one frame.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) halt: Option<Halt>,
    /// The entries as JSON, each of them read back by the contract's reader too.
    pub(crate) entries: Vec<Value>,
    pub(crate) dropped: BTreeMap<&'static str, u64>,
    pub(crate) noted: BTreeMap<&'static str, u64>,
    /// Where the cursor moved to.
    pub(crate) moved: Option<u64>,
    pub(crate) notes: Vec<Note>,
}

impl Outcome {
    /// The reasons for which the frame was quarantined.
    pub(crate) fn quarantined(&self) -> Vec<&'static str> {
        let reason = |note: &Note| match note {
            Note::Quarantined { reason, .. } => Some(*reason),
            Note::Gap(..) => None,
        };
        self.notes.iter().filter_map(reason).collect()
    }
}

/// Everybody's records of all collections.
pub(crate) fn everything(profile: Profile) -> RepoSettings {
    let collections = CollectionFilter::parse(["*"]).unwrap();
    RepoSettings { profile, collections, ..RepoSettings::default() }
}

type Clock = fn() -> u64;

pub(crate) struct Rig {
    settings: RepoSettings,
    poison: PoisonMemory,
    observer: Arc<Notes>,
    decoder: RepoDecoder<Clock>,
    now: Clock,
}

impl Rig {
    pub(crate) fn new(settings: RepoSettings) -> Self {
        Self::at(settings, || NOW_MICROS)
    }

    /// A rig whose clock says something else than [`NOW_MICROS`].
    pub(crate) fn at(settings: RepoSettings, now: Clock) -> Self {
        let (poison, observer) = (PoisonMemory::default(), Arc::new(Notes::default()));
        let shared: Arc<dyn Observer> = Arc::<Notes>::clone(&observer);
        let decoder = RepoDecoder::new(&settings, Resume::Live, poison.clone(), shared, now);
        Self { settings, poison, observer, decoder, now }
    }

    /// Where the connections began, so far.
    pub(crate) fn began(&self) -> Vec<Began> {
        self.observer.began.lock().unwrap().clone()
    }

    /// Begins a new connection to the same host.
    pub(crate) fn reconnect(&mut self, resume: Resume) {
        let shared: Arc<dyn Observer> = Arc::<Notes>::clone(&self.observer);
        self.decoder = RepoDecoder::new(&self.settings, resume, self.poison.clone(), shared, self.now);
    }

    pub(crate) fn feed(&mut self, frame: &[u8]) -> Outcome {
        self.message(RawMessage::Binary(frame.to_vec().into()))
    }

    pub(crate) fn feed_text(&mut self, text: &[u8]) -> Outcome {
        self.message(RawMessage::Text(text.to_vec().into()))
    }

    /// Feeds one message. Where it does not move the cursor, another decoder takes a sound frame into the same batch,
    /// so that what was counted can be seen; which shows by the way that the batch is as good as before.
    fn message(&mut self, message: RawMessage) -> Outcome {
        let mut batch = OpenBatch::following(None);
        let halt = self.decoder.decode(message, &mut batch).err();
        let notes = self.observer.take();
        let moved = batch.seal(None);
        let is_moved = moved.is_some();
        let batch = moved.unwrap_or_else(|| {
            control(&mut batch);
            batch.seal(None).expect("a sound frame moves the cursor")
        });
        let mut entries: Vec<Value> = batch.entries().map(|entry| read(&entry)).collect();
        let tally = batch.tally();
        let mut written = tally.written.total();
        if !is_moved {
            let last = entries.pop().expect("the sound frame's entry");
            assert_eq!(last["did"], craft::CONTROL_DID);
            written -= 1;
        }
        assert_eq!((tally.frames, written), (1, entries.len() as u64), "written is counted");
        let seq = |cursor: &Cursor| cursor.seq().map(Seq::number);
        Outcome {
            halt,
            entries,
            dropped: counts(&tally.dropped),
            noted: counts(&tally.noted),
            moved: is_moved.then(|| seq(batch.through()).expect("a seq")),
            notes,
        }
    }
}

fn control(batch: &mut OpenBatch) {
    let observer: Arc<dyn Observer> = Arc::new(Notes::default());
    let settings = RepoSettings::default();
    let mut decoder =
        RepoDecoder::new(&settings, Resume::Live, PoisonMemory::default(), observer, || NOW_MICROS);
    decoder.decode(RawMessage::Binary(craft::control(1).into()), batch).expect("a sound frame");
}

pub(crate) fn counts(counts: &Counts) -> BTreeMap<&'static str, u64> {
    counts.iter().collect()
}

/// An entry as JSON, after the contract's reader has found the same in it.
pub(crate) fn read(entry: &[u8]) -> Value {
    let json: Value =
        serde_json::from_slice(entry).unwrap_or_else(|error| panic!("{error}: {}", entry.escape_ascii()));
    let read = Entry::parse(entry).unwrap_or_else(|error| panic!("{error}: {}", entry.escape_ascii()));
    assert_eq!(said(&read), as_the_host_said(json.clone()));
    json
}

/// An entry with the account's status as the host worded it.
fn as_the_host_said(mut json: Value) -> Value {
    let fields = json.as_object_mut().expect("an object");
    if let Some(status) = fields.remove("hostStatus") {
        fields.insert("status".to_owned(), status);
    }
    json
}

fn said(entry: &Entry<'_>) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| assert!(fields.insert(key.to_owned(), value).is_none());
    set("type", entry.kind().as_str().into());
    set("seq", entry.seq.expect("a host's number").into());
    set("time", entry.time.as_ref().into());
    set("did", entry.did.as_ref().into());
    match &entry.event {
        Event::Create(write) | Event::Update(write) => {
            let RecordWrite { commit, rev, collection, rkey, cid, record } = write;
            for (key, text) in
                [("commit", commit), ("rev", rev), ("collection", collection), ("rkey", rkey), ("cid", cid)]
            {
                set(key, text.as_ref().into());
            }
            set("record", record.parse().expect("a record"));
        }
        Event::Delete(delete) => {
            for (key, text) in [
                ("commit", &delete.commit),
                ("rev", &delete.rev),
                ("collection", &delete.collection),
                ("rkey", &delete.rkey),
            ] {
                set(key, text.as_ref().into());
            }
        }
        Event::Identity(identity) => {
            if let Some(handle) = &identity.handle {
                set("handle", handle.as_ref().into());
            }
        }
        Event::Account(account) => {
            set("active", account.active.into());
            set("status", account.status.as_ref().map(AccountStatus::as_str).into());
        }
        Event::Sync(state) | Event::Repo(state) => {
            set("commit", state.commit.as_ref().into());
            set("rev", state.rev.as_ref().into());
        }
    }
    Value::Object(fields)
}
