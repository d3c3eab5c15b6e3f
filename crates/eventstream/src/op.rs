//! The ops of a checked commit: shape and path hold.

use crate::check::Induction;
use crate::cid::Cid;
use crate::error::{CheckError, SyntaxError};
use crate::repos::{Commit, RepoOp, RepoOpAction, RepoOps};
use crate::syntax::RepoPath;

/// One change of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// Where the record lives.
    pub path: RepoPath<'a>,
    /// What happens to it.
    pub change: Change<'a>,
}

/// What happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// It appears.
    Create {
        /// The record.
        cid: Cid<'a>,
    },
    /// It is replaced.
    Update {
        /// The record from here on.
        cid: Cid<'a>,
        /// The record until here; old hosts do not say it.
        prev: Option<Cid<'a>>,
    },
    /// It disappears.
    Delete {
        /// The record until here; old hosts do not say it.
        prev: Option<Cid<'a>>,
    },
}

/// An op whose path is none. It is dropped, and its siblings live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("op path is unusable: {error}")]
pub struct BadPath<'a> {
    /// The path as it was written.
    pub path: &'a str,
    /// What is wrong with it.
    #[source]
    pub error: SyntaxError,
}

/// The ops of a checked commit, in the order sent.
#[derive(Debug, Clone)]
pub struct CheckedOps<'a> {
    ops: RepoOps<'a>,
}

impl<'a> CheckedOps<'a> {
    pub(crate) fn new(ops: RepoOps<'a>) -> Self {
        Self { ops }
    }
}

impl<'a> Iterator for CheckedOps<'a> {
    type Item = Result<Op<'a>, BadPath<'a>>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let op = self.ops.next()?;
        let change = Change::of(&op)?;
        Some(match RepoPath::parse(op.path) {
            Ok(path) => Ok(Op { path, change }),
            Err(error) => Err(BadPath { path: op.path, error }),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ops.size_hint()
    }
}

impl<'a> Change<'a> {
    /// The change, if the op has the shape of its action.
    #[inline]
    fn of(op: &RepoOp<'a>) -> Option<Self> {
        match (op.action, op.cid, op.prev) {
            (RepoOpAction::Create, Some(cid), None) => Some(Self::Create { cid }),
            (RepoOpAction::Update, Some(cid), prev) => Some(Self::Update { cid, prev }),
            (RepoOpAction::Delete, None, prev) => Some(Self::Delete { prev }),
            _ => None,
        }
    }

    /// The word of the wire for it.
    #[must_use]
    pub fn action(self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { .. } => "update",
            Self::Delete { .. } => "delete",
        }
    }

    /// The record from here on.
    #[must_use]
    pub fn cid(self) -> Option<Cid<'a>> {
        match self {
            Self::Create { cid } | Self::Update { cid, .. } => Some(cid),
            Self::Delete { .. } => None,
        }
    }
}

/// Checks the shape of every op, and finds out what the commit can be checked against later.
#[inline]
pub(crate) fn induction_of(commit: &Commit<'_>) -> Result<Induction, CheckError> {
    let mut all_prevs_said = true;
    for (index, op) in commit.ops().enumerate() {
        match (op.action, Change::of(&op)) {
            (RepoOpAction::Other(_), _) => return Err(CheckError::UnknownAction { index }),
            (_, None) => return Err(CheckError::OpShape { index }),
            (_, Some(Change::Create { .. })) => {}
            (_, Some(Change::Update { prev, .. } | Change::Delete { prev })) => {
                all_prevs_said &= prev.is_some();
            }
        }
    }
    Ok(match (commit.prev_data, commit.since) {
        (Some(_), _) if all_prevs_said => Induction::Possible,
        (None, None) if all_prevs_said => Induction::First,
        _ => Induction::Legacy,
    })
}
