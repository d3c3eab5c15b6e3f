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
//! | `daemon`, `run` | [`Daemon`], what one daemon is, and [`main`], the whole of its life |
//! | [`settings`] | what was written where, and what it means |
//! | [`ingest`] | one host's child: from the stored cursor through the pump, over and over |
//! | `sinks` | the sink that was chosen, opened and looked after |
//! | `ledger` | [`HostLedger`], the account of one host |
//! | [`metrics`], `health` | what is made of ledgers: [`Metrics`] and [`Health`] |
//! | [`admin`], `healthcheck` | the pages that show them, and [`ask`], which asks for one |
//! | `quarantine` | [`Quarantine`]: unusable frames, kept as evidence |
//! | `tail` | [`Tail`]: what of the embedded log is shown |
//! | `telemetry`, `signals` | log lines; SIGTERM and SIGINT |
//! | [`exit`], `error` | exit codes, and [`StartError`], why there was no start |
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

pub mod admin;
mod daemon;
mod error;
pub mod exit;
mod health;
mod healthcheck;
pub mod ingest;
mod ledger;
pub mod metrics;
mod quarantine;
mod run;
pub mod settings;
mod signals;
mod sinks;
mod tail;
mod telemetry;

pub use daemon::{Daemon, main};
pub use error::StartError;
pub use health::{AWAY_FOR, Health, HostHealth};
pub use healthcheck::ask;
pub use ledger::HostLedger;
pub use metrics::Metrics;
pub use quarantine::{Intake, Quarantine};
pub use tail::{Tail, TailFrom};
