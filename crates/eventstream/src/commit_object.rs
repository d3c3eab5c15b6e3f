//! The signed object at the root of a repository.

use crate::body::{Fault, each_field, in_field, require, skip_field};
use crate::cbor::Reader;
use crate::cid::Cid;
use crate::error::{CheckError, FieldFault};

/// The commit object, read strictly. Its signature is not checked here.
///
/// Fields that are not listed are allowed, and belong to what is signed. Source:
/// <https://atproto.com/specs/repository#commit-objects>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitObject<'a> {
    /// The repository.
    pub did: &'a str,
    /// The revision.
    pub rev: &'a str,
    /// The root of the tree.
    pub data: Cid<'a>,
    /// The commit before, which version 3 writes as `null`; some writers leave the key out.
    pub prev: Option<Cid<'a>>,
    /// The signature: not empty, otherwise unjudged.
    pub sig: &'a [u8],
    /// The whole block, signature included.
    pub block: &'a [u8],
}

/// The only version of commit objects that is accepted.
const VERSION: i64 = 3;

impl<'a> CommitObject<'a> {
    /// Reads a commit object from its block.
    ///
    /// # Errors
    /// [`CheckError::CommitMalformed`] when the block is not one DAG-CBOR item, [`CheckError::CommitField`] or
    /// [`CheckError::CommitVersion`] when it is not a commit object of version 3.
    pub fn parse(block: &'a [u8]) -> Result<Self, CheckError> {
        let mut reader = Reader::new(block);
        match Self::read(&mut reader, block) {
            Ok((VERSION, object)) if reader.remaining() == 0 => Ok(object),
            Ok((version, _)) => Err(explain(block, CheckError::CommitVersion { version })),
            Err(Fault { field, fault }) => Err(explain(block, CheckError::CommitField { field, fault })),
        }
    }

    fn read(reader: &mut Reader<'a>, block: &'a [u8]) -> Result<(i64, Self), Fault> {
        let (mut did, mut rev, mut data, mut prev, mut sig, mut version) =
            (None, None, None, None, None, None);
        each_field("commit", reader, |key, reader| {
            match key {
                b"did" => did = Some(in_field("did", reader.text())?),
                b"rev" => rev = Some(in_field("rev", reader.text())?),
                b"sig" => sig = Some(in_field("sig", reader.bytes())?),
                b"data" => data = Some(in_field("data", reader.link())?),
                b"prev" => prev = in_field("prev", reader.nullable(Reader::link))?,
                b"version" => version = Some(in_field("version", reader.integer())?),
                _ => skip_field(key, 1, reader)?,
            }
            Ok(())
        })?;
        let sig = require("sig", sig)?;
        if sig.is_empty() {
            return Err(Fault::new("sig", FieldFault::Range));
        }
        let object = Self {
            did: require("did", did)?,
            rev: require("rev", rev)?,
            data: require("data", data)?,
            prev,
            sig,
            block,
        };
        Ok((require("version", version)?, object))
    }
}

/// Tells a malformed block from a wrong field in a sound one.
#[cold]
fn explain(block: &[u8], otherwise: CheckError) -> CheckError {
    let mut reader = Reader::new(block);
    match reader.skip().and_then(|()| reader.end()) {
        Err(error) => CheckError::CommitMalformed(error),
        Ok(()) => otherwise,
    }
}
