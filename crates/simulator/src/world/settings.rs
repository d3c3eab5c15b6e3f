//! What a world is made of.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

/// Everything that a [`World`](crate::World) is a function of. Two worlds with equal settings are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorldSettings {
    /// The seed of all that is random.
    pub seed: u64,
    /// How many accounts there are. Each has one frame in every `accounts` consecutive frames.
    pub accounts: NonZeroU32,
    /// The seq of the first frame.
    pub first_seq: u64,
    /// 1: seqs are contiguous. k: frame n has a seq between `first_seq + n*k` and `first_seq + n*k + k - 1`,
    /// so the steps from one seq to the next lie between 1 and `2k - 1`.
    pub seq_stride: NonZeroU64,
    /// How often each kind of frame occurs.
    pub mix: Mix,
    /// How large commit frames are.
    pub frame_size: FrameSize,
    /// The time of the first frame, in milliseconds since 1970.
    pub epoch_millis: u64,
    /// The time between two frames: `time` and `rev` rise by it. At least a microsecond.
    pub spacing: Duration,
}

impl Default for WorldSettings {
    /// Seed 1, a thousand accounts, contiguous seqs from 1, the mix of a relay, lean frames, from the
    /// beginning of 2026 at 500 frames a second.
    fn default() -> Self {
        Self {
            seed: 1,
            accounts: NonZeroU32::MIN.saturating_add(999),
            first_seq: 1,
            seq_stride: NonZeroU64::MIN,
            mix: Mix::default(),
            frame_size: FrameSize::Lean,
            epoch_millis: 1_767_225_600_000,
            spacing: Duration::from_millis(2),
        }
    }
}

/// How large commit frames are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSize {
    /// The record, the tree's root and the commit, nothing else: about one kilobyte.
    Lean,
    /// Padded with blocks that look like tree nodes, as proofs are on the wire, up to a size between half
    /// and one and a half times this mean. Relays send a mean of about 5,400 bytes.
    Mean(u32),
}

/// How often each kind of frame occurs, as weights; they need not add up to anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Commits that create one record.
    pub create: u32,
    /// Commits that update one record.
    pub update: u32,
    /// Commits that delete one record.
    pub delete: u32,
    /// Commits with 2 to 20 ops of all actions.
    pub many: u32,
    /// Commits without ops.
    pub empty: u32,
    /// `#identity`, with and without a handle.
    pub identity: u32,
    /// `#account`, with every status.
    pub account: u32,
    /// `#sync`.
    pub sync: u32,
    /// `#handle`, `#migrate` and `#tombstone`: no longer in the lexicon, still sent by old software.
    pub legacy: u32,
    /// Frames with a `t` that no lexicon knows.
    pub unknown: u32,
    /// Percentage of records in collections outside `app.bsky.*` and `chat.bsky.*`.
    pub foreign_percent: u8,
}

impl Default for Mix {
    /// About what a relay sends: nearly everything creates one record.
    fn default() -> Self {
        Self {
            create: 890,
            update: 20,
            delete: 40,
            many: 15,
            empty: 5,
            identity: 10,
            account: 10,
            sync: 4,
            legacy: 3,
            unknown: 3,
            foreign_percent: 5,
        }
    }
}

impl Mix {
    /// Nothing but commits that create one record.
    #[must_use]
    pub fn creates_only() -> Self {
        let none = Self::default();
        Self {
            create: 1,
            update: 0,
            delete: 0,
            many: 0,
            empty: 0,
            identity: 0,
            account: 0,
            sync: 0,
            legacy: 0,
            unknown: 0,
            foreign_percent: none.foreign_percent,
        }
    }

    /// Every kind equally often, and a third of the records foreign: a short stream that has seen it all.
    #[must_use]
    pub fn even() -> Self {
        Self {
            create: 1,
            update: 1,
            delete: 1,
            many: 1,
            empty: 1,
            identity: 1,
            account: 1,
            sync: 1,
            legacy: 1,
            unknown: 1,
            foreign_percent: 33,
        }
    }

    /// The kind at a point of the total weight; `point` may be any number.
    pub(crate) fn pick(&self, point: u64) -> Kind {
        let weights = [
            (Kind::Create, self.create),
            (Kind::Update, self.update),
            (Kind::Delete, self.delete),
            (Kind::Many, self.many),
            (Kind::Empty, self.empty),
            (Kind::Identity, self.identity),
            (Kind::Account, self.account),
            (Kind::Sync, self.sync),
            (Kind::Legacy, self.legacy),
            (Kind::Unknown, self.unknown),
        ];
        let total: u64 = weights.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = point % total.max(1);
        for (kind, weight) in weights {
            match left.checked_sub(u64::from(weight)) {
                Some(rest) => left = rest,
                None => return kind,
            }
        }
        Kind::Create
    }
}

/// What a frame is, before anything else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Create,
    Update,
    Delete,
    Many,
    Empty,
    Identity,
    Account,
    Sync,
    Legacy,
    Unknown,
}

impl Kind {
    pub(crate) fn is_commit(self) -> bool {
        match self {
            Self::Create | Self::Update | Self::Delete | Self::Many | Self::Empty => true,
            Self::Identity | Self::Account | Self::Sync | Self::Legacy | Self::Unknown => false,
        }
    }
}
