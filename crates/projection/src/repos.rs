use std::sync::Arc;

use standpipe_cursor::{Resume, Seq};
use standpipe_eventstream::{LegacyKind, RepoMessage};
use standpipe_pipeline::{Decoder, Observer, OpenBatch, RawMessage};
use standpipe_stream_entry::firehose::{FrameHead, Profile};

use crate::entries::Entries;
use crate::reading::Reading;
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
/// explains (`docs/events.md`); what is malformed is also observed as [`Observation::Quarantined`](standpipe_pipeline::Observation::Quarantined), once a frame.
pub struct RepoDecoder<C> {
    dids: DidFilter,
    entries: Entries,
    reading: Reading<C>,
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
            reading: Reading::new(resume, poison, observer, now_micros),
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
        if self.reading.is_stale(seq, batch)? {
            return Ok(());
        }
        let time = match head {
            Err(reason) => {
                batch.dropped(reason);
                ""
            }
            Ok(head) => {
                if self.dids.passes(head.did) {
                    let now_micros = self.reading.now_micros();
                    if let Some(reason) = self.entries.write(&head, message, now_micros, batch) {
                        self.reading.quarantine(reason, Some(seq), bytes);
                    }
                } else {
                    batch.dropped("did_filtered");
                }
                head.time
            }
        };
        self.reading.close(seq, bytes.len(), time, batch);
        Ok(())
    }
}

impl<C: Fn() -> u64 + Send> Decoder for RepoDecoder<C> {
    type Item = RawMessage;
    type Halt = Halt;

    fn decode(&mut self, raw: RawMessage, batch: &mut OpenBatch) -> Result<(), Halt> {
        let Some((bytes, message)) = self.reading.message(&raw, batch)? else { return Ok(()) };
        match RepoMessage::parse(&message) {
            Ok(RepoMessage::Info(info)) => {
                self.reading.info(&info, batch);
                Ok(())
            }
            Ok(message) => self.message(bytes, &message, batch),
            Err(error) => self.reading.unusable(bytes, &error, batch),
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
