use crate::body::{Fault, each_field, in_field, require, skip_field};
use crate::cbor::Reader;
use crate::cid::Cid;

/// One op of a commit as the message says it, before its shape and path are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepoOp<'a> {
    /// What is done.
    pub action: RepoOpAction<'a>,
    /// `collection/rkey`, unchecked.
    pub path: &'a str,
    /// The record from here on; absent or `null` for a delete.
    pub cid: Option<Cid<'a>>,
    /// The record until here; old hosts do not say it, and a create has none.
    pub prev: Option<Cid<'a>>,
}

/// The action of an op. The wire's list is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepoOpAction<'a> {
    /// A record appears.
    Create,
    /// A record is replaced.
    Update,
    /// A record disappears.
    Delete,
    /// Anything else.
    Other(&'a str),
}

/// The ops of a commit, in the order sent: an iterator that may be cloned.
#[derive(Debug, Clone)]
pub struct RepoOps<'a> {
    first: Option<RepoOp<'a>>,
    rest: Reader<'a>,
    rest_len: usize,
}

impl<'a> RepoOps<'a> {
    /// Reads the whole list once. Only the first op is kept, since nearly every commit has one; the others are read
    /// again where they are wanted.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let count = in_field("ops", reader.array())?;
        let first = if count == 0 { None } else { Some(RepoOp::read(reader)?) };
        let ops = Self { first, rest: reader.clone(), rest_len: count.saturating_sub(1) };
        for _ in 0..ops.rest_len {
            RepoOp::read(reader)?;
        }
        Ok(ops)
    }
}

impl<'a> Iterator for RepoOps<'a> {
    type Item = RepoOp<'a>;

    #[inline]
    fn next(&mut self) -> Option<RepoOp<'a>> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        self.rest_len = self.rest_len.checked_sub(1)?;
        RepoOp::read(&mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.rest_len + usize::from(self.first.is_some());
        (left, Some(left))
    }
}

impl ExactSizeIterator for RepoOps<'_> {}

impl<'a> RepoOp<'a> {
    #[inline]
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let (mut action, mut path, mut cid, mut prev) = (None, None, None, None);
        each_field("ops[]", reader, |key, reader| {
            match key {
                b"cid" => cid = in_field("ops[].cid", reader.nullable(Reader::link))?,
                b"path" => path = Some(in_field("ops[].path", reader.text())?),
                b"prev" => prev = in_field("ops[].prev", reader.nullable(Reader::link))?,
                b"action" => action = Some(in_field("ops[].action", reader.text())?),
                _ => skip_field(key, 3, reader)?,
            }
            Ok(())
        })?;
        let action = match require("ops[].action", action)? {
            "create" => RepoOpAction::Create,
            "update" => RepoOpAction::Update,
            "delete" => RepoOpAction::Delete,
            other => RepoOpAction::Other(other),
        };
        Ok(Self { action, path: require("ops[].path", path)?, cid, prev })
    }
}
