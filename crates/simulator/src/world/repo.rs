//! Commits: their ops, blocks and message.

use std::num::NonZeroUsize;

use crate::encode::car::{Block, car};
use crate::encode::{Cid, Value};
use crate::world::timeline::Stream;
use crate::world::{Change, FrameSize, Kind, Place, World, integer, record, tree};

/// What an op does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Create,
    Update,
    Delete,
}

/// One op of a commit, before it is bytes or expectation.
pub(super) struct Op {
    action: Action,
    collection: &'static str,
    rkey: String,
    record: Option<Value>,
    /// The record's block; a delete has none.
    pub(super) block: Option<Block>,
    prev: Option<Cid>,
}

/// The account's frame this many rounds before is the one whose record an update or delete is about. Being
/// fixed, it makes every record the object of one of them at most.
const ROUNDS_BACK: u64 = 3;

/// The envelope, the commit block and a one-op list, for the estimate of a frame's size.
const ENVELOPE_BYTES: usize = 350;

impl Op {
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.collection, self.rkey)
    }

    fn to_value(&self) -> Value {
        let action = match self.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        };
        let cid = self.block.as_ref().map(|block| block.cid);
        let common = [("action", action.into()), ("path", self.path().into()), ("cid", cid.into())];
        Value::map(common.into_iter().chain(self.prev.map(|prev| ("prev", prev.into()))))
    }

    fn into_change(self, commit: &Cid, rev: &str) -> Change {
        let place = Place {
            commit: commit.to_string(),
            rev: rev.to_owned(),
            collection: self.collection.to_owned(),
            rkey: self.rkey,
        };
        let written =
            self.block.zip(self.record).map(|(block, record)| (block.cid.to_string(), record.to_json()));
        match (self.action, written) {
            (Action::Create, Some((cid, record))) => Change::Create { place, cid, record },
            (Action::Update, Some((cid, record))) => Change::Update { place, cid, record },
            (Action::Create | Action::Update | Action::Delete, _) => Change::Delete { place },
        }
    }
}

impl World {
    pub(super) fn record_changes(&self, index: u64) -> Vec<Change> {
        let ops = self.ops(index);
        let commit = self.commit_block(index, &self.root_with(index, &ops)).cid;
        let rev = self.timeline.rev_at(index);
        ops.into_iter().map(|op| op.into_change(&commit, &rev)).collect()
    }

    /// The ops of a commit, in the order in which the frame lists them.
    pub(super) fn ops(&self, index: u64) -> Vec<Op> {
        match self.kind(index) {
            Kind::Create => vec![self.create(index, 0)],
            Kind::Update => vec![self.update(index)],
            Kind::Delete => vec![self.delete(index)],
            Kind::Many => {
                let mut rng = self.rng(Stream::Ops, index);
                (0..rng.u16(2..=20))
                    .map(|ordinal| match rng.u8(0..10) {
                        0 => self.change_of_old(index, ordinal, Action::Update),
                        1 => self.change_of_old(index, ordinal, Action::Delete),
                        _ => self.create(index, ordinal),
                    })
                    .collect()
            }
            Kind::Empty | Kind::Identity | Kind::Account | Kind::Sync | Kind::Legacy | Kind::Unknown => {
                Vec::new()
            }
        }
    }

    /// The block of the commit that leaves the tree at `root`.
    pub(super) fn commit_block(&self, index: u64, root: &Block) -> Block {
        let mut signature = [0; 64];
        self.rng(Stream::Commit, index).fill(&mut signature);
        Block::new(&Value::map([
            ("did", self.did(index).into()),
            ("rev", self.timeline.rev_at(index).into()),
            ("sig", Value::Bytes(signature.to_vec())),
            ("data", root.cid.into()),
            ("prev", Value::Null),
            ("version", Value::Int(3)),
        ]))
    }

    pub(super) fn commit_message(&self, index: u64) -> Value {
        let ops = self.ops(index);
        let root = self.root_with(index, &ops);
        let commit = self.commit_block(index, &root);
        let before = self.commit_before(index);
        let common = [
            ("seq", integer(self.seq_at(index))),
            ("rebase", false.into()),
            ("tooBig", false.into()),
            ("repo", self.did(index).into()),
            ("commit", commit.cid.into()),
            ("rev", self.timeline.rev_at(index).into()),
            ("since", before.map(|before| self.timeline.rev_at(before)).into()),
            ("ops", Value::list(ops.iter().map(Op::to_value))),
            ("blobs", Value::list([])),
            ("time", self.timeline.time_at(index).into()),
            ("blocks", Value::Bytes(self.blocks(index, root, commit, ops))),
        ];
        let prev_data = before.map(|before| ("prevData", self.root_block(before).cid.into()));
        Value::map(common.into_iter().chain(prev_data))
    }

    /// The CAR: the tree's root, padding, records, and the commit last or now and then in the middle.
    fn blocks(&self, index: u64, root: Block, commit: Block, ops: Vec<Op>) -> Vec<u8> {
        let commit_cid = commit.cid;
        let records: Vec<Block> = ops.into_iter().filter_map(|op| op.block).collect();
        let mut rng = self.rng(Stream::Padding, index);
        let mut blocks = vec![root];
        if let FrameSize::Mean(mean) = self.settings.frame_size {
            let written: usize = records.iter().map(Block::len_in_car).sum();
            let target = usize::try_from(mean / 2 + rng.u32(0..=mean)).unwrap_or(usize::MAX);
            let mut size = ENVELOPE_BYTES + blocks[0].len_in_car() + commit.len_in_car() + written;
            // Half a padding block on average is left over.
            while size + 240 < target {
                let block = tree::padding(&mut rng);
                size += block.len_in_car();
                blocks.push(block);
            }
        }
        blocks.extend(records);
        let place = NonZeroUsize::new(blocks.len())
            .filter(|_| rng.u8(0..10) == 0)
            .map_or(blocks.len(), |len| rng.usize(0..len.get()));
        blocks.insert(place, commit);
        car(commit_cid, &blocks)
    }

    fn create(&self, index: u64, ordinal: u16) -> Op {
        let mut rng = self.rng(Stream::Record, index + (u64::from(ordinal) << 53));
        let foreign = rng.u8(0..100) < self.settings.mix.foreign_percent;
        let record = record::record(&mut rng, foreign, &self.timeline.time_at(index));
        let rkey = crate::encode::radix::tid(self.timeline.micros_at(index), ordinal);
        Op::write(Action::Create, record, rkey, None)
    }

    /// The record that the account created in a commit of its own, [`ROUNDS_BACK`] rounds before.
    fn created_before(&self, index: u64) -> Option<Op> {
        let before = self.timeline.earlier(index, ROUNDS_BACK)?;
        (self.kind(before) == Kind::Create).then(|| self.create(before, 0))
    }

    fn update(&self, index: u64) -> Op {
        let mut rng = self.rng(Stream::Record, index);
        if rng.bool()
            && let Some(created) = self.created_before(index)
        {
            let prev = created.block.map(|block| block.cid);
            let extra = ("edited".into(), Value::text(self.timeline.time_at(index)));
            let value = match created.record {
                Some(Value::Map(pairs)) => Value::map(pairs.into_iter().chain([extra])),
                Some(_) | None => Value::map([extra]),
            };
            let record = record::Record { collection: created.collection, value };
            return Op::write(Action::Update, record, created.rkey, prev);
        }
        let prev = Some(Cid::of_block(&rng.u64(..).to_be_bytes()));
        Op::write(Action::Update, record::profile(&mut rng), "self".to_owned(), prev)
    }

    fn delete(&self, index: u64) -> Op {
        match self.created_before(index) {
            Some(created) => {
                let prev = created.block.map(|block| block.cid);
                Op { action: Action::Delete, record: None, block: None, prev, ..created }
            }
            None => self.change_of_old(index, 0, Action::Delete),
        }
    }

    /// An update or delete of a record that was there before the world began.
    fn change_of_old(&self, index: u64, ordinal: u16, action: Action) -> Op {
        let mut rng = self.rng(Stream::Record, index + (u64::from(ordinal) << 53));
        let record = record::record(&mut rng, false, &self.timeline.time_at(index));
        let years_before = self.timeline.micros_at(index).saturating_sub(100_000_000_000_000);
        let rkey = crate::encode::radix::tid(years_before, ordinal);
        let prev = Some(Cid::of_block(&rng.u64(..).to_be_bytes()));
        match action {
            Action::Create | Action::Update => Op::write(Action::Update, record, rkey, prev),
            Action::Delete => {
                Op { action, collection: record.collection, rkey, record: None, block: None, prev }
            }
        }
    }
}

impl Op {
    fn write(action: Action, record: record::Record, rkey: String, prev: Option<Cid>) -> Self {
        let block = Some(Block::new(&record.value));
        Self { action, collection: record.collection, rkey, record: Some(record.value), block, prev }
    }
}
