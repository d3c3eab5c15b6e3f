//! The messages of `com.atproto.sync.subscribeRepos`, the firehose.
//!
//! Source: the lexicon of that name, and <https://atproto.com/specs/sync>.

mod account;
mod commit;
mod identity;
mod op;
mod sync;

pub use self::account::Account;
pub use self::commit::Commit;
pub use self::identity::{HandleClaim, Identity};
pub use self::op::{RepoOp, RepoOpAction, RepoOps};
pub use self::sync::Sync;
use crate::body::salvage_seq;
use crate::error::MessageError;
use crate::frame::{Message, check_body};
use crate::info::Info;

/// One message of the firehose, borrowed from its frame.
///
/// ```
/// use standpipe_eventstream::{Frame, RepoMessage};
///
/// let bytes = b"\xa2\x61t\x65#info\x62op\x01\xa1\x64name\x6eOutdatedCursor";
/// let Frame::Message(message) = Frame::parse(bytes)? else { panic!("a message") };
/// let RepoMessage::Info(info) = RepoMessage::parse(&message)? else { panic!("an info") };
/// assert_eq!(info.name, "OutdatedCursor");
/// # Ok::<(), standpipe_eventstream::MessageError>(())
/// ```
#[derive(Debug, Clone)]
pub enum RepoMessage<'a> {
    /// `#commit`: records of one repository changed.
    Commit(Commit<'a>),
    /// `#sync`: this is the state of one repository, whatever was said before.
    Sync(Sync<'a>),
    /// `#identity`: the DID document or handle of an account may have changed.
    Identity(Identity<'a>),
    /// `#account`: the hosting status of an account changed.
    Account(Account<'a>),
    /// `#info`: the host speaks of the stream itself.
    Info(Info<'a>),
    /// A kind of an earlier version of the protocol: to be skipped and counted, and the cursor moved.
    Legacy {
        /// Which one.
        kind: LegacyKind,
        /// Its `seq`, where it could be read.
        seq: Option<u64>,
    },
    /// A kind that this version does not know: to be skipped and counted, and the cursor moved.
    Unknown {
        /// The kind as the header says it.
        kind: &'a str,
        /// Its `seq`, where it could be read.
        seq: Option<u64>,
    },
}

/// A kind of message that the protocol had and dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegacyKind {
    /// `#handle`: an account changed its handle; `#identity` says so today.
    Handle,
    /// `#migrate`: an account moved.
    Migrate,
    /// `#tombstone`: an account was deleted; `#account` says so today.
    Tombstone,
}

impl LegacyKind {
    /// A stable lower-case word for metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Handle => "handle",
            Self::Migrate => "migrate",
            Self::Tombstone => "tombstone",
        }
    }
}

impl<'a> RepoMessage<'a> {
    /// Reads the body of a firehose message to its end.
    ///
    /// # Errors
    /// [`MessageError::Frame`] when the body is not one sound DAG-CBOR map, or is followed by more;
    /// [`MessageError::Schema`] when it is and a required field is missing or any known field is unusable.
    pub fn parse(message: &Message<'a>) -> Result<Self, MessageError> {
        match message.kind {
            "#commit" => Commit::parse(message).map(Self::Commit),
            "#identity" => Identity::parse(message).map(Self::Identity),
            "#account" => Account::parse(message).map(Self::Account),
            "#sync" => Sync::parse(message).map(Self::Sync),
            "#info" => Info::parse(message).map(Self::Info),
            "#handle" => Self::legacy(message, LegacyKind::Handle),
            "#migrate" => Self::legacy(message, LegacyKind::Migrate),
            "#tombstone" => Self::legacy(message, LegacyKind::Tombstone),
            kind => {
                check_body(message.frame, message.body_start)?;
                Ok(Self::Unknown { kind, seq: salvage_seq(message) })
            }
        }
    }

    fn legacy(message: &Message<'a>, kind: LegacyKind) -> Result<Self, MessageError> {
        check_body(message.frame, message.body_start)?;
        Ok(Self::Legacy { kind, seq: salvage_seq(message) })
    }

    /// The host's number for the message; `#info` has none, and of skipped kinds it may be unreadable.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Commit(commit) => Some(commit.seq),
            Self::Sync(sync) => Some(sync.seq),
            Self::Identity(identity) => Some(identity.seq),
            Self::Account(account) => Some(account.seq),
            Self::Info(_) => None,
            Self::Legacy { seq, .. } | Self::Unknown { seq, .. } => *seq,
        }
    }
}
