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
