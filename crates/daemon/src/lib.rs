//! What all daemons share: settings, telemetry, health, signals, exit codes.
//!
//! A daemon says what it reads and how one host's frames become entries; this crate does the rest.
//!
//! **The one contract:** nothing starts on a guess. What was written becomes a [`Plan`](settings::Plan) of values that
//! need no further check, or a list of everything that is wrong with it.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | [`settings`] | what was written where, and what it means |
//! | [`ingest`] | one host's child: from the stored cursor through the pump, over and over |
//! | [`exit`] | exit codes |
//!
//! # Example
//!
//! ```
//! use std::path::Path;
//! use standpipe_daemon::settings::{CommandLine, Config, Plan, Upstream};
//!
//! let arguments = ["firehose", "--relay-hosts", "https://bsky.network/"].map(Into::into);
//! let command_line = CommandLine::parse("firehose", "reads relays", arguments)?;
//! let config = Config::gather(&command_line, &[], Path::new("."));
//! let (plan, effective) = Plan::read(config, Upstream::Relays)?;
//! assert_eq!(plan.hosts[0].name(), "bsky.network");
//! println!("{effective}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod exit;
pub mod ingest;
pub mod settings;
