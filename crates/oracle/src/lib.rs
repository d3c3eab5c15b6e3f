//! The rig for end-to-end checks: real servers under control, and a network with faults.
//!
//! What is checked runs as a process of its own against a real `redis-server` or `valkey-server`, over a proxy whose
//! faults are switched on and off by the check. What came of it is read past everything that is checked, and counted
//! against what must be there. The rig depends on none of the crates that it helps to check, so that a mistake in one
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
//! | `collector` | [`Collector`]: a real OpenTelemetry collector, to be killed and restarted |
//! | `browser` | [`Browser`]: a real Chromium, driven |
//! | `program` | [`Program`]: a binary of this workspace, built when it is missing |
//! | `daemon_process` | [`DaemonProcess`]: a daemon to be killed, stopped and started again; its pages ([`Answer`]) and [`Usage`] |
//! | `pseudo_terminal` | [`PseudoTerminal`]: a terminal for a daemon to write to |
//! | `expectation` | [`Expectation`]: all that one host's frames must become |
//! | `count` | [`Count`] and [`Verdict`]: what a stream holds, held against an expectation |
//! | `stream_watch` | [`StreamWatch`]: cursor and stream at one instant, and the stream from end to end |
//! | `http`, `usage`, `port` | a page, what a process has used, [`Port`]: one that nobody else takes |
//! | `asked` | [`seed`], [`is_long`] and [`is_ci`]: what the environment asks of a check |
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

mod asked;
mod browser;
mod collector;
mod count;
mod daemon_process;
mod error;
mod expectation;
mod http;
mod port;
mod program;
mod proxy;
mod pseudo_terminal;
mod redis_server;
mod resp;
mod stream_watch;
mod usage;

pub use asked::{is_ci, is_long, seed};
pub use browser::Browser;
pub use collector::Collector;
pub use count::{Count, Verdict};
pub use daemon_process::DaemonProcess;
pub use error::RigError;
pub use expectation::{Expectation, ExpectedFrame};
pub use http::Answer;
pub use port::Port;
pub use program::{Build, Program};
pub use proxy::{Cut, Fired, Proxy};
pub use pseudo_terminal::PseudoTerminal;
pub use redis_server::{Persistence, RedisOptions, RedisServer};
pub use resp::{Reply, RespClient};
pub use stream_watch::{Sample, StreamWatch};
pub use usage::Usage;
