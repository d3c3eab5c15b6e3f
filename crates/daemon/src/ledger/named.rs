use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// The hosts that a relay has named when it was asked for all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NamedHosts {
    /// When the last of them was named.
    pub at: Timestamp,
    /// How many it named, those included that cannot be read.
    pub named: u64,
    /// How many of them are read.
    pub read: u64,
    /// How many of these were not read before.
    pub new: u64,
    /// How many are not read, by reason.
    #[serde(serialize_with = "as_map")]
    pub skipped: Vec<(&'static str, u64)>,
}

/// Counts by a word, as people read them.
pub(crate) fn as_map<S: Serializer>(
    counts: &[(&'static str, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().copied())
}
