use thiserror::Error;

use super::{CborError, CborFault};

/// A record that cannot become JSON. Only its op is dropped. Offsets count from the start of the record's block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The block is longer than [`MAX_RECORD_LEN`](crate::MAX_RECORD_LEN).
    #[error("record of {len} bytes is over the limit")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// Its JSON text is longer than [`MAX_RECORD_JSON_LEN`](crate::MAX_RECORD_JSON_LEN).
    #[error("json of the record is over the limit")]
    JsonTooLong,
    /// The CID does not say DAG-CBOR.
    #[error("record is not under a dag-cbor cid")]
    Codec,
    /// The record is not a map.
    #[error("record is not a map")]
    NotMap,
    /// A floating-point number.
    #[error("record has a float at byte {offset}")]
    Float {
        /// Where it is.
        offset: usize,
    },
    /// An integer that does not fit 64 bits with sign.
    #[error("record has an integer out of range at byte {offset}")]
    IntegerRange {
        /// Where it is.
        offset: usize,
    },
    /// Nested deeper than a reader of JSON with `serde_json`'s default limit could follow.
    #[error("record is nested too deeply at byte {offset}")]
    TooDeep {
        /// Where the limit is passed.
        offset: usize,
    },
    /// The block is not strict DAG-CBOR.
    #[error("record is malformed: {0}")]
    Malformed(CborError),
}

impl RecordError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "record_too_long",
            Self::JsonTooLong => "record_json_too_long",
            Self::Codec => "record_codec",
            Self::NotMap => "record_not_map",
            Self::Float { .. } => "record_float",
            Self::IntegerRange { .. } => "record_integer_range",
            Self::TooDeep { .. } => "record_too_deep",
            Self::Malformed(_) => "record_malformed",
        }
    }
}

impl From<CborError> for RecordError {
    #[cold]
    fn from(error: CborError) -> Self {
        let CborError { fault, offset } = error;
        if fault == CborFault::Float {
            Self::Float { offset }
        } else if fault == CborFault::IntegerRange {
            Self::IntegerRange { offset }
        } else if fault == CborFault::TooDeep {
            Self::TooDeep { offset }
        } else {
            Self::Malformed(error)
        }
    }
}
