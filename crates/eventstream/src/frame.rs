//! One websocket message: a header item and a body item.

use crate::cbor::{KeyOrder, Reader};
use crate::error::{CborError, CborFault, FrameError};

/// The longest frame that is read, in bytes: the protocol's hard maximum for the firehose.
pub const MAX_FRAME_LEN: usize = 5_000_000;

/// The header of nearly every frame of a relay: `{"t":"#commit","op":1}`.
const COMMIT_HEADER: &[u8] = b"\xa2\x61t\x67#commit\x62op\x01";

/// One frame by its header: a message, an error, or something that this version of the protocol does not know.
///
/// Source: <https://atproto.com/specs/event-stream>.
///
/// ```
/// use standpipe_eventstream::Frame;
///
/// let frame = Frame::parse(b"\xa1\x62op\x20\xa1\x65error\x6cFutureCursor")?;
/// let Frame::Error(error) = frame else { panic!("an error frame") };
/// assert_eq!(error.name, "FutureCursor");
/// # Ok::<(), standpipe_eventstream::FrameError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `op` 1: a message of a named kind. Its body is still unread.
    Message(Message<'a>),
    /// `op` -1: the host ends the stream and says why.
    Error(StreamError<'a>),
    /// Another `op`, or a message without `t`: to be skipped and counted. Header and body are sound DAG-CBOR.
    Unknown(UnknownFrame),
}

/// A frame whose header promises a message.
///
/// The body is read, and its soundness found out, by the parser of a message family such as
/// [`RepoMessage::parse`](crate::RepoMessage::parse).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The kind as the header's `t` says it, for example `#commit`.
    pub kind: &'a str,
    pub(crate) frame: &'a [u8],
    pub(crate) body_start: usize,
}

/// What a host says before it ends a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamError<'a> {
    /// The name, for example `FutureCursor` or `ConsumerTooSlow`.
    pub name: &'a str,
    /// A sentence for people.
    pub message: Option<&'a str>,
}

/// Why a sound frame is none that this version of the protocol knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnknownFrame {
    /// An `op` other than 1 and -1.
    Op(i64),
    /// A message without `t`.
    KindMissing,
}

impl<'a> Frame<'a> {
    /// Reads the header of one whole websocket message, and the body too unless it is a message.
    ///
    /// # Errors
    /// [`FrameError`] when it is too long, empty, not DAG-CBOR, or has no usable header. A body of a
    /// [`Frame::Message`] is judged later.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() > MAX_FRAME_LEN {
            return Err(FrameError::TooLong { len: bytes.len() });
        }
        if bytes.starts_with(COMMIT_HEADER) && bytes.len() > COMMIT_HEADER.len() {
            let message = Message { kind: "#commit", frame: bytes, body_start: COMMIT_HEADER.len() };
            return Ok(Self::Message(message));
        }
        Self::parse_any(bytes)
    }

    fn parse_any(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.is_empty() {
            return Err(FrameError::Empty);
        }
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader)?;
        if reader.remaining() == 0 {
            return Err(FrameError::BodyMissing);
        }
        let body_start = reader.position();
        match (header.op, header.kind) {
            (1, Some(kind)) => Ok(Self::Message(Message { kind, frame: bytes, body_start })),
            (1, None) => {
                check_body(bytes, body_start)?;
                Ok(Self::Unknown(UnknownFrame::KindMissing))
            }
            (-1, _) => {
                check_body(bytes, body_start)?;
                StreamError::read(&mut reader).map(Self::Error).map_err(|_| FrameError::ErrorUnnamed)
            }
            (op, _) => {
                check_body(bytes, body_start)?;
                Ok(Self::Unknown(UnknownFrame::Op(op)))
            }
        }
    }
}

/// Checks that what begins at `body_start` is one map and the end.
pub(crate) fn check_body(frame: &[u8], body_start: usize) -> Result<(), FrameError> {
    let mut reader = Reader::starting_at(frame, body_start);
    reader.skip().and_then(|()| reader.end()).map_err(FrameError::Body)?;
    match Reader::starting_at(frame, body_start).map() {
        Ok(_) => Ok(()),
        Err(_) => Err(FrameError::BodyNotMap),
    }
}

struct Header<'a> {
    op: i64,
    kind: Option<&'a str>,
}

impl<'a> Header<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, FrameError> {
        let (mut op, mut kind) = (None, None);
        let mut order = KeyOrder::default();
        for _ in 0..reader.map().map_err(|error| unusable(error, "header"))? {
            match order.key(reader).map_err(FrameError::Header)? {
                b"op" => op = Some(reader.integer().map_err(|error| unusable(error, "op"))?),
                b"t" => kind = Some(reader.text().map_err(|error| unusable(error, "t"))?),
                _ => reader.skip().map_err(FrameError::Header)?,
            }
        }
        match op {
            Some(op) => Ok(Self { op, kind }),
            None => Err(FrameError::HeaderField { field: "op" }),
        }
    }
}

fn unusable(error: CborError, field: &'static str) -> FrameError {
    let is_field_wrong = matches!(error.fault, CborFault::WrongType | CborFault::IntegerRange);
    if is_field_wrong { FrameError::HeaderField { field } } else { FrameError::Header(error) }
}

impl<'a> StreamError<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, CborError> {
        let (mut name, mut message) = (None, None);
        let mut order = KeyOrder::default();
        for _ in 0..reader.map()? {
            match order.key(reader)? {
                b"error" => name = Some(reader.text()?),
                b"message" => message = reader.nullable(Reader::text)?,
                _ => reader.skip()?,
            }
        }
        match name {
            Some(name) => Ok(Self { name, message }),
            None => Err(reader.error(CborFault::WrongType)),
        }
    }
}

impl UnknownFrame {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Op(_) => "unknown_op",
            Self::KindMissing => "kind_missing",
        }
    }
}
