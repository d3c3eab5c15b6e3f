//! The rig for end-to-end checks: real servers under control, and a network with faults.
//!
//! What is checked runs against a real `redis-server` or `valkey-server`, and over a proxy whose faults are switched
//! on and off by the check. The rig depends on none of the crates that it helps to check, so that a mistake in one
//! of them cannot hide itself.
//!
//! **The one contract:** nothing here waits for time to pass. Everything waits for a condition with a deadline, and
//! every fault counts how often it fired, so that a check can show that it did.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `redis_server` | [`RedisServer`]: a server process of its own, to be killed, restarted and paused |
//! | `resp` | [`RespClient`] and [`Reply`]: raw commands to such a server |
//! | `proxy` | [`Proxy`]: a TCP proxy with faults |
//! | `error` | [`RigError`] |
//!
//! # Example
//!
//! ```no_run
//! use standpipe_oracle::{Proxy, RedisOptions, RedisServer};
//!
//! # async fn check() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = RedisServer::start(RedisOptions::default()).await?;
//! let proxy = Proxy::start(server.address()).await?;
//! proxy.eat_replies(1, b"EVALSHA");
//! // … what is checked talks to proxy.address() …
//! proxy.until(|fired| fired.eaten == 1).await?;
//! server.kill()?;
//! server.restart().await?;
//! assert_eq!(server.command(["XLEN", "firehose_live"]).await?.integer(), Some(1));
//! # Ok(())
//! # }
//! ```

mod error;
mod proxy;
mod redis_server;
mod resp;

pub use error::RigError;
pub use proxy::{Cut, Fired, Proxy};
pub use redis_server::{Persistence, RedisOptions, RedisServer};
pub use resp::{Reply, RespClient};
