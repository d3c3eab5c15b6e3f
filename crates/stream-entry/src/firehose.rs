//! Entries of the stream [`FIREHOSE_LIVE`](crate::FIREHOSE_LIVE): what happened to one record, account or repo.
//!
//! [`EntryWriter`] appends entries to a buffer, [`Entry`] reads them. Writers hand over borrowed strings and let the
//! record write itself; readers get strings that borrow from the entry's text, and the record as text.
//!
//! Shape: one JSON object, `type` first, then `seq`, `time` and `did`, then what the type adds. A key means the same
//! in every type that has it. Readers ignore keys that they do not know.

mod account;
mod entry;
mod kind;
mod profile;
mod wire;
mod writer;

pub use account::{Account, AccountStatus};
pub use entry::{Entry, Event, Identity, Record, RecordDelete, RecordWrite, RepoState};
pub use kind::Kind;
pub use profile::Profile;
pub use writer::{CommitHead, EntryWriter, FrameHead, RecordPath, SyncOutcome};
