use crate::body::{account_did, each_field, in_field, read_body, require, seq, skip_field};
use crate::cbor::Reader;
use crate::error::MessageError;
use crate::frame::Message;
use crate::syntax::Did;

/// The hosting status of an account changed at the host that says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// The host's number for the message, 1 to 2^53-1.
    pub seq: u64,
    /// The account.
    pub did: Did<'a>,
    /// Whether it is to be shown.
    pub active: bool,
    /// Why, as it was written; the known words are not a closed list. `null` on the wire reads as absent.
    pub status: Option<&'a str>,
    /// When the message was first sent, as it was written and unchecked.
    pub time: &'a str,
}

impl<'a> Account<'a> {
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut number, mut did, mut active, mut status, mut time) = (None, None, None, None, None);
            each_field("body", reader, |key, reader| {
                match key {
                    b"seq" => number = Some(seq(reader)?),
                    b"did" => did = Some(account_did("did", reader)?),
                    b"active" => active = Some(in_field("active", reader.boolean())?),
                    b"status" => status = in_field("status", reader.nullable(Reader::text))?,
                    b"time" => time = Some(in_field("time", reader.text())?),
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self {
                seq: require("seq", number)?,
                did: require("did", did)?,
                active: require("active", active)?,
                status,
                time: require("time", time)?,
            })
        })
    }
}
