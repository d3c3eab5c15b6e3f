//! Records from DAG-CBOR to JSON text, without a tree in between.
//!
//! Shape: the JSON form of the AT Protocol data model. Links become `{"$link":"b…"}`, bytes `{"$bytes":"…"}` in
//! unpadded base64, everything else its natural counterpart, keys in the order of the block. Source:
//! <https://atproto.com/specs/data-model#json-representation>.

use crate::cbor::{FALSE, KeyOrder, Major, Reader, TRUE};
use crate::cid::{Cid, Codec};
use crate::error::{CborError, CborFault, RecordError};
use crate::json;

/// The longest record block that is transcoded, in bytes. Source: the protocol's guide to data validation.
pub const MAX_RECORD_LEN: usize = 1_048_576;

/// The record length in bytes that the specification allows; longer ones pass and are noted.
pub const SPEC_RECORD_LEN: usize = 1_000_000;

/// The longest JSON text of one record, in bytes.
pub const MAX_RECORD_JSON_LEN: usize = 2 * 1024 * 1024;

/// The most arrays and objects of JSON inside each other, the record itself and `$link` objects counted.
///
/// A reader of `serde_json`'s default limit follows 127 levels, and one is the entry that holds the record.
pub const MAX_RECORD_JSON_DEPTH: usize = 126;

/// A record's block, found to be what its CID names.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    cid: Cid<'a>,
    block: &'a [u8],
}

/// What a record that passed is worth counting for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecordNotes {
    /// How many maps hold a literal `$link` or `$bytes` key, which in JSON reads like a link or bytes.
    pub ambiguous_keys: u32,
    /// Whether the block is longer than [`SPEC_RECORD_LEN`].
    pub is_over_spec_len: bool,
}

impl<'a> Record<'a> {
    pub(crate) fn new(cid: Cid<'a>, block: &'a [u8]) -> Self {
        Self { cid, block }
    }

    /// The record's CID.
    #[must_use]
    pub fn cid(&self) -> Cid<'a> {
        self.cid
    }

    /// The DAG-CBOR bytes.
    #[must_use]
    pub fn block(&self) -> &'a [u8] {
        self.block
    }

    /// Appends the record as JSON text.
    ///
    /// # Errors
    /// [`RecordError`] when it has no faithful JSON or is over a limit; `out` is as it was then.
    #[inline]
    pub fn write_json(&self, out: &mut Vec<u8>) -> Result<RecordNotes, RecordError> {
        match self.cid.codec() {
            Codec::DagCbor => write_record_json(self.block, out),
            Codec::Raw => Err(RecordError::Codec),
        }
    }
}

/// Appends a block of DAG-CBOR as JSON text.
///
/// ```
/// use standpipe_eventstream::record::write_record_json;
///
/// let mut out = Vec::new();
/// write_record_json(b"\xa2\x61a\x43\x01\x02\x03\x61b\x20", &mut out)?;
/// assert_eq!(out, br#"{"a":{"$bytes":"AQID"},"b":-1}"#);
/// # Ok::<(), standpipe_eventstream::RecordError>(())
/// ```
///
/// # Errors
/// [`RecordError`] when it has no faithful JSON or is over a limit; `out` is as it was then.
pub fn write_record_json(block: &[u8], out: &mut Vec<u8>) -> Result<RecordNotes, RecordError> {
    if block.len() > MAX_RECORD_LEN {
        return Err(RecordError::TooLong { len: block.len() });
    }
    let start = out.len();
    let is_over_spec_len = block.len() > SPEC_RECORD_LEN;
    let mut transcoder = Transcoder {
        reader: Reader::new(block),
        most: start.saturating_add(MAX_RECORD_JSON_LEN),
        out,
        ambiguous_keys: 0,
    };
    match transcoder.record() {
        Ok(()) => Ok(RecordNotes { ambiguous_keys: transcoder.ambiguous_keys, is_over_spec_len }),
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

struct Transcoder<'a, 'o> {
    reader: Reader<'a>,
    out: &'o mut Vec<u8>,
    most: usize,
    ambiguous_keys: u32,
}

impl Transcoder<'_, '_> {
    fn record(&mut self) -> Result<(), RecordError> {
        match self.reader.head()? {
            (Major::Map, count) => self.map(count, 0, MAX_RECORD_JSON_DEPTH)?,
            _ => return Err(self.not_a_map()),
        }
        self.reader.end()?;
        if self.out.len() > self.most { Err(RecordError::JsonTooLong) } else { Ok(()) }
    }

    /// Tells a sound item of another type from bytes that are none.
    fn not_a_map(&self) -> RecordError {
        let mut whole = Reader::new(self.reader.input());
        match whole.skip().and_then(|()| whole.end()) {
            Ok(()) => RecordError::NotMap,
            Err(error) => error.into(),
        }
    }

    /// Writes the next item, inside which `depth` more levels may be opened.
    fn value(&mut self, depth: usize) -> Result<(), RecordError> {
        let start = self.reader.position();
        match self.reader.head()? {
            (Major::Text, length) => self.text(length, start)?,
            (Major::Map, count) => self.map(count, start, depth)?,
            (Major::Array, count) => self.array(count, start, depth)?,
            (Major::Unsigned, argument) => json::write_integer(in_range(argument, start)?, self.out),
            (Major::Negative, argument) => json::write_integer(-1 - in_range(argument, start)?, self.out),
            (Major::Simple, FALSE) => self.out.extend_from_slice(b"false"),
            (Major::Simple, TRUE) => self.out.extend_from_slice(b"true"),
            (Major::Simple, _) => self.out.extend_from_slice(b"null"),
            (Major::Tag, tag) => {
                deeper(depth, start)?;
                let cid = self.reader.link_after_tag(tag, start)?;
                self.out.extend_from_slice(b"{\"$link\":\"");
                cid.write_text(self.out);
                self.out.extend_from_slice(b"\"}");
            }
            (Major::Bytes, length) => {
                deeper(depth, start)?;
                let bytes = self.reader.take(length)?;
                self.out.extend_from_slice(b"{\"$bytes\":\"");
                json::write_base64(bytes, self.out);
                self.out.extend_from_slice(b"\"}");
            }
        }
        if self.out.len() > self.most { Err(RecordError::JsonTooLong) } else { Ok(()) }
    }

    fn map(&mut self, count: u64, start: usize, depth: usize) -> Result<(), RecordError> {
        let inner = deeper(depth, start)?;
        let mut order = KeyOrder::default();
        let mut open = b'{';
        for _ in 0..self.reader.count(count, 2)? {
            self.out.push(open);
            open = b',';
            let key_start = self.reader.position();
            let key = order.key_unchecked_utf8(&mut self.reader)?;
            if key.first() == Some(&b'$') && matches!(key, b"$link" | b"$bytes") {
                self.ambiguous_keys += 1;
            }
            self.quoted(key, key_start)?;
            self.out.push(b':');
            self.value(inner)?;
        }
        if open == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
        Ok(())
    }

    fn array(&mut self, count: u64, start: usize, depth: usize) -> Result<(), RecordError> {
        let inner = deeper(depth, start)?;
        let mut open = b'[';
        for _ in 0..self.reader.count(count, 1)? {
            self.out.push(open);
            open = b',';
            self.value(inner)?;
        }
        if open == b'[' {
            self.out.push(b'[');
        }
        self.out.push(b']');
        Ok(())
    }

    #[inline]
    fn text(&mut self, length: u64, start: usize) -> Result<(), RecordError> {
        let bytes = self.reader.take(length)?;
        self.quoted(bytes, start)
    }

    #[inline]
    fn quoted(&mut self, bytes: &[u8], start: usize) -> Result<(), RecordError> {
        let survey = json::survey(bytes);
        if !survey.is_ascii && str::from_utf8(bytes).is_err() {
            return Err(CborError::new(CborFault::Utf8, start).into());
        }
        self.out.push(b'"');
        if survey.needs_escape {
            if self.out.len() + json::escaped_len(bytes) > self.most {
                return Err(RecordError::JsonTooLong);
            }
            json::write_escaped(bytes, self.out);
        } else {
            self.out.extend_from_slice(bytes);
        }
        self.out.push(b'"');
        Ok(())
    }
}

#[inline]
fn in_range(argument: u64, offset: usize) -> Result<i64, RecordError> {
    i64::try_from(argument).map_err(|_| RecordError::IntegerRange { offset })
}

#[inline]
fn deeper(depth: usize, offset: usize) -> Result<usize, RecordError> {
    depth.checked_sub(1).ok_or(RecordError::TooDeep { offset })
}
