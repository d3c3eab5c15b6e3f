use thiserror::Error;

use super::CborError;

/// A websocket message that is not a frame: not two sound DAG-CBOR maps, or not a usable header.
///
/// The whole message is bad; no part of it may be used, and its `seq` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME_LEN`](crate::MAX_FRAME_LEN).
    #[error("frame of {len} bytes is over the limit")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A message without a byte.
    #[error("frame is empty")]
    Empty,
    /// The header is not DAG-CBOR.
    #[error("header is malformed: {0}")]
    Header(CborError),
    /// The header is not a map, `op` is missing or not an integer, or `t` is not text.
    #[error("header field {field} is unusable")]
    HeaderField {
        /// `header`, `op` or `t`.
        field: &'static str,
    },
    /// Nothing follows the header.
    #[error("body is missing")]
    BodyMissing,
    /// The body is not DAG-CBOR, or something follows it.
    #[error("body is malformed: {0}")]
    Body(CborError),
    /// The body is not a map.
    #[error("body is not a map")]
    BodyNotMap,
    /// An error frame (`op` -1) without a text `error`, or with a `message` that is not text.
    #[error("error frame does not name its error")]
    ErrorUnnamed,
}

impl FrameError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "frame_too_long",
            Self::Empty => "frame_empty",
            Self::Header(_) => "header_malformed",
            Self::HeaderField { .. } => "header_unusable",
            Self::BodyMissing => "body_missing",
            Self::Body(_) => "body_malformed",
            Self::BodyNotMap => "body_not_map",
            Self::ErrorUnnamed => "error_unnamed",
        }
    }
}

/// What is wrong with a field of a sound message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldFault {
    /// It is required and not there.
    Missing,
    /// It has another type.
    WrongType,
    /// It is text that breaks the grammar of its type.
    Syntax,
    /// It is a number outside its range.
    Range,
    /// It is a DID of a method other than `plc` and `web`.
    DidMethod,
}

impl FieldFault {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
            Self::Syntax => "syntax",
            Self::Range => "range",
            Self::DidMethod => "did_method",
        }
    }
}

/// A sound frame whose body is not a valid message of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("field {field} is unusable: {}", .fault.label())]
pub struct SchemaError {
    /// The first field that is wrong, `ops[].path` for one of an op.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: FieldFault,
    /// The message's `seq`, where it could be read and lies in 1 to 2^53-1, so that a cursor may pass the message.
    pub seq: Option<u64>,
}

impl SchemaError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.fault.label()
    }
}

/// Why a message body gave no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MessageError {
    /// The frame as a whole is malformed.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The frame is sound and its body is not a valid message.
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

impl MessageError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Frame(error) => error.label(),
            Self::Schema(error) => error.label(),
        }
    }
}
