use super::op::RepoOps;
use crate::body::{account_did, each_field, in_field, read_body, require, seq, skip_field};
use crate::cbor::Reader;
use crate::cid::Cid;
use crate::error::MessageError;
use crate::frame::Message;
use crate::syntax::Did;

/// Records of one repository changed: what the host says, before any of it is checked against the blocks.
///
/// The deprecated `blobs` and the removed `prev` are not looked at.
#[derive(Debug, Clone)]
pub struct Commit<'a> {
    /// The host's number for the message, 1 to 2^53-1.
    pub seq: u64,
    /// The repository.
    pub repo: Did<'a>,
    /// The revision that this commit makes, as it was written and unchecked.
    pub rev: &'a str,
    /// The revision before it, as it was written and unchecked; absent reads as `null`, which a first commit has.
    pub since: Option<&'a str>,
    /// The commit object.
    pub commit: Cid<'a>,
    /// The root of the tree before it; first commits and old hosts do not say it.
    pub prev_data: Option<Cid<'a>>,
    /// A CAR slice with the commit object, the changed records and the tree nodes that prove them; absent on the
    /// wire reads as empty.
    pub blocks: &'a [u8],
    /// Deprecated: the host left out what did not fit. Absent reads as false.
    pub too_big: bool,
    /// Deprecated and without meaning. Absent reads as false.
    pub rebase: bool,
    /// When the message was first sent, as it was written and unchecked.
    pub time: &'a str,
    ops: RepoOps<'a>,
}

impl<'a> Commit<'a> {
    #[inline]
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut number, mut repo, mut rev, mut since, mut commit) = (None, None, None, None, None);
            let (mut prev_data, mut blocks, mut time, mut ops) = (None, None, None, None);
            let (mut too_big, mut rebase) = (false, false);
            each_field("body", reader, |key, reader| {
                match key {
                    b"ops" => ops = Some(RepoOps::read(reader)?),
                    b"rev" => rev = Some(in_field("rev", reader.text())?),
                    b"seq" => number = Some(seq(reader)?),
                    b"repo" => repo = Some(account_did("repo", reader)?),
                    b"time" => time = Some(in_field("time", reader.text())?),
                    b"since" => since = in_field("since", reader.nullable(Reader::text))?,
                    b"blocks" => blocks = Some(in_field("blocks", reader.bytes())?),
                    b"commit" => commit = Some(in_field("commit", reader.link())?),
                    b"rebase" => rebase = in_field("rebase", reader.boolean())?,
                    b"tooBig" => too_big = in_field("tooBig", reader.boolean())?,
                    b"prevData" => prev_data = in_field("prevData", reader.nullable(Reader::link))?,
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self {
                seq: require("seq", number)?,
                repo: require("repo", repo)?,
                rev: require("rev", rev)?,
                since,
                commit: require("commit", commit)?,
                prev_data,
                blocks: blocks.unwrap_or_default(),
                too_big,
                rebase,
                time: require("time", time)?,
                ops: require("ops", ops)?,
            })
        })
    }

    /// The ops, in the order sent.
    #[must_use]
    #[inline]
    pub fn ops(&self) -> RepoOps<'a> {
        self.ops.clone()
    }
}
