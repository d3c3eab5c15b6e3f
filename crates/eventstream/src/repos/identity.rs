use crate::body::{account_did, each_field, in_field, read_body, require, seq, skip_field};
use crate::cbor::Reader;
use crate::error::MessageError;
use crate::frame::Message;
use crate::syntax::{Did, Handle};

/// The DID document or handle of an account may have changed: a prod to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The host's number for the message, 1 to 2^53-1.
    pub seq: u64,
    /// The account.
    pub did: Did<'a>,
    /// The handle, which a host may say or not.
    pub handle: HandleClaim<'a>,
    /// When the message was first sent, as it was written and unchecked.
    pub time: &'a str,
}

/// What an identity message says about the handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleClaim<'a> {
    /// Nothing, or `null`. This says nothing about the account either.
    Absent,
    /// A handle, unproven; `handle.invalid` where the host could not prove it.
    Handle(Handle<'a>),
    /// Text that is no handle: the message counts as one without.
    Malformed(&'a str),
}

impl<'a> HandleClaim<'a> {
    /// The handle, if one was said that is one.
    #[must_use]
    pub fn valid(self) -> Option<Handle<'a>> {
        match self {
            Self::Handle(handle) => Some(handle),
            Self::Absent | Self::Malformed(_) => None,
        }
    }
}

impl<'a> Identity<'a> {
    pub(super) fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut number, mut did, mut handle, mut time) = (None, None, None, None);
            each_field("body", reader, |key, reader| {
                match key {
                    b"seq" => number = Some(seq(reader)?),
                    b"did" => did = Some(account_did("did", reader)?),
                    b"handle" => handle = in_field("handle", reader.nullable(Reader::text))?,
                    b"time" => time = Some(in_field("time", reader.text())?),
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self {
                seq: require("seq", number)?,
                did: require("did", did)?,
                handle: handle.map_or(HandleClaim::Absent, |text| {
                    Handle::parse(text).map_or(HandleClaim::Malformed(text), HandleClaim::Handle)
                }),
                time: require("time", time)?,
            })
        })
    }
}
