//! A seeded world in which every frame is a pure function of the settings and its number.

mod event;
mod record;
mod repo;
mod settings;
mod text;
mod timeline;
mod tree;

use std::sync::Arc;

use fastrand::Rng;

pub use self::event::{Change, Event, Place};
use self::repo::Op;
pub(crate) use self::settings::Kind;
pub use self::settings::{FrameSize, Mix, WorldSettings};
pub(crate) use self::timeline::Stream;
use self::timeline::Timeline;
pub(crate) use self::timeline::datetime;
use crate::encode::car::{Block, car};
use crate::encode::{Value, frame, radix};

/// A seeded world of accounts and what they do, as one endless sequence of frames.
///
/// Nothing is stored: frame number `index` (from 0) is computed from the settings whenever it is asked for,
/// and so is what must come of it. Cloning is cheap.
///
/// Commits have the structure of real ones (a signed-looking commit, CAR, CIDs that are true, `since`,
/// `prevData` and `prev` that lead back to the account's frames before), with two exceptions: the signature
/// is 64 bytes of filler, and the trees are made up.
#[derive(Clone, Debug)]
pub struct World {
    settings: Arc<WorldSettings>,
    timeline: Timeline,
}

impl World {
    /// Makes the world that these settings stand for.
    #[must_use]
    pub fn new(settings: WorldSettings) -> Self {
        Self { timeline: Timeline::new(&settings), settings: Arc::new(settings) }
    }

    /// What the world was made from.
    #[must_use]
    pub fn settings(&self) -> &WorldSettings {
        &self.settings
    }

    /// The seq of frame number `index`.
    #[must_use]
    pub fn seq_at(&self, index: u64) -> u64 {
        self.timeline.seq_at(index)
    }

    /// The number of the frame with this seq; `None` where the seq falls into a gap.
    #[must_use]
    pub fn index_of(&self, seq: u64) -> Option<u64> {
        self.timeline.index_of(seq)
    }

    /// The number of the first frame whose seq is above `cursor`.
    #[must_use]
    pub fn index_after(&self, cursor: u64) -> u64 {
        self.timeline.index_after(cursor)
    }

    /// The frame with this seq as it is on the wire; `None` where the seq falls into a gap.
    #[must_use]
    pub fn frame(&self, seq: u64) -> Option<Vec<u8>> {
        self.index_of(seq).map(|index| self.frame_at(index))
    }

    /// What an ingester must make of the frame with this seq, in order; `None` where the seq falls into a
    /// gap, and nothing for frames that say nothing (empty commits, legacy and unknown types).
    #[must_use]
    pub fn expected(&self, seq: u64) -> Option<Vec<Event>> {
        self.index_of(seq).map(|index| self.expected_at(index))
    }

    /// Frame number `index` as it is on the wire.
    #[must_use]
    pub fn frame_at(&self, index: u64) -> Vec<u8> {
        let (t, body) = self.message(index);
        frame::message(t, &body)
    }

    /// What an ingester must make of frame number `index`: derived from the values that the frame encodes,
    /// never by decoding it.
    pub fn expected_at(&self, index: u64) -> Vec<Event> {
        let changes = match self.kind(index) {
            Kind::Create | Kind::Update | Kind::Delete | Kind::Many | Kind::Empty => {
                self.record_changes(index)
            }
            Kind::Identity => vec![Change::Identity { handle: self.handle(index) }],
            Kind::Account => {
                let (active, status) = self.standing(index);
                vec![Change::Account { active, status: status.map(String::from) }]
            }
            Kind::Sync => {
                let commit = self.commit_block(index, &self.root_block(index)).cid.to_string();
                vec![Change::Sync { rev: self.timeline.rev_at(index), commit }]
            }
            Kind::Legacy | Kind::Unknown => Vec::new(),
        };
        let (seq, time, did) = (self.seq_at(index), self.timeline.time_at(index), self.did(index));
        changes
            .into_iter()
            .map(|change| Event { seq, time: time.clone(), did: did.clone(), change })
            .collect()
    }

    /// The DID that frame number `index` belongs to.
    #[must_use]
    pub fn did(&self, index: u64) -> String {
        self.account_did(self.timeline.account_at(index))
    }

    /// The DID of account number `account`, from 0.
    #[must_use]
    pub fn account_did(&self, account: u64) -> String {
        if account % 50 == 49 {
            return format!("did:web:account-{account}.example.com");
        }
        let mut rng = self.rng(Stream::Name, account);
        let bytes: [u8; 15] = std::array::from_fn(|_| rng.u8(..));
        format!("did:plc:{}", radix::base32(&bytes))
    }

    /// When frame number `index` came to be, in milliseconds since 1970.
    pub(crate) fn millis_at(&self, index: u64) -> u64 {
        self.timeline.micros_at(index) / 1000
    }

    fn kind(&self, index: u64) -> Kind {
        self.settings.mix.pick(self.rng(Stream::Kind, index).u64(..))
    }

    pub(crate) fn rng(&self, stream: Stream, at: u64) -> Rng {
        self.timeline.rng(stream, at)
    }

    fn message(&self, index: u64) -> (&'static str, Value) {
        match self.kind(index) {
            Kind::Create | Kind::Update | Kind::Delete | Kind::Many | Kind::Empty => {
                ("#commit", self.commit_message(index))
            }
            Kind::Identity => {
                let handle = self.handle(index).map(|handle| ("handle", handle.into()));
                ("#identity", self.about_account(index, handle))
            }
            Kind::Account => {
                let (active, status) = self.standing(index);
                let status = status.map(|status| ("status", status.into()));
                ("#account", self.about_account(index, [("active", active.into())].into_iter().chain(status)))
            }
            Kind::Sync => {
                let commit = self.commit_block(index, &self.root_block(index));
                let blocks = Value::Bytes(car(commit.cid, [&commit]));
                let rev = self.timeline.rev_at(index).into();
                ("#sync", self.about_account(index, [("blocks", blocks), ("rev", rev)]))
            }
            Kind::Legacy => match index % 3 {
                0 => {
                    let handle = text::handle(self.timeline.account_at(index)).into();
                    ("#handle", self.about_account(index, [("handle", handle)]))
                }
                1 => ("#migrate", self.about_account(index, [("migrateTo", Value::Null)])),
                _ => ("#tombstone", self.about_account(index, [])),
            },
            Kind::Unknown => {
                let later = Value::map([("maybe", Value::list([Value::Null, "later".into()]))]);
                ("#yetToCome", self.about_account(index, [("payload", later)]))
            }
        }
    }

    fn about_account(&self, index: u64, rest: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
        let common = [
            ("seq", integer(self.seq_at(index))),
            ("did", self.did(index).into()),
            ("time", self.timeline.time_at(index).into()),
        ];
        Value::map(common.into_iter().chain(rest))
    }

    fn handle(&self, index: u64) -> Option<String> {
        match self.rng(Stream::Account, index).u8(0..3) {
            0 => None,
            1 => Some("handle.invalid".to_owned()),
            _ => Some(text::handle(self.timeline.account_at(index))),
        }
    }

    fn standing(&self, index: u64) -> (bool, Option<&'static str>) {
        const STANDINGS: [(bool, Option<&str>); 9] = [
            (true, None),
            (false, Some("takendown")),
            (false, Some("suspended")),
            (false, Some("deleted")),
            (false, Some("deactivated")),
            (true, Some("desynchronized")),
            (true, Some("throttled")),
            (false, Some("inactive")),
            (false, None),
        ];
        STANDINGS[self.rng(Stream::Account, index).usize(..STANDINGS.len())]
    }

    /// The tree's root after the last commit up to frame `index`.
    fn root_block(&self, index: u64) -> Block {
        if self.kind(index) != Kind::Empty && self.kind(index).is_commit() {
            return self.root_with(index, &self.ops(index));
        }
        match self.commit_before(index) {
            Some(before) => self.root_block(before),
            None => tree::empty_root(),
        }
    }

    /// The root after a commit with these ops.
    fn root_with(&self, index: u64, ops: &[Op]) -> Block {
        if ops.is_empty() {
            return self.root_block(index);
        }
        let written = ops.iter().filter_map(|op| Some((op.path(), op.block.as_ref()?.cid)));
        tree::root(&mut self.rng(Stream::Tree, index), written)
    }

    /// The account's last commit before frame `index`, as far back as is looked.
    fn commit_before(&self, index: u64) -> Option<u64> {
        (1..=32)
            .map_while(|rounds| self.timeline.earlier(index, rounds))
            .find(|before| self.kind(*before).is_commit())
    }
}

/// A seq as a value. Seqs are below 2^53.
fn integer(seq: u64) -> Value {
    Value::Int(seq.cast_signed())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_frame_depends_on_nothing_but_settings_and_index() {
        let settings =
            WorldSettings { mix: Mix::even(), frame_size: FrameSize::Mean(5400), ..Default::default() };
        let forwards: Vec<_> = {
            let world = World::new(settings.clone());
            (0..300).map(|i| world.frame_at(i)).collect()
        };
        let world = World::new(settings.clone());
        for index in (0..300).rev() {
            assert_eq!(world.frame_at(index), forwards[usize::try_from(index).unwrap()]);
            assert_eq!(world.expected_at(index), world.clone().expected_at(index));
        }
        let other = World::new(WorldSettings { seed: 2, ..settings });
        assert!((0..300).all(|i| other.frame_at(i) != forwards[usize::try_from(i).unwrap()]));
    }

    #[test]
    fn an_even_mix_shows_every_kind_and_every_change() {
        let world = World::new(WorldSettings { mix: Mix::even(), ..Default::default() });
        let mut kinds = BTreeMap::new();
        let mut changes = BTreeMap::new();
        for index in 0..1000 {
            *kinds.entry(world.kind(index)).or_insert(0) += 1;
            for event in world.expected_at(index) {
                *changes.entry(event.change.name()).or_insert(0) += 1;
            }
        }
        assert_eq!(kinds.len(), 10, "{kinds:?}");
        assert!(kinds.values().all(|count| *count > 60), "{kinds:?}");
        assert_eq!(changes.len(), 6, "{changes:?}");
    }

    #[test]
    fn revs_of_an_account_rise() {
        let world = World::new(WorldSettings {
            accounts: std::num::NonZeroU32::new(3).unwrap(),
            mix: Mix::creates_only(),
            ..Default::default()
        });
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        for event in (0..300).flat_map(|index| world.expected_at(index)) {
            let rev = event.change.place().unwrap().rev.clone();
            if let Some(before) = last.insert(event.did, rev.clone()) {
                assert!(before < rev);
            }
        }
        assert_eq!(last.len(), 3);
    }

    #[test]
    fn frame_sizes_follow_their_setting() {
        for (frame_size, expected) in [
            (FrameSize::Lean, 700..1300),
            (FrameSize::Mean(1024), 900..1300),
            (FrameSize::Mean(5400), 5000..5800),
        ] {
            let world = World::new(WorldSettings { frame_size, ..Default::default() });
            let mean = (0..1000).map(|i| world.frame_at(i).len()).sum::<usize>() / 1000;
            assert!(expected.contains(&mean), "{frame_size:?}: {mean}");
        }
    }

    #[test]
    fn deleted_records_were_created_before() {
        let world = World::new(WorldSettings {
            accounts: std::num::NonZeroU32::new(20).unwrap(),
            mix: Mix { delete: 300, update: 300, ..Mix::default() },
            ..Default::default()
        });
        let mut created = std::collections::HashSet::new();
        let (mut known, mut unknown) = (0, 0);
        for event in (0..2000).flat_map(|index| world.expected_at(index)) {
            let Some(place) = event.change.place() else { continue };
            let record = (event.did.clone(), place.collection.clone(), place.rkey.clone());
            match event.change.name() {
                "create" => assert!(created.insert(record), "created twice"),
                "delete" if created.remove(&record) => known += 1,
                "delete" => unknown += 1,
                _ => {}
            }
        }
        assert!(known > 100 && known > unknown, "{known} {unknown}");
    }
}
