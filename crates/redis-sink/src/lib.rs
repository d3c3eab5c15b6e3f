//! Entries and cursor into a Redis stream, in one atomic step.
//!
//! Each batch is one script call: it compares the stored cursor with the one that the batch follows and, where they
//! are equal, appends all entries and stores the cursor that they reach. Redis 6.2 and later and Valkey are served.
//!
//! **The one contract:** an entry is appended once, and the cursor never passes one that is not there. A batch that is
//! sent again after a lost reply is recognised and answered "already"; of two writers on one host only the later one
//! can append; and a cursor that is gone is an error, never a beginning.
//!
//! While the stream is at its high-water mark, or the server is away or cannot write, a writer keeps its batch and
//! waits. What waiting does not cure is a [`RedisError`].
//!
//! # Keys
//!
//! | key | type | what |
//! |---|---|---|
//! | `{stream}` | stream | one entry an event, with one field |
//! | `{stream}:cursor:{host}` | string | behind which everything is in the stream |
//! | `{stream}:fence:{host}` | string | `{epoch}:{writer}`: who may append |
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `settings`, `address`, `password` | [`RedisSettings`] and what it is made of |
//! | `sinks` | [`RedisSinks`]: where writers come from; what operators use |
//! | `writer` | [`RedisWriter`]: one host's sink, and how it waits |
//! | `script`, `acquire.lua`, `append.lua` | the two scripts, and what their answers mean |
//! | `link` | one connection; the only place that knows the client library |
//! | `outage` | which refusals pass by themselves |
//! | `pressure` | telling readiness, and pausing between tries |
//! | `memory`, `names` | what is known of hosts, and what their keys are called |
//! | `holder` | [`Holder`]: who writes for a host, and whether it is connected |
//! | `check`, `findings`, `probe` | what a daemon asks at its start, and for its metrics |
//! | `capped` | [`CappedStream`]: what is told besides the events, the newest of it |
//! | `tls`, `error` | the platform's roots; [`RedisError`] |
//!
//! # Example
//!
//! ```no_run
//! use standpipe_cursor::CursorKey;
//! use standpipe_pipeline::{Acquire, Acquired};
//! use standpipe_redis_sink::{Password, RedisAddress, RedisSettings, RedisSinks};
//!
//! # async fn start() -> Result<(), Box<dyn std::error::Error>> {
//! let address: RedisAddress = "rediss://ingest@redis.example:6380".parse()?;
//! let address = address.with_password(Password::new("read from a file"));
//! let sinks = RedisSinks::new(RedisSettings::new(address, "firehose_live", "event"));
//!
//! let key = CursorKey::new("firehose_live", &"bsky.network".parse()?);
//! for concern in sinks.check(std::slice::from_ref(&key)).await?.concerns {
//!     eprintln!("{concern}");
//! }
//! let Acquired { sink, cursor } = sinks.acquire(&key).await?;
//! # let _ = (sink, cursor);
//! # Ok(())
//! # }
//! ```

mod address;
mod capped;
mod check;
mod error;
mod findings;
mod holder;
mod link;
mod memory;
mod names;
mod outage;
mod password;
mod pressure;
mod probe;
mod script;
mod settings;
mod sinks;
mod tls;
mod writer;

pub use address::RedisAddress;
pub use capped::CappedStream;
pub use error::{AddressError, RedisError, SettingsError};
pub use findings::{Concern, Findings};
pub use holder::Holder;
pub use password::Password;
pub use probe::Probe;
pub use settings::{Deadlines, Marks, RedisSettings};
pub use sinks::RedisSinks;
pub use writer::RedisWriter;
