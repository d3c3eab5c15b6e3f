use thiserror::Error;

use super::{CborError, FieldFault};

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
