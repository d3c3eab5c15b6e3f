//! Entries of the stream [`LABEL_LIVE`](crate::LABEL_LIVE): the labels that a labeler sent in one frame.
//!
//! [`LabelsWriter`] appends an entry to a buffer label by label, [`LabelsEntry`] reads one.
//!
//! Shape: one JSON object with `seq` and `labels`, a list of objects that begin with `src`, `uri`, `cid`, `val`, `neg`
//! and `cts`, and then have what else there is of `ver`, `exp`, `sig` and `verdict`. The order of the list is the order
//! to apply the labels in. Readers ignore keys that they do not know.

mod entry;
mod verdict;
mod writer;

pub use entry::{Label, LabelsEntry};
pub use verdict::Verdict;
pub use writer::LabelsWriter;
