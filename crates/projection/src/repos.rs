use std::sync::Arc;

use standpipe_cursor::{Resume, Seq};
use standpipe_eventstream::{FieldFault, Frame, Info, LegacyKind, MessageError, RepoMessage, SchemaError};
use standpipe_pipeline::{Decoder, Observation, Observer, OpenBatch, RawMessage};
use standpipe_stream_entry::firehose::{FrameHead, Profile};

use crate::entries::Entries;
use crate::poison::Sight;
use crate::sequence::{Age, Sequence};
use crate::{CollectionFilter, DidFilter, Halt, PoisonMemory};

/// What becomes of the messages of `com.atproto.sync.subscribeRepos`.
#[derive(Clone, Debug, Default)]
pub struct RepoSettings {
    /// Which entries are written.
    pub profile: Profile,
    /// Records of which collections become entries.
    pub collections: CollectionFilter,
    /// Whose messages become entries.
    pub dids: DidFilter,
    /// Whether every block of a commit is hashed, instead of the commit object and the records that are written.
    /// Costs about ten times as much, and matters only to what looks at the rest of the tree.
    pub hash_all_blocks: bool,
}

/// Turns frames of `com.atproto.sync.subscribeRepos` into entries of `firehose_live`, on one connection.
///
/// `C` tells the time in microseconds since 1970; revisions from the future are refused by it.
///
/// Everything that is not written is counted in the batch by a reason, a closed set of words that the page on entries
/// explains (`docs/events.md`); what is malformed is also observed as [`Observation::Quarantined`], once a frame.
pub struct RepoDecoder<C> {
    dids: DidFilter,
    entries: Entries,
    sequence: Sequence,
    /// No frame of this connection was news yet.
    has_to_begin: bool,
    poison: PoisonMemory,
    observer: Arc<dyn Observer>,
    now_micros: C,
}

impl<C: Fn() -> u64 + Send> RepoDecoder<C> {
    /// A decoder for a connection that was resumed there. `poison` outlives the connection.
    pub fn new(
        settings: &RepoSettings,
        resume: Resume,
        poison: PoisonMemory,
        observer: Arc<dyn Observer>,
        now_micros: C,
    ) -> Self {
        Self {
            dids: settings.dids.clone(),
            entries: Entries::new(settings),
            sequence: Sequence::resumed(resume),
            has_to_begin: true,
            poison,
            observer,
            now_micros,
        }
    }

    /// A message with a sound body.
    fn message(
        &mut self,
        bytes: &[u8],
        message: &RepoMessage<'_>,
        batch: &mut OpenBatch,
    ) -> Result<(), Halt> {
        let head = head_of(message);
        let Some(seq) = message.seq().and_then(Seq::new) else {
            batch.dropped(head.err().unwrap_or("field_range"));
            return Ok(());
        };
        if self.is_stale(seq, batch)? {
            return Ok(());
        }
        let time = match head {
            Err(reason) => {
                batch.dropped(reason);
                ""
            }
            Ok(head) => {
                if self.dids.passes(head.did) {
                    if let Some(reason) = self.entries.write(&head, message, (self.now_micros)(), batch) {
                        self.quarantine(reason, Some(seq), bytes);
                    }
                } else {
                    batch.dropped("did_filtered");
                }
                head.time
            }
        };
        self.began(seq, time);
        batch.close_frame(seq, bytes.len(), time);
        Ok(())
    }

    /// A message with a wrong field.
    fn unusable(&mut self, bytes: &[u8], error: &SchemaError, batch: &mut OpenBatch) -> Result<(), Halt> {
        let seq = error.seq.and_then(Seq::new);
        if let Some(seq) = seq
            && self.is_stale(seq, batch)?
        {
            return Ok(());
        }
        tracing::debug!(%error, seq = error.seq, "dropped a message");
        let reason = field_label(error.fault);
        batch.dropped(reason);
        self.quarantine(reason, seq, bytes);
        if let Some(seq) = seq {
            self.began(seq, "");
            batch.close_frame(seq, bytes.len(), "");
        }
        Ok(())
    }

    /// A frame of which nothing can be used, not even its seq.
    fn unreadable(&self, bytes: &[u8], reason: &'static str, batch: &mut OpenBatch) -> Result<(), Halt> {
        let halt = match self.poison.meet(bytes, (self.now_micros)()) {
            Sight::First => Halt::UnreadableFrame { reason },
            Sight::Babble(count) => Halt::Babble { count },
            Sight::Again => {
                tracing::warn!(reason, bytes = bytes.len(), "skipped an unreadable frame that came again");
                batch.dropped("unreadable_frame");
                return Ok(());
            }
        };
        self.quarantine(reason, None, bytes);
        Err(halt)
    }

    fn info(&self, info: &Info<'_>, batch: &mut OpenBatch) {
        if info.name == "OutdatedCursor" {
            batch.dropped("info_outdated_cursor");
            let from = self.sequence.asked();
            let gap = Observation::Gap { reason: "outdated_cursor", from, to: None, time: "" };
            self.observer.observe(gap);
        } else {
            batch.dropped("info_other");
        }
    }

    /// Whether the frame was read before. Then it has been counted, and the cursor stays where it is.
    fn is_stale(&mut self, seq: Seq, batch: &mut OpenBatch) -> Result<bool, Halt> {
        let age = self.sequence.judge(seq)?;
        if age == Age::Stale {
            batch.dropped("stale_seq");
        }
        Ok(age == Age::Stale)
    }

    /// Tells of the connection's first frame that is news.
    fn began(&mut self, seq: Seq, time: &str) {
        if std::mem::take(&mut self.has_to_begin) {
            self.observer.observe(Observation::Began { after: self.sequence.asked(), seq, time });
        }
    }

    fn quarantine(&self, reason: &'static str, seq: Option<Seq>, frame: &[u8]) {
        self.observer.observe(Observation::Quarantined { reason, seq: seq.map(Seq::number), frame });
    }
}

impl<C: Fn() -> u64 + Send> Decoder for RepoDecoder<C> {
    type Item = RawMessage;
    type Halt = Halt;

    fn decode(&mut self, message: RawMessage, batch: &mut OpenBatch) -> Result<(), Halt> {
        let bytes = match message {
            RawMessage::Binary(bytes) => bytes,
            RawMessage::Text(bytes) => return self.unreadable(&bytes, "text_message", batch),
        };
        let message = match Frame::parse(&bytes) {
            Ok(Frame::Message(message)) => message,
            Ok(Frame::Error(error)) => return Err(Halt::of_stream_error(&error)),
            Ok(Frame::Unknown(unknown)) => {
                batch.dropped(unknown.label());
                return Ok(());
            }
            Err(error) => return self.unreadable(&bytes, error.label(), batch),
        };
        match RepoMessage::parse(&message) {
            Ok(RepoMessage::Info(info)) => {
                self.info(&info, batch);
                Ok(())
            }
            Ok(message) => self.message(&bytes, &message, batch),
            Err(MessageError::Frame(error)) => self.unreadable(&bytes, error.label(), batch),
            Err(MessageError::Schema(error)) => self.unusable(&bytes, &error, batch),
        }
    }
}

/// What the entries of a message begin with, or why it has none.
fn head_of<'a>(message: &RepoMessage<'a>) -> Result<FrameHead<'a>, &'static str> {
    let (seq, time, did) = match message {
        RepoMessage::Commit(commit) => (commit.seq, commit.time, commit.repo),
        RepoMessage::Sync(sync) => (sync.seq, sync.time, sync.did),
        RepoMessage::Identity(identity) => (identity.seq, identity.time, identity.did),
        RepoMessage::Account(account) => (account.seq, account.time, account.did),
        RepoMessage::Info(_) => return Err("info_other"),
        RepoMessage::Legacy { kind: LegacyKind::Handle, .. } => return Err("legacy_handle"),
        RepoMessage::Legacy { kind: LegacyKind::Migrate, .. } => return Err("legacy_migrate"),
        RepoMessage::Legacy { kind: LegacyKind::Tombstone, .. } => return Err("legacy_tombstone"),
        RepoMessage::Unknown { .. } => return Err("unknown_kind"),
    };
    Ok(FrameHead { seq, time, did: did.as_str() })
}

/// The reason that is counted for a message with a wrong field.
fn field_label(fault: FieldFault) -> &'static str {
    match fault {
        FieldFault::Missing => "field_missing",
        FieldFault::WrongType => "field_wrong_type",
        FieldFault::Syntax => "field_syntax",
        FieldFault::Range => "field_range",
        FieldFault::DidMethod => "field_did_method",
    }
}
