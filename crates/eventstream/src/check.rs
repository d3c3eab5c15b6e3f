//! What can be said about a `#commit` or `#sync` without keys, tree or history.
//!
//! Limits, revision, shapes of ops, the CAR, and the commit object against the message. A message that passes is
//! consistent in itself; whether it is authentic and continues the repository is not known here.

use crate::car::{BlockIndex, Car};
use crate::cid::Cid;
use crate::commit_object::CommitObject;
use crate::error::CheckError;
use crate::op::{CheckedOps, induction_of};
use crate::record::Record;
use crate::repos::{Commit, RepoOpAction, Sync};
use crate::tid::Tid;

/// The most bytes of blocks in one message. Source: the lexicon of subscribeRepos.
pub const MAX_BLOCKS_LEN: usize = 2_000_000;

/// The bytes of blocks that the lexicon allows a `#sync`; more are noted, up to [`MAX_BLOCKS_LEN`].
pub const SPEC_SYNC_BLOCKS_LEN: usize = 10_000;

/// The most ops in one commit. Source: the lexicon of subscribeRepos.
pub const MAX_OPS: usize = 200;

/// How far a revision may lie ahead of the clock, in microseconds: five minutes, as relays have it.
pub const MAX_REV_AHEAD_MICROS: u64 = 5 * 60 * 1_000_000;

/// Which blocks of a CAR are hashed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum HashScope {
    /// Those whose content is used: the commit object, and each record that is asked for.
    #[default]
    Used,
    /// All of them, before anything is used.
    All,
}

/// Checks messages one after another, reusing its memory.
///
/// ```
/// use standpipe_eventstream::{Change, CheckError, Checker, Commit, HashScope};
///
/// fn print_records(checker: &mut Checker, commit: &Commit<'_>, now_micros: u64) -> Result<(), CheckError> {
///     let checked = checker.commit(commit, now_micros)?;
///     let mut json = Vec::new();
///     for op in checked.ops() {
///         let Ok(op) = op else { continue };
///         let (Change::Create { cid } | Change::Update { cid, .. }) = op.change else { continue };
///         if checked.record(cid)?.write_json(&mut json).is_ok() {
///             println!("{} {}", op.path.collection, String::from_utf8_lossy(&json));
///         }
///         json.clear();
///     }
///     Ok(())
/// }
/// # let _ = (print_records, Checker::new(HashScope::Used));
/// ```
#[derive(Debug, Default)]
pub struct Checker {
    hashes: HashScope,
    blocks: BlockIndex,
    path_marks: Vec<u64>,
}

/// A commit that is consistent in itself. Its signature, tree and history are unchecked.
#[derive(Debug, Clone)]
pub struct CheckedCommit<'s, 'a> {
    commit: &'s Commit<'a>,
    car: Car<'s, 'a>,
    object: CommitObject<'a>,
    rev: Tid,
    induction: Induction,
    are_blocks_hashed: bool,
}

/// A `#sync` that is consistent in itself. Its signature and history are unchecked.
#[derive(Debug, Clone, Copy)]
pub struct CheckedSync<'a> {
    /// The commit object.
    pub object: CommitObject<'a>,
    /// Its CID.
    pub commit: Cid<'a>,
    /// The revision.
    pub rev: Tid,
    /// Whether the blocks are longer than [`SPEC_SYNC_BLOCKS_LEN`].
    pub is_over_spec_len: bool,
}

/// Whether a commit says enough to be checked against the state before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Induction {
    /// `prevData` and every `prev` that is due are there.
    Possible,
    /// Neither `prevData` nor `since`: the first commit of a repository.
    First,
    /// The shape of hosts from before sync 1.1: `prevData`, or a `prev` of an update or delete, is missing.
    Legacy,
}

impl Checker {
    /// A checker that hashes what `hashes` says.
    #[must_use]
    pub fn new(hashes: HashScope) -> Self {
        Self { hashes, ..Self::default() }
    }

    /// Checks a commit at `now_micros`, in microseconds since 1970.
    ///
    /// Cheap checks come first. A create or update whose record block is missing fails the whole commit, since its
    /// host could not have signed for a record that it does not have.
    ///
    /// # Errors
    /// [`CheckError`] for the first rule that is broken. Nothing of the commit is to be used then.
    pub fn commit<'s, 'a>(
        &'s mut self,
        commit: &'s Commit<'a>,
        now_micros: u64,
    ) -> Result<CheckedCommit<'s, 'a>, CheckError> {
        if commit.blocks.len() > MAX_BLOCKS_LEN {
            return Err(CheckError::BlocksTooLong { len: commit.blocks.len() });
        }
        let count = commit.ops().len();
        if count > MAX_OPS {
            return Err(CheckError::TooManyOps { count });
        }
        let rev = check_rev(commit.rev, now_micros)?;
        if commit.too_big {
            return Err(CheckError::TooBig);
        }
        let induction = induction_of(commit)?;
        if count > 1 {
            self.check_paths(commit)?;
        }
        let car = self.blocks.read(commit.blocks)?;
        if car.root() != commit.commit {
            return Err(CheckError::RootNotCommit);
        }
        let are_blocks_hashed = self.hashes == HashScope::All;
        if are_blocks_hashed {
            car.check_all()?;
        }
        let object = read_object(&car, commit.repo.as_str(), commit.rev)?;
        for (index, op) in commit.ops().enumerate() {
            if let (RepoOpAction::Create | RepoOpAction::Update, Some(cid)) = (op.action, op.cid)
                && car.find(cid).is_none()
            {
                return Err(CheckError::RecordMissing { index });
            }
        }
        Ok(CheckedCommit { commit, car, object, rev, induction, are_blocks_hashed })
    }

    /// Checks a sync at `now_micros`, in microseconds since 1970.
    ///
    /// # Errors
    /// [`CheckError`] for the first rule that is broken. Nothing of the message is to be used then.
    pub fn sync<'a>(&mut self, sync: &Sync<'a>, now_micros: u64) -> Result<CheckedSync<'a>, CheckError> {
        if sync.blocks.len() > MAX_BLOCKS_LEN {
            return Err(CheckError::BlocksTooLong { len: sync.blocks.len() });
        }
        let rev = check_rev(sync.rev, now_micros)?;
        let car = self.blocks.read(sync.blocks)?;
        if self.hashes == HashScope::All {
            car.check_all()?;
        }
        let object = read_object(&car, sync.did.as_str(), sync.rev)?;
        let is_over_spec_len = sync.blocks.len() > SPEC_SYNC_BLOCKS_LEN;
        Ok(CheckedSync { object, commit: car.root(), rev, is_over_spec_len })
    }

    /// Looks for two ops on one path: by a hash of each, and exactly only where two hashes agree.
    fn check_paths(&mut self, commit: &Commit<'_>) -> Result<(), CheckError> {
        self.path_marks.clear();
        self.path_marks.extend(commit.ops().map(|op| mark(op.path)));
        self.path_marks.sort_unstable();
        if self.path_marks.windows(2).all(|pair| pair[0] != pair[1]) {
            return Ok(());
        }
        let mut later = commit.ops();
        while let Some(op) = later.next() {
            if later.clone().any(|other| other.path == op.path) {
                return Err(CheckError::DuplicatePath);
            }
        }
        Ok(())
    }
}

impl<'s, 'a> CheckedCommit<'s, 'a> {
    /// The message.
    #[must_use]
    pub fn message(&self) -> &'s Commit<'a> {
        self.commit
    }

    /// The commit object.
    #[must_use]
    pub fn object(&self) -> &CommitObject<'a> {
        &self.object
    }

    /// The revision.
    #[must_use]
    pub fn rev(&self) -> Tid {
        self.rev
    }

    /// The blocks.
    #[must_use]
    pub fn car(&self) -> &Car<'s, 'a> {
        &self.car
    }

    /// Whether the commit says enough to be checked against the state before it.
    #[must_use]
    pub fn induction(&self) -> Induction {
        self.induction
    }

    /// The ops, in the order sent. An op whose path is none is an error, and the only one to drop.
    #[must_use]
    pub fn ops(&self) -> CheckedOps<'a> {
        CheckedOps::new(self.commit.ops())
    }

    /// The record that an op creates, or updates to. Its block is hashed here.
    ///
    /// # Errors
    /// [`CheckError::Car`] when the block does not match its CID, which fails the whole commit: entries that were
    /// made of other ops of it must be taken back. [`CheckError::BlockMissing`] for a CID that no op of it names.
    #[inline]
    pub fn record(&self, cid: Cid<'a>) -> Result<Record<'a>, CheckError> {
        let block = self.car.find(cid).ok_or(CheckError::BlockMissing)?;
        let bytes = if self.are_blocks_hashed { block.unchecked() } else { block.checked()? };
        Ok(Record::new(cid, bytes))
    }
}

fn check_rev(text: &str, now_micros: u64) -> Result<Tid, CheckError> {
    let rev = Tid::parse(text).map_err(|_| CheckError::RevSyntax)?;
    match rev.unix_micros().checked_sub(now_micros) {
        Some(ahead_micros) if ahead_micros > MAX_REV_AHEAD_MICROS => {
            Err(CheckError::RevFuture { ahead_micros })
        }
        _ => Ok(rev),
    }
}

/// Reads the commit object at the root and holds it against the message.
fn read_object<'a>(car: &Car<'_, 'a>, did: &str, rev: &str) -> Result<CommitObject<'a>, CheckError> {
    let block = car.block(car.root())?.ok_or(CheckError::CommitMissing)?;
    let object = CommitObject::parse(block)?;
    if object.did != did {
        return Err(CheckError::DidMismatch);
    }
    if object.rev != rev {
        return Err(CheckError::RevMismatch);
    }
    Ok(object)
}

/// A cheap 64-bit mark of a path: equal paths have equal marks.
fn mark(path: &str) -> u64 {
    path.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |mark, byte| (mark ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
