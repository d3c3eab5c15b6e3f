use crate::body::{each_field, in_field, read_body, require, skip_field};
use crate::cbor::Reader;
use crate::error::MessageError;
use crate::frame::Message;

/// `#info`, which every stream of the protocol has: the host speaks of the stream itself. It has no `seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info<'a> {
    /// What it is, for example `OutdatedCursor`: the cursor lies before what the host still has.
    pub name: &'a str,
    /// A sentence for people.
    pub message: Option<&'a str>,
}

impl<'a> Info<'a> {
    pub(crate) fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        read_body(message, |reader| {
            let (mut name, mut sentence) = (None, None);
            each_field("body", reader, |key, reader| {
                match key {
                    b"name" => name = Some(in_field("name", reader.text())?),
                    b"message" => sentence = in_field("message", reader.nullable(Reader::text))?,
                    _ => skip_field(key, 1, reader)?,
                }
                Ok(())
            })?;
            Ok(Self { name: require("name", name)?, message: sentence })
        })
    }
}
