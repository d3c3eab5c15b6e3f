//! Decodes the event streams of the AT Protocol: websocket messages into typed messages, records into JSON text.
//!
//! **The contract.** Any bytes give a value or a typed error, never a panic, in time and memory in proportion to the
//! bytes that are there. A value borrows from its frame; the one copy of a record is its JSON. What is accepted is
//! strict DAG-CBOR, and what a message says about itself (its CIDs, limits and the commit object) has been held
//! against its blocks. Signatures, trees and history are not looked at here.
//!
//! # From bytes to JSON
//!
//! 1. [`Frame::parse`] reads the header: a message, an error frame, or something unknown.
//! 2. [`RepoMessage::parse`] reads the body: every message of `com.atproto.sync.subscribeRepos`. A malformed frame
//!    ([`FrameError`]) and a sound frame with a wrong field ([`SchemaError`], with its `seq` where that can be read)
//!    are different errors.
//! 3. [`Checker::commit`] and [`Checker::sync`] hold the message against its blocks. Their refusal ([`CheckError`])
//!    concerns the whole message.
//! 4. [`CheckedCommit::ops`] gives one op after another. A path that is none ([`BadPath`]) drops that op only.
//! 5. [`CheckedCommit::record`] hashes the record of an op, so ask for it after filtering by path; a wrong hash is a
//!    [`CheckError`] again. [`Record::write_json`] appends its JSON; a [`RecordError`] drops that op only.
//!
//! [`LabelMessage::parse`] does for `com.atproto.label.subscribeLabels` what the second step does for the firehose:
//! [`Labels::labels`] then gives one label after another, and a [`LabelError`] drops that label only.
//!
//! ```
//! use standpipe_eventstream::{Checker, Frame, HashScope, MessageError, RepoMessage};
//!
//! let identity = b"\xa2\x61t\x69#identity\x62op\x01\
//!     \xa3\x63did\x78\x20did:plc:7iza6de2dwap2sbkpav7c6c6\x63seq\x18\x2a\x64time\x742026-07-04T14:38:09Z";
//! let mut checker = Checker::new(HashScope::Used);
//! let now_micros = 1_783_175_889_000_000;
//! match Frame::parse(identity)? {
//!     Frame::Message(message) => match RepoMessage::parse(&message)? {
//!         RepoMessage::Commit(commit) => match checker.commit(&commit, now_micros) {
//!             Ok(checked) => println!("{} ops", checked.ops().count()),
//!             Err(error) => println!("{} refused: {error} ({})", commit.seq, error.label()),
//!         },
//!         RepoMessage::Identity(identity) => assert_eq!((identity.seq, identity.handle.valid()), (42, None)),
//!         other => println!("{:?}", other.seq()),
//!     },
//!     Frame::Error(error) => println!("the host says {}", error.name),
//!     Frame::Unknown(unknown) => println!("skipped: {}", unknown.label()),
//! }
//! # Ok::<(), MessageError>(())
//! ```
//!
//! # Layout
//!
//! | module | concept |
//! |---|---|
//! | [`cbor`] | the strict DAG-CBOR reader |
//! | `frame`, `body` | header and body of one websocket message; what message families share |
//! | `repos` | the messages of subscribeRepos |
//! | `labels` | the messages of subscribeLabels, and the bytes that the signature of a label is over |
//! | `info` | the message that both have |
//! | `car`, `cid`, `tid` | blocks, their names, revisions |
//! | `check`, `op`, `commit_object` | a message held against its blocks |
//! | [`record`], [`json`] | a record as JSON text |
//! | `syntax` | identifiers: DID, handle, NSID, record key, path, datetime, URI, CID as text |
//! | `error` | everything that can be said no to |

pub mod cbor;
pub mod json;
pub mod record;

mod body;
mod car;
mod check;
mod cid;
mod commit_object;
mod error;
mod frame;
mod info;
mod labels;
mod op;
mod repos;
mod syntax;
mod tid;

pub use self::body::MAX_SEQ;
pub use self::car::{Block, BlockIndex, Car};
pub use self::check::{
    CheckedCommit, CheckedSync, Checker, HashScope, Induction, MAX_BLOCKS_LEN, MAX_OPS, MAX_REV_AHEAD_MICROS,
    SPEC_SYNC_BLOCKS_LEN,
};
pub use self::cid::{Cid, CidBuf, Codec};
pub use self::commit_object::CommitObject;
pub use self::error::{
    CarError, CborError, CborFault, CheckError, Consequence, FieldFault, FrameError, LabelError,
    MessageError, RecordError, SchemaError, SyntaxError,
};
pub use self::frame::{Frame, MAX_FRAME_LEN, Message, StreamError, UnknownFrame};
pub use self::info::Info;
pub use self::labels::{Label, LabelMessage, Labels, LabelsIter, MAX_LABEL_VAL_LEN, NegFalse};
pub use self::op::{BadPath, Change, CheckedOps, Op};
pub use self::record::{
    MAX_RECORD_JSON_DEPTH, MAX_RECORD_JSON_LEN, MAX_RECORD_LEN, Record, RecordNotes, SPEC_RECORD_LEN,
};
pub use self::repos::{
    Account, Commit, HandleClaim, Identity, LegacyKind, RepoMessage, RepoOp, RepoOpAction, RepoOps, Sync,
};
pub use self::syntax::{CidSyntax, Datetime, Did, DidMethod, Handle, Nsid, RecordKey, RepoPath, Uri};
pub use self::tid::Tid;
