use crate::firehose::Kind;

/// Why the value of a stream entry cannot be read.
///
/// None of these is transient: the same bytes fail again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// The value is not one JSON object, or a field of the contract holds another type of value.
    #[error("read the entry as JSON")]
    Json(#[source] serde_json::Error),
    /// The `type` is none that this version knows; a later writer may have more.
    #[error("read an entry of the unknown type {name:?}")]
    UnknownType {
        /// What the entry says.
        name: String,
    },
    /// A field that this type of entry always has is not there.
    #[error("find {field:?} in an entry of type \"{kind}\"")]
    MissingField {
        /// The entry's type.
        kind: Kind,
        /// The key that is not there.
        field: &'static str,
    },
    /// `seq` is neither a number of an event (0 to 2^64 - 1) nor -1.
    #[error("read {number} as a seq")]
    Seq {
        /// What the entry says.
        number: serde_json::Number,
    },
}
