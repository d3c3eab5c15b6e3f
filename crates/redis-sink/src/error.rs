use std::error::Error;

use standpipe_cursor::{Cursor, CursorError};
use standpipe_pipeline::{Remedy, Transient};
use thiserror::Error;

/// Why a writer, a check or a look at the server came to an end.
///
/// Writers wait for a server that does not answer or cannot write; these are the errors that waiting does not cure.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedisError {
    /// Another process has become the writer of this host.
    #[error(
        "write for a host that another writer took over ({key} is {holder:?}): stop one of the two, then restart \
         this one or delete {key}"
    )]
    Fenced {
        /// The fence's key.
        key: String,
        /// What it holds.
        holder: String,
    },
    /// The stored cursor is neither that before the batch nor that after it: a failover went back in time, or
    /// somebody set it. Reading begins again from what is stored.
    #[error("append after {expected}: {key} holds {found}")]
    CursorMoved {
        /// The cursor's key.
        key: String,
        /// The cursor that the batch follows, or `nothing`.
        expected: String,
        /// What is stored.
        found: Cursor,
    },
    /// A cursor that the batch moves beside its own is another one: an earlier writer of the host, or an operator, has
    /// set it. Reading begins again from what is stored.
    #[error("move {key} with a batch: it holds something else than was read there")]
    BesideMoved {
        /// The key of that cursor.
        key: String,
    },
    /// The cursor is gone, although this process had seen or stored one.
    #[error(
        "find the cursor {key}, which was there before: set it to where reading shall go on, or restart to begin \
         as configured for a new host"
    )]
    CursorVanished {
        /// The cursor's key.
        key: String,
    },
    /// Something is stored that is no cursor.
    #[error("use the cursor {key}")]
    Cursor {
        /// The cursor's key.
        key: String,
        /// What is wrong with it.
        #[source]
        source: CursorError,
    },
    /// A key that is needed holds something else.
    #[error("use {key} as a {wanted}: it holds a {found}; rename or delete it, or name another stream")]
    WrongType {
        /// The key.
        key: String,
        /// The type that is needed.
        wanted: &'static str,
        /// The type that is there.
        found: String,
    },
    /// The server wants a login, or refuses this one.
    #[error("log in to redis ({reply}): set the user and the password that it expects")]
    Credentials {
        /// The server's words.
        reply: String,
    },
    /// The user may not do what is needed.
    #[error(
        "use redis as this user ({reply}): it needs ~STREAM* and +eval +evalsha +xadd +xlen +get +set +type +info"
    )]
    Permission {
        /// The server's words.
        reply: String,
    },
    /// The server is part of a cluster.
    #[error(
        "use a redis cluster: stream, cursor and fence have plain names and need a server that is not in cluster mode"
    )]
    Cluster,
    /// The server refuses a command for another reason.
    #[error("have redis run a command: {reply}")]
    Refused {
        /// The server's words.
        reply: String,
    },
    /// The server did not answer in time, or not yet. Only from what does not wait: checks and looks.
    #[error("reach redis")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
}

impl Transient for RedisError {
    fn remedy(&self) -> Remedy {
        match self {
            Self::CursorMoved { .. } | Self::BesideMoved { .. } | Self::Unreachable(_) => Remedy::Retry,
            Self::Fenced { .. }
            | Self::CursorVanished { .. }
            | Self::Cursor { .. }
            | Self::WrongType { .. }
            | Self::Credentials { .. }
            | Self::Permission { .. }
            | Self::Cluster
            | Self::Refused { .. } => Remedy::Fail,
        }
    }
}

impl From<RedisError> for CursorError {
    fn from(error: RedisError) -> Self {
        match error {
            RedisError::Cursor { source, .. } => source,
            RedisError::Unreachable(_) => Self::Unavailable(error.into()),
            RedisError::Fenced { .. }
            | RedisError::CursorMoved { .. }
            | RedisError::BesideMoved { .. }
            | RedisError::CursorVanished { .. }
            | RedisError::WrongType { .. }
            | RedisError::Credentials { .. }
            | RedisError::Permission { .. }
            | RedisError::Cluster
            | RedisError::Refused { .. } => Self::Refused(error.into()),
        }
    }
}

/// Why a text is no address of a server. None of these repeats the text, which may hold a password.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no URL.
    #[error("read the redis address: write it as redis://host:port")]
    NoUrl(#[source] url::ParseError),
    /// The scheme is another one.
    #[error("read the redis address: {scheme} is not one of redis, rediss, valkey and valkeys")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// It names no host.
    #[error("read the redis address: it names no host")]
    NoHost,
    /// The path is no database number.
    #[error("read the redis address: {written:?} is not a database from 0 to 255")]
    Database {
        /// The path.
        written: String,
    },
    /// There is a query or a fragment.
    #[error("read the redis address: nothing may follow the database")]
    Trailing,
    /// The user or the password is not percent-encoded UTF-8.
    #[error("read the redis address: user and password must be percent-encoded UTF-8")]
    Credentials,
}

/// Why settings contradict each other.
#[derive(Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A stream that is full would not flow again.
    #[error("use a low-water mark of {low}: it must be below the high-water mark of {high}")]
    LowWater {
        /// The low-water mark.
        low: u64,
        /// The high-water mark.
        high: u64,
    },
}
