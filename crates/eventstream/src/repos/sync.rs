use crate::body::{account_did, each_field, in_field, read_body, require, seq, skip_field};
use crate::error::MessageError;
use crate::frame::Message;
use crate::syntax::Did;

/// The state of one repository, to be taken whatever was said before. It holds no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sync<'a> {
    /// The host's number for the message, 1 to 2^53-1.
    pub seq: u64,
    /// The repository.
    pub did: Did<'a>,
    /// The revision, as it was written and unchecked.
    pub rev: &'a str,
    /// A CAR that holds the commit object; absent on the wire reads as empty.
    pub blocks: &'a [u8],
    /// When the message was first sent, as it was written and unchecked.
    pub time: &'a str,
}

impl<'a> Sync<'a> {
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut number, mut did, mut rev, mut blocks, mut time) = (None, None, None, None, None);
            each_field("body", reader, |key, reader| {
                match key {
                    b"seq" => number = Some(seq(reader)?),
                    b"did" => did = Some(account_did("did", reader)?),
                    b"rev" => rev = Some(in_field("rev", reader.text())?),
                    b"blocks" => blocks = Some(in_field("blocks", reader.bytes())?),
                    b"time" => time = Some(in_field("time", reader.text())?),
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self {
                seq: require("seq", number)?,
                did: require("did", did)?,
                rev: require("rev", rev)?,
                blocks: blocks.unwrap_or_default(),
                time: require("time", time)?,
            })
        })
    }
}
