//! How far a host has been read.
//!
//! A host numbers or pages what it serves. standpipe remembers, per stream and host, the point behind which
//! everything is durable: the [`Cursor`]. It is exclusive: the first event that is still wanted comes after it.
//!
//! **The one contract:** a cursor is never guessed. What is stored is either readable, or absent, or an error
//! ([`CursorError`]); an error never reads as "from the start" or "from now".
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `seq` | [`Seq`], the number that a host gives a frame |
//! | `cursor` | [`Cursor`], a seq or an opaque page token, as it is stored |
//! | `endpoint` | [`Endpoint`], a host as people write it, parsed once |
//! | `key` | [`CursorKey`], the name under which a cursor is stored |
//! | `resume` | [`Resume`], where to begin reading, from what is stored and what is configured |
//! | `store` | [`CursorStore`], how operators and simple sinks reach stored cursors |
//!
//! # Example
//!
//! ```
//! use standpipe_cursor::{Cursor, CursorKey, Endpoint, Resume, Seq, Start};
//!
//! let endpoint: Endpoint = "https://bsky.network/".parse()?;
//! let key = CursorKey::new("firehose_live", &endpoint);
//! assert_eq!(key.to_string(), "firehose_live:cursor:bsky.network");
//!
//! let stored = Cursor::parse("31527015322")?;
//! assert_eq!(Resume::decide(Some(&stored), Start::Live)?, Resume::After(Seq::new(31_527_015_322).unwrap()));
//! assert_eq!(Resume::decide(None, Start::Live)?, Resume::Live);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cursor;
mod endpoint;
mod error;
mod key;
mod resume;
mod seq;
mod store;

pub use cursor::Cursor;
pub use endpoint::Endpoint;
pub use error::{CursorError, EndpointError};
pub use key::CursorKey;
pub use resume::{Resume, Start};
pub use seq::Seq;
pub use store::CursorStore;
