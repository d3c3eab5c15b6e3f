//! Everything that this crate can say no to.
//!
//! Each enum has `label`, a stable lower-case word for metrics, and a `Display` that says what and where. Offsets
//! count bytes from the start of the frame, or of the block where a block is judged.

use thiserror::Error;

/// What is wrong with DAG-CBOR bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CborFault {
    /// The input ends inside an item, or a declared length or count cannot fit what is left.
    Truncated,
    /// Bytes follow the item.
    Trailing,
    /// A length of unspecified size, or the break code.
    Indefinite,
    /// Additional information 28 to 30, which is reserved.
    ReservedInfo,
    /// A number or length that is not written in its shortest form.
    NotShortest,
    /// A map key that is not text.
    KeyNotText,
    /// A map key that sorts before the one in front of it.
    UnsortedKey,
    /// A map key that appears twice.
    DuplicateKey,
    /// Text that is not UTF-8.
    Utf8,
    /// A tag other than 42.
    Tag,
    /// A tag 42 that does not hold `00` and a blessed CID.
    Link,
    /// A floating-point number of any width.
    Float,
    /// `undefined` or another simple value than false, true and null.
    SimpleValue,
    /// An integer outside the 64 bits with sign of the data model.
    IntegerRange,
    /// More nested arrays and maps than are allowed here.
    TooDeep,
    /// A well-formed item of another type than is needed here.
    WrongType,
}

impl CborFault {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Trailing => "trailing_bytes",
            Self::Indefinite => "indefinite_length",
            Self::ReservedInfo => "reserved_info",
            Self::NotShortest => "not_shortest_form",
            Self::KeyNotText => "key_not_text",
            Self::UnsortedKey => "unsorted_key",
            Self::DuplicateKey => "duplicate_key",
            Self::Utf8 => "invalid_utf8",
            Self::Tag => "foreign_tag",
            Self::Link => "invalid_link",
            Self::Float => "float",
            Self::SimpleValue => "simple_value",
            Self::IntegerRange => "integer_range",
            Self::TooDeep => "too_deep",
            Self::WrongType => "wrong_type",
        }
    }
}

/// DAG-CBOR that is not to be had: what is wrong, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{} at byte {offset}", .fault.label())]
pub struct CborError {
    /// What is wrong.
    pub fault: CborFault,
    /// Where the item begins, or where the bytes end.
    pub offset: usize,
}

impl CborError {
    #[inline]
    pub(crate) const fn new(fault: CborFault, offset: usize) -> Self {
        Self { fault, offset }
    }
}

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

/// Text that breaks the grammar of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
pub enum SyntaxError {
    /// Not a DID.
    #[error("not a did")]
    Did,
    /// Not a handle.
    #[error("not a handle")]
    Handle,
    /// Not an NSID.
    #[error("not an nsid")]
    Nsid,
    /// Not a record key.
    #[error("not a record key")]
    RecordKey,
    /// Not one NSID, one slash and one record key.
    #[error("not a collection and a record key")]
    RepoPath,
    /// Not a TID.
    #[error("not a tid")]
    Tid,
    /// Not a datetime.
    #[error("not a datetime")]
    Datetime,
    /// Not the text of a blessed CID.
    #[error("not a cid")]
    Cid,
}

impl SyntaxError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Did => "did_syntax",
            Self::Handle => "handle_syntax",
            Self::Nsid => "nsid_syntax",
            Self::RecordKey => "record_key_syntax",
            Self::RepoPath => "path_syntax",
            Self::Tid => "tid_syntax",
            Self::Datetime => "datetime_syntax",
            Self::Cid => "cid_syntax",
        }
    }
}

/// A CAR that breaks the reader rules. Offsets count from the start of the CAR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CarError {
    /// No bytes at all.
    #[error("car is empty")]
    Empty,
    /// More than 4 GiB, which the index does not address.
    #[error("car of {len} bytes is over the limit")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A length that is not a shortest varint of at most nine bytes, or is cut.
    #[error("car length at byte {offset} is malformed")]
    Varint {
        /// Where it begins.
        offset: usize,
    },
    /// A header length outside 1 to 4096.
    #[error("car header length {len} is out of range")]
    HeaderLength {
        /// The declared length.
        len: u64,
    },
    /// The header is not DAG-CBOR.
    #[error("car header is malformed: {0}")]
    Header(CborError),
    /// `version` is not 1, or `roots` is not an array of links.
    #[error("car header field {field} is unusable")]
    HeaderField {
        /// `header`, `version` or `roots`.
        field: &'static str,
    },
    /// The header lists no root.
    #[error("car has no root")]
    NoRoot,
    /// A section is shorter than a CID or longer than what is left.
    #[error("car section at byte {offset} has an impossible length")]
    SectionLength {
        /// Where the section begins.
        offset: usize,
    },
    /// A section begins with something else than a blessed CID.
    #[error("car section at byte {offset} has no blessed cid")]
    SectionCid {
        /// Where the section begins.
        offset: usize,
    },
    /// A block's bytes are not those that its CID names.
    #[error("block at byte {offset} does not match its cid")]
    Hash {
        /// Where the block's bytes begin.
        offset: usize,
    },
}

impl CarError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Empty => "car_empty",
            Self::TooLong { .. } => "car_too_long",
            Self::Varint { .. } => "car_varint",
            Self::HeaderLength { .. } => "car_header_length",
            Self::Header(_) => "car_header_malformed",
            Self::HeaderField { .. } => "car_header_unusable",
            Self::NoRoot => "car_no_root",
            Self::SectionLength { .. } => "car_section_length",
            Self::SectionCid { .. } => "car_section_cid",
            Self::Hash { .. } => "block_hash",
        }
    }
}

/// What a refusal of a commit or sync message means for its repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// The message contradicts itself: nothing of it is to be used.
    Reject,
    /// The message says that it is incomplete: nothing of it is to be used, and the repository needs a resync.
    Desync,
}

/// A well-formed `#commit` or `#sync` that breaks a rule that can be seen without keys, tree or history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckError {
    /// More than 2,000,000 bytes of blocks.
    #[error("blocks of {len} bytes are over the limit")]
    BlocksTooLong {
        /// Their length in bytes.
        len: usize,
    },
    /// More than 200 ops.
    #[error("{count} ops are over the limit")]
    TooManyOps {
        /// Their number.
        count: usize,
    },
    /// `rev` is not a TID.
    #[error("rev is not a tid")]
    RevSyntax,
    /// `rev` lies more than five minutes ahead of the clock.
    #[error("rev is {ahead_micros} microseconds ahead of the clock")]
    RevFuture {
        /// How far ahead it is.
        ahead_micros: u64,
    },
    /// `tooBig` is set: the host left out what did not fit.
    #[error("commit is marked too big")]
    TooBig,
    /// An action other than create, update and delete.
    #[error("op {index} has an unknown action")]
    UnknownAction {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// A create or update without `cid`, a create with `prev`, or a delete with `cid`.
    #[error("op {index} has the wrong shape for its action")]
    OpShape {
        /// Its place in the list, from 0.
        index: usize,
    },
    /// Two ops have the same path.
    #[error("two ops have the same path")]
    DuplicatePath,
    /// The CAR breaks the reader rules, or a block that is used does not match its CID.
    #[error(transparent)]
    Car(#[from] CarError),
    /// The first root is not the message's `commit`.
    #[error("first root is not the commit")]
    RootNotCommit,
    /// The commit's block is not in the CAR.
    #[error("commit block is missing")]
    CommitMissing,
    /// The block of a created or updated record is not in the CAR.
    #[error("record block of op {index} is missing")]
    RecordMissing {
        /// The op's place in the list, from 0.
        index: usize,
    },
    /// A block that was asked for is not in the CAR.
    #[error("block is missing")]
    BlockMissing,
    /// The commit's block is not one DAG-CBOR map.
    #[error("commit object is malformed: {0}")]
    CommitMalformed(CborError),
    /// A field of the commit object is missing, of another type, or empty.
    #[error("commit object field {field} is unusable: {}", .fault.label())]
    CommitField {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        fault: FieldFault,
    },
    /// The commit object is not of version 3.
    #[error("commit object has version {version}")]
    CommitVersion {
        /// Its version.
        version: i64,
    },
    /// The commit object names another DID than the message.
    #[error("commit object is of another did")]
    DidMismatch,
    /// The commit object has another revision than the message.
    #[error("commit object has another rev")]
    RevMismatch,
}

impl CheckError {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BlocksTooLong { .. } => "blocks_too_long",
            Self::TooManyOps { .. } => "too_many_ops",
            Self::RevSyntax => "rev_syntax",
            Self::RevFuture { .. } => "rev_future",
            Self::TooBig => "too_big",
            Self::UnknownAction { .. } => "unknown_action",
            Self::OpShape { .. } => "op_shape",
            Self::DuplicatePath => "duplicate_path",
            Self::Car(error) => error.label(),
            Self::RootNotCommit => "root_not_commit",
            Self::CommitMissing => "commit_missing",
            Self::RecordMissing { .. } => "record_missing",
            Self::BlockMissing => "block_missing",
            Self::CommitMalformed(_) => "commit_malformed",
            Self::CommitField { .. } => "commit_field",
            Self::CommitVersion { .. } => "commit_version",
            Self::DidMismatch => "did_mismatch",
            Self::RevMismatch => "rev_mismatch",
        }
    }

    /// What the refusal means for the repository.
    #[must_use]
    pub fn consequence(&self) -> Consequence {
        if matches!(self, Self::TooBig) { Consequence::Desync } else { Consequence::Reject }
    }
}

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
