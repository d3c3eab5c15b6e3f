use std::convert::Infallible;

use standpipe_eventstream::{
    Account, Change, CheckError, CheckedCommit, Checker, Commit, HandleClaim, HashScope, Identity, Induction,
    RecordNotes, RepoMessage, Sync,
};
use standpipe_pipeline::OpenBatch;
use standpipe_stream_entry::CidText;
use standpipe_stream_entry::firehose::{
    self, CommitHead, EntryWriter, FrameHead, Kind, RecordPath, SyncOutcome,
};

use crate::{CollectionFilter, RepoSettings};

/// Beyond so many bytes of entries, further ops of the same frame are dropped: 16 MiB. A frame's entries are longer
/// by at most one entry.
///
/// Blocks are at most 2 MB, but two hundred ops may all point to the same record.
pub const MAX_FRAME_OUTPUT: usize = 16 * 1024 * 1024;

/// The most bytes of a message's time, which every entry of it repeats, and of an account's status. A datetime has at
/// most 64, the longest known status 14.
const MAX_WORD_LEN: usize = 128;

/// Why a message, or a part of it, does not deserve to be believed.
type Malformed = &'static str;

/// Writes the entries that messages become, and counts what becomes none.
pub(crate) struct Entries {
    collections: CollectionFilter,
    writer: EntryWriter,
    checker: Checker,
}

impl Entries {
    pub(crate) fn new(settings: &RepoSettings) -> Self {
        let hashes = if settings.hash_all_blocks { HashScope::All } else { HashScope::Used };
        Self {
            collections: settings.collections.clone(),
            writer: EntryWriter::new(settings.profile),
            checker: Checker::new(hashes),
        }
    }

    /// Writes what the message says of its account. Returns the reason for which the frame is worth keeping.
    pub(crate) fn write(
        &mut self,
        frame: &FrameHead<'_>,
        message: &RepoMessage<'_>,
        now_micros: u64,
        batch: &mut OpenBatch,
    ) -> Option<Malformed> {
        let written = match message {
            _ if frame.time.len() > MAX_WORD_LEN => Err("time_too_long"),
            RepoMessage::Commit(commit) => self.commit(frame, commit, now_micros, batch),
            RepoMessage::Sync(sync) => self.sync(frame, sync, now_micros, batch),
            RepoMessage::Identity(identity) => Ok(self.identity(frame, identity, batch)),
            RepoMessage::Account(account) => self.account(frame, account, batch),
            RepoMessage::Info(_) | RepoMessage::Legacy { .. } | RepoMessage::Unknown { .. } => Ok(None),
        };
        written.unwrap_or_else(|refused| {
            batch.discard_frame();
            batch.dropped(refused);
            Some(refused)
        })
    }

    fn commit(
        &mut self,
        frame: &FrameHead<'_>,
        commit: &Commit<'_>,
        now_micros: u64,
        batch: &mut OpenBatch,
    ) -> Result<Option<Malformed>, Malformed> {
        let Self { collections, writer, checker } = self;
        checker
            .commit(commit, now_micros)
            .and_then(|checked| write_ops(*writer, collections, frame, &checked, batch))
            .map_err(|error| refused(frame, error))
    }

    fn sync(
        &mut self,
        frame: &FrameHead<'_>,
        sync: &Sync<'_>,
        now_micros: u64,
        batch: &mut OpenBatch,
    ) -> Result<Option<Malformed>, Malformed> {
        let checked = self.checker.sync(sync, now_micros).map_err(|error| refused(frame, error))?;
        if checked.is_over_spec_len {
            batch.noted("sync_over_spec_len");
        }
        let commit = CidText::encode(checked.commit.as_bytes());
        let state = CommitHead { frame: *frame, commit, rev: sync.rev };
        let written = batch.append(Kind::Sync.as_str(), |buffer| match self.writer.sync(buffer, &state) {
            SyncOutcome::Written => Ok(()),
            SyncOutcome::NotInProfile => Err("sync_not_in_profile"),
        });
        if let Err(reason) = written {
            batch.dropped(reason);
        }
        Ok(None)
    }

    fn identity(
        &self,
        frame: &FrameHead<'_>,
        identity: &Identity<'_>,
        batch: &mut OpenBatch,
    ) -> Option<Malformed> {
        if let HandleClaim::Malformed(_) = identity.handle {
            batch.noted("handle_malformed");
        }
        let handle = identity.handle.valid();
        append(batch, Kind::Identity, |buffer| {
            self.writer.identity(buffer, frame, handle.as_ref().map(|handle| handle.as_str()));
        });
        None
    }

    fn account(
        &self,
        frame: &FrameHead<'_>,
        account: &Account<'_>,
        batch: &mut OpenBatch,
    ) -> Result<Option<Malformed>, Malformed> {
        if account.status.is_some_and(|status| status.len() > MAX_WORD_LEN) {
            return Err("status_too_long");
        }
        let standing = firehose::Account { active: account.active, status: account.status.map(Into::into) };
        append(batch, Kind::Account, |buffer| self.writer.account(buffer, frame, &standing));
        Ok(None)
    }
}

/// Writes the ops of a commit one by one. An error takes all of them back.
fn write_ops(
    writer: EntryWriter,
    collections: &CollectionFilter,
    frame: &FrameHead<'_>,
    checked: &CheckedCommit<'_, '_>,
    batch: &mut OpenBatch,
) -> Result<Option<Malformed>, CheckError> {
    let commit = checked.message();
    let head =
        CommitHead { frame: *frame, commit: CidText::encode(commit.commit.as_bytes()), rev: commit.rev };
    if checked.induction() == Induction::Legacy {
        batch.noted("legacy_commit");
    }
    if commit.ops().len() == 0 {
        batch.dropped("commit_without_ops");
    }
    let mut malformed = None;
    let mut drop_malformed = |batch: &mut OpenBatch, reason| {
        batch.dropped(reason);
        malformed = Some(reason);
    };
    for op in checked.ops() {
        let op = match op {
            Ok(op) => op,
            Err(bad_path) => {
                drop_malformed(batch, bad_path.error.label());
                continue;
            }
        };
        let path = RecordPath { collection: op.path.collection.as_str(), rkey: op.path.rkey.as_str() };
        if !collections.passes(path.collection) {
            batch.dropped("collection_filtered");
            continue;
        }
        if batch.frame_output() > MAX_FRAME_OUTPUT {
            drop_malformed(batch, "frame_output_too_long");
            continue;
        }
        let (kind, cid) = match op.change {
            Change::Create { cid } => (Kind::Create, cid),
            Change::Update { cid, .. } => (Kind::Update, cid),
            Change::Delete { .. } => {
                append(batch, Kind::Delete, |buffer| writer.delete(buffer, &head, &path));
                continue;
            }
        };
        let record = checked.record(cid)?;
        let cid = CidText::encode(cid.as_bytes());
        let mut notes = RecordNotes::default();
        let written = batch.append(kind.as_str(), |buffer| {
            let write_record = |buffer: &mut Vec<u8>| record.write_json(buffer).map(|said| notes = said);
            if kind == Kind::Create {
                writer.create(buffer, &head, &path, &cid, write_record)
            } else {
                writer.update(buffer, &head, &path, &cid, write_record)
            }
        });
        if let Err(error) = written {
            drop_malformed(batch, error.label());
        }
        if notes.ambiguous_keys > 0 {
            batch.noted("record_ambiguous_keys");
        }
        if notes.is_over_spec_len {
            batch.noted("record_over_spec_len");
        }
    }
    Ok(malformed)
}

fn refused(frame: &FrameHead<'_>, error: CheckError) -> Malformed {
    tracing::debug!(%error, seq = frame.seq, "refused a message");
    error.label()
}

/// Appends an entry that cannot fail.
fn append(batch: &mut OpenBatch, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
    let Ok(()) = batch.append(kind.as_str(), |buffer| {
        write(buffer);
        Ok::<(), Infallible>(())
    });
}
