use std::convert::Infallible;
use std::sync::Arc;

use standpipe_cursor::{Resume, Seq};
use standpipe_eventstream::{
    Account, Change, CheckError, CheckedCommit, Checker, Commit, Frame, HandleClaim, HashScope, Identity,
    Induction, Info, MessageError, RecordError, RepoMessage, Sync,
};
use standpipe_pipeline::{Decoder, Observation, Observer, OpenBatch, RawMessage};
use standpipe_stream_entry::CidText;
use standpipe_stream_entry::firehose::{
    self, CommitHead, EntryWriter, FrameHead, Kind, Profile, RecordPath, SyncOutcome,
};

use crate::poison::Sight;
use crate::sequence::{Age, Sequence};
use crate::{CollectionFilter, DidFilter, Halt, PoisonMemory};

/// The most bytes of entries that one frame may become. Blocks are at most 2 MB, but two hundred ops may all point
/// to the same record; ops beyond this are dropped.
pub const MAX_FRAME_OUTPUT: usize = 16 * 1024 * 1024;

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
pub struct RepoDecoder<C> {
    collections: CollectionFilter,
    dids: DidFilter,
    writer: EntryWriter,
    checker: Checker,
    sequence: Sequence,
    poison: PoisonMemory,
    observer: Arc<dyn Observer>,
    now_micros: C,
}

/// A frame while it is decoded.
#[derive(Clone, Copy)]
struct Received<'a> {
    bytes: &'a [u8],
    seq: Seq,
    time: &'a str,
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
        let hashes = if settings.hash_all_blocks { HashScope::All } else { HashScope::Used };
        Self {
            collections: settings.collections.clone(),
            dids: settings.dids.clone(),
            writer: EntryWriter::new(settings.profile),
            checker: Checker::new(hashes),
            sequence: Sequence::resumed(resume),
            poison,
            observer,
            now_micros,
        }
    }

    /// A frame of which nothing can be used, not even its seq.
    fn unreadable(&self, reason: &'static str, frame: &[u8], batch: &mut OpenBatch) -> Result<(), Halt> {
        self.observer.observe(Observation::Quarantined { reason, seq: None, frame });
        match self.poison.meet(frame, (self.now_micros)()) {
            Sight::First => Err(Halt::UnreadableFrame { reason }),
            Sight::Babble(count) => Err(Halt::Babble { count }),
            Sight::Again => {
                tracing::warn!(reason, bytes = frame.len(), "skipped an unreadable frame that came again");
                batch.dropped("unreadable_frame");
                Ok(())
            }
        }
    }

    /// A frame that is dropped whole and kept in quarantine.
    fn quarantine(&self, reason: &'static str, frame: &Received<'_>, batch: &mut OpenBatch) {
        batch.discard_frame();
        batch.dropped(reason);
        self.observe_quarantined(reason, frame);
    }

    fn observe_quarantined(&self, reason: &'static str, frame: &Received<'_>) {
        let seq = Some(frame.seq.number());
        self.observer.observe(Observation::Quarantined { reason, seq, frame: frame.bytes });
    }

    fn message(
        &mut self,
        bytes: &[u8],
        message: &RepoMessage<'_>,
        batch: &mut OpenBatch,
    ) -> Result<(), Halt> {
        let (number, time, did) = match message {
            RepoMessage::Info(info) => {
                self.info(info, batch);
                return Ok(());
            }
            RepoMessage::Commit(commit) => (Some(commit.seq), commit.time, Some(commit.repo)),
            RepoMessage::Sync(sync) => (Some(sync.seq), sync.time, Some(sync.did)),
            RepoMessage::Identity(identity) => (Some(identity.seq), identity.time, Some(identity.did)),
            RepoMessage::Account(account) => (Some(account.seq), account.time, Some(account.did)),
            RepoMessage::Legacy { seq, .. } | RepoMessage::Unknown { seq, .. } => (*seq, "", None),
        };
        let Some(seq) = number.and_then(Seq::new) else {
            batch.dropped(skipped_label(message));
            return Ok(());
        };
        if self.sequence.judge(seq)? == Age::Stale {
            batch.dropped("stale_seq");
            return Ok(());
        }
        let frame = Received { bytes, seq, time };
        match message {
            _ if did.is_some_and(|did| !self.dids.passes(did.as_str())) => batch.dropped("did_filtered"),
            RepoMessage::Commit(commit) => self.commit(&frame, commit, batch),
            RepoMessage::Sync(sync) => self.sync(&frame, sync, batch),
            RepoMessage::Identity(identity) => self.identity(&frame, identity, batch),
            RepoMessage::Account(account) => self.account(&frame, account, batch),
            RepoMessage::Info(_) | RepoMessage::Legacy { .. } | RepoMessage::Unknown { .. } => {
                batch.dropped(skipped_label(message));
            }
        }
        batch.close_frame(seq, bytes.len(), time);
        Ok(())
    }

    fn commit(&mut self, frame: &Received<'_>, commit: &Commit<'_>, batch: &mut OpenBatch) {
        // The checker is borrowed by what it has checked; a fresh one costs nothing, and its memory comes back below.
        let mut checker = std::mem::take(&mut self.checker);
        let written = match checker.commit(commit, (self.now_micros)()) {
            Ok(checked) => self.ops(frame, &checked, batch),
            Err(error) => Err(error),
        };
        self.checker = checker;
        if let Err(error) = written {
            tracing::debug!(%error, seq = frame.seq.number(), "dropped a commit");
            self.quarantine(error.label(), frame, batch);
        }
    }

    fn ops(
        &self,
        frame: &Received<'_>,
        checked: &CheckedCommit<'_, '_>,
        batch: &mut OpenBatch,
    ) -> Result<(), CheckError> {
        let commit = checked.message();
        let head = CommitHead {
            frame: frame.head(commit.repo.as_str()),
            commit: CidText::encode(commit.commit.as_bytes()),
            rev: commit.rev,
        };
        if checked.induction() == Induction::Legacy {
            batch.noted("legacy_commit");
        }
        let mut op_count = 0;
        let mut malformed = None;
        for op in checked.ops() {
            op_count += 1;
            let op = match op {
                Ok(op) => op,
                Err(bad_path) => {
                    batch.dropped(bad_path.error.label());
                    malformed = Some(bad_path.error.label());
                    continue;
                }
            };
            let path = RecordPath { collection: op.path.collection.as_str(), rkey: op.path.rkey.as_str() };
            if !self.collections.passes(path.collection) {
                batch.dropped("collection_filtered");
                continue;
            }
            if batch.frame_output() > MAX_FRAME_OUTPUT {
                batch.dropped("frame_output_too_long");
                continue;
            }
            let written = match op.change {
                Change::Create { cid } => {
                    let record = checked.record(cid)?;
                    let cid = CidText::encode(cid.as_bytes());
                    batch.append(Kind::Create.as_str(), |buffer| {
                        self.writer
                            .create(buffer, &head, &path, &cid, |buffer| record.write_json(buffer).map(drop))
                    })
                }
                Change::Update { cid, .. } => {
                    let record = checked.record(cid)?;
                    let cid = CidText::encode(cid.as_bytes());
                    batch.append(Kind::Update.as_str(), |buffer| {
                        self.writer
                            .update(buffer, &head, &path, &cid, |buffer| record.write_json(buffer).map(drop))
                    })
                }
                Change::Delete { .. } => batch.append(Kind::Delete.as_str(), |buffer| {
                    self.writer.delete(buffer, &head, &path);
                    Ok::<(), RecordError>(())
                }),
            };
            if let Err(error) = written {
                batch.dropped(error.label());
                malformed = Some(error.label());
            }
        }
        if op_count == 0 {
            batch.dropped("commit_without_ops");
        }
        if let Some(reason) = malformed {
            self.observe_quarantined(reason, frame);
        }
        Ok(())
    }

    fn sync(&mut self, frame: &Received<'_>, sync: &Sync<'_>, batch: &mut OpenBatch) {
        let checked = match self.checker.sync(sync, (self.now_micros)()) {
            Ok(checked) => checked,
            Err(error) => return self.quarantine(error.label(), frame, batch),
        };
        if checked.is_over_spec_len {
            batch.noted("sync_over_spec_len");
        }
        let head = CommitHead {
            frame: frame.head(sync.did.as_str()),
            commit: CidText::encode(checked.commit.as_bytes()),
            rev: sync.rev,
        };
        let written = batch.append(Kind::Sync.as_str(), |buffer| match self.writer.sync(buffer, &head) {
            SyncOutcome::Written => Ok(()),
            SyncOutcome::NotInProfile => Err("sync_not_in_profile"),
        });
        if let Err(reason) = written {
            batch.dropped(reason);
        }
    }

    fn identity(&self, frame: &Received<'_>, identity: &Identity<'_>, batch: &mut OpenBatch) {
        if let HandleClaim::Malformed(_) = identity.handle {
            batch.noted("handle_malformed");
        }
        let handle = identity.handle.valid();
        append(batch, Kind::Identity, |buffer| {
            let handle = handle.as_ref().map(|handle| handle.as_str());
            self.writer.identity(buffer, &frame.head(identity.did.as_str()), handle);
        });
    }

    fn account(&self, frame: &Received<'_>, account: &Account<'_>, batch: &mut OpenBatch) {
        let state = firehose::Account { active: account.active, status: account.status.map(Into::into) };
        append(batch, Kind::Account, |buffer| {
            self.writer.account(buffer, &frame.head(account.did.as_str()), &state);
        });
    }

    fn info(&self, info: &Info<'_>, batch: &mut OpenBatch) {
        if info.name == "OutdatedCursor" {
            batch.noted("info_outdated_cursor");
            self.observer.observe(Observation::Gap { reason: "outdated_cursor" });
        } else {
            batch.noted("info_other");
        }
    }
}

impl<C: Fn() -> u64 + Send> Decoder for RepoDecoder<C> {
    type Item = RawMessage;
    type Halt = Halt;

    fn decode(&mut self, message: RawMessage, batch: &mut OpenBatch) -> Result<(), Halt> {
        let bytes = match message {
            RawMessage::Binary(bytes) => bytes,
            RawMessage::Text(bytes) => return self.unreadable("text_message", &bytes, batch),
        };
        let message = match Frame::parse(&bytes) {
            Ok(Frame::Message(message)) => message,
            Ok(Frame::Error(error)) => return Err(Halt::of_stream_error(&error)),
            Ok(Frame::Unknown(unknown)) => {
                batch.dropped(unknown.label());
                return Ok(());
            }
            Err(error) => return self.unreadable(error.label(), &bytes, batch),
        };
        match RepoMessage::parse(&message) {
            Ok(message) => self.message(&bytes, &message, batch),
            Err(MessageError::Frame(error)) => self.unreadable(error.label(), &bytes, batch),
            Err(MessageError::Schema(error)) => {
                let seq = error.seq.and_then(Seq::new);
                let reason = error.label();
                if let Some(seq) = seq
                    && self.sequence.judge(seq)? == Age::Stale
                {
                    batch.dropped("stale_seq");
                    return Ok(());
                }
                tracing::debug!(%error, "dropped a message");
                batch.dropped(reason);
                let seq_number = seq.map(Seq::number);
                self.observer.observe(Observation::Quarantined { reason, seq: seq_number, frame: &bytes });
                if let Some(seq) = seq {
                    batch.close_frame(seq, bytes.len(), "");
                }
                Ok(())
            }
        }
    }
}

impl<'a> Received<'a> {
    fn head<'h>(&self, did: &'h str) -> FrameHead<'h>
    where
        'a: 'h,
    {
        FrameHead { seq: self.seq.number(), time: self.time, did }
    }
}

/// Appends an entry that cannot fail.
fn append(batch: &mut OpenBatch, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let Ok(()) = batch.append(kind.as_str(), |buffer| {
        write(buffer);
        Ok::<(), Infallible>(())
    });
}

/// Why a message of a kind without entries is dropped.
fn skipped_label(message: &RepoMessage<'_>) -> &'static str {
    match message {
        RepoMessage::Legacy { kind, .. } => match kind {
            standpipe_eventstream::LegacyKind::Handle => "legacy_handle",
            standpipe_eventstream::LegacyKind::Migrate => "legacy_migrate",
            standpipe_eventstream::LegacyKind::Tombstone => "legacy_tombstone",
        },
        RepoMessage::Unknown { .. } => "unknown_kind",
        RepoMessage::Commit(_)
        | RepoMessage::Sync(_)
        | RepoMessage::Identity(_)
        | RepoMessage::Account(_)
        | RepoMessage::Info(_) => "seq_out_of_range",
    }
}
