//! What one stream entry says: the contract between standpipe and the services that read its streams.
//!
//! An entry is one element of a stream: a single field whose value is one JSON object. Writers append it to a buffer
//! of theirs, readers borrow from it. `docs/events.md` describes the same contract for readers in any language, and
//! a test keeps its examples equal to what is written here.
//!
//! **The one contract:** an entry is always valid JSON, whatever the strings in it, and what was written reads back
//! equal, in either [`Profile`](firehose::Profile).
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `stream` | [`Stream`], the names under which entries are found |
//! | [`firehose`] | entries of the stream [`FIREHOSE_LIVE`], written and read |
//! | [`backfill`] | entries of the stream [`REPO_BACKFILL`], written and read |
//! | [`label`] | entries of the stream [`LABEL_LIVE`], written and read |
//! | `base64` | bytes as JSON shows them |
//! | `cid_text` | [`CidText`], a CID as an entry shows it |
//! | `json_text` | JSON strings and numbers, appended and borrowed |
//! | `error` | [`EntryError`], why an entry cannot be read |
//!
//! # Example: reading
//!
//! ```
//! use standpipe_stream_entry::firehose::{Entry, Event};
//!
//! let value = br#"{"type":"delete","seq":31527015322,"time":"2026-07-04T14:38:08.999Z",
//!     "did":"did:plc:ewvi7nxzyoun6zhxrhs64oiz","commit":"bafyreihx6zxsmhnjsyvbqrf2rnuxrm2n6hzr3kbdm4suqmbwnp4rjnyzci",
//!     "rev":"3mpuxk5o4lk2h","collection":"app.bsky.feed.like","rkey":"3mpuxk4rz2c2s"}"#;
//!
//! let entry = Entry::parse(value)?;
//! assert_eq!(entry.did, "did:plc:ewvi7nxzyoun6zhxrhs64oiz");
//! match entry.event {
//!     Event::Create(write) | Event::Update(write) => println!("{} {}", write.rkey, write.record.as_str()),
//!     Event::Delete(delete) => assert_eq!(delete.collection, "app.bsky.feed.like"),
//!     Event::Identity(_) | Event::Account(_) | Event::Sync(_) | Event::Repo(_) => {}
//! }
//! # Ok::<(), standpipe_stream_entry::EntryError>(())
//! ```
//!
//! # Example: writing
//!
//! ```
//! use std::convert::Infallible;
//!
//! use standpipe_stream_entry::CidText;
//! use standpipe_stream_entry::firehose::{CommitHead, EntryWriter, FrameHead, Profile, RecordPath};
//!
//! let frame = FrameHead { seq: 7, time: "2026-07-04T14:38:08.999Z", did: "did:plc:ewvi7nxzyoun6zhxrhs64oiz" };
//! let commit = CommitHead { frame, commit: CidText::encode(&[1; 36]), rev: "3mpuxk5o4lk2h" };
//! let path = RecordPath { collection: "app.bsky.feed.like", rkey: "3mpuxk4rz2c2s" };
//!
//! let mut buffer = Vec::new();
//! EntryWriter::new(Profile::Compatible).create(&mut buffer, &commit, &path, &CidText::encode(&[2; 36]), |buffer| {
//!     buffer.extend_from_slice(b"{}");
//!     Ok::<_, Infallible>(())
//! })?;
//! assert!(buffer.ends_with(br#","record":{}}"#));
//! # Ok::<(), Infallible>(())
//! ```

pub mod backfill;
pub mod firehose;
pub mod label;

mod base64;
mod cid_text;
mod error;
mod json_text;
mod stream;

pub use cid_text::CidText;
pub use error::EntryError;
pub use stream::{FIREHOSE_LIVE, LABEL_LIVE, REPO_BACKFILL, Stream};

/// The example in the document for readers is compiled and run with those of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/events.md")]
struct DocumentForReaders;
