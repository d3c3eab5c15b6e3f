//! What the message families share: walking a body's fields, and telling a malformed frame from a wrong field.

use crate::cbor::{KeyOrder, Reader};
use crate::error::{CborError, CborFault, FieldFault, MessageError, SchemaError};
use crate::frame::{Message, check_body};
use crate::syntax::{Did, DidMethod};

/// The largest `seq`: 2^53-1. Source: <https://atproto.com/specs/event-stream#sequence-numbers>.
pub const MAX_SEQ: u64 = (1 << 53) - 1;

/// Why the typed reading of a body stopped, before it is known whether the frame as a whole is sound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) field: &'static str,
    pub(crate) fault: FieldFault,
}

impl Fault {
    #[inline]
    pub(crate) fn new(field: &'static str, fault: FieldFault) -> Self {
        Self { field, fault }
    }
}

/// Says which field an error of the reader belongs to.
#[inline]
pub(crate) fn in_field<T>(field: &'static str, read: Result<T, CborError>) -> Result<T, Fault> {
    read.map_err(|error| {
        let is_out_of_range = error.fault == CborFault::IntegerRange;
        Fault::new(field, if is_out_of_range { FieldFault::Range } else { FieldFault::WrongType })
    })
}

#[inline]
pub(crate) fn require<T>(field: &'static str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or(Fault::new(field, FieldFault::Missing))
}

/// Reads a whole body.
///
/// The typed reading goes first and alone, since nearly every frame is good. Only when it fails is the body checked
/// as plain DAG-CBOR, which decides between a malformed frame and a wrong field.
#[inline]
pub(crate) fn read_body<'a, T>(
    message: &Message<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
) -> Result<T, MessageError> {
    let mut reader = Reader::starting_at(message.frame, message.body_start);
    match read(&mut reader) {
        Ok(value) if reader.remaining() == 0 => Ok(value),
        Ok(_) => Err(explain(message, Fault::new("body", FieldFault::WrongType))),
        Err(fault) => Err(explain(message, fault)),
    }
}

#[cold]
fn explain(message: &Message<'_>, fault: Fault) -> MessageError {
    match check_body(message.frame, message.body_start) {
        Err(error) => error.into(),
        Ok(()) => SchemaError { field: fault.field, fault: fault.fault, seq: salvage_seq(message) }.into(),
    }
}

/// Looks for a usable `seq` in a body that is sound DAG-CBOR.
pub(crate) fn salvage_seq(message: &Message<'_>) -> Option<u64> {
    let mut reader = Reader::starting_at(message.frame, message.body_start);
    let mut order = KeyOrder::default();
    for _ in 0..reader.map().ok()? {
        if order.key(&mut reader).ok()? == b"seq" {
            return seq(&mut reader).ok();
        }
        reader.skip_inside(1).ok()?;
    }
    None
}

/// Walks the fields of a map that sits inside `levels` arrays and maps already.
#[inline]
pub(crate) fn each_field<'a>(
    name: &'static str,
    reader: &mut Reader<'a>,
    mut field: impl FnMut(&'a [u8], &mut Reader<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut order = KeyOrder::default();
    for _ in 0..in_field(name, reader.map())? {
        let key = in_field(name, order.key_unchecked_utf8(reader))?;
        field(key, reader)?;
    }
    Ok(())
}

/// Checks a field that nobody asked for and moves past it.
pub(crate) fn skip_field(key: &[u8], levels: usize, reader: &mut Reader<'_>) -> Result<(), Fault> {
    let is_text = str::from_utf8(key).is_ok();
    match reader.skip_inside(levels) {
        Ok(()) if is_text => Ok(()),
        _ => Err(Fault::new("body", FieldFault::WrongType)),
    }
}

#[inline]
pub(crate) fn seq(reader: &mut Reader<'_>) -> Result<u64, Fault> {
    match u64::try_from(in_field("seq", reader.integer())?) {
        Ok(seq @ 1..=MAX_SEQ) => Ok(seq),
        _ => Err(Fault::new("seq", FieldFault::Range)),
    }
}

/// Reads the DID of an account, which the network resolves by `plc` or `web` only.
#[inline]
pub(crate) fn account_did<'a>(field: &'static str, reader: &mut Reader<'a>) -> Result<Did<'a>, Fault> {
    let text = in_field(field, reader.text())?;
    let did = Did::parse(text).map_err(|_| Fault::new(field, FieldFault::Syntax))?;
    match did.method() {
        DidMethod::Plc | DidMethod::Web => Ok(did),
        DidMethod::Other => Err(Fault::new(field, FieldFault::DidMethod)),
    }
}
