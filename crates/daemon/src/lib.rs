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
//! | `host`, `crew`, `newcomers` | [`Host`], whom a child reads; the children of all, and [`Newcomers`], by which more come |
//! | [`settings`] | what was written where, and what it means |
//! | [`ingest`] | one host's child: from the stored cursor through the pump, over and over |
//! | `sinks` | the sink that was chosen, opened and looked after |
//! | `ledger`, `stream`, `gaps` | [`HostLedger`], the account of one host; the stream that all share; what hosts lost |
//! | [`metrics`], `health`, `status`, `heartbeat` | what is made of ledgers: [`Metrics`], [`Health`], a page, a line |
//! | [`admin`], `page`, `healthcheck` | the pages that show them, and [`ask`], which asks for one |
//! | `enumeration` | [`Enumeration`]: how far the list of a host is, and how the last one ended |
//! | `lookups` | [`Lookups`]: who looks identities up |
//! | `probes` | what is looked at before a host is tried again |
//! | `positions`, `acquaintances`, `state_file` | where hosts were left, and who was looked up, for the next process |
//! | `attendant` | [`attendant`]: a child that works for those that read hosts |
//! | `chronicle` | [`Chronicle`]: who writes down what must outlive the process |
//! | `cursor_command` | what an operator says and asks about stored cursors |
//! | `journal`, `incidents` | what of a run outlives the process; what is told of it |
//! | `quarantine` | [`Quarantine`]: unusable frames, kept as evidence |
//! | `tail` | [`Tail`]: what of the embedded log is shown |
//! | `telemetry` | log lines, and what is sent to a collector |
//! | `terminal`, `summary` | what people see on a terminal, and [`Form`]: text there, JSON elsewhere; what was listed, at an end |
//! | `signals`, `deaths` | SIGTERM and SIGINT; signals that end the process |
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

mod acquaintances;
pub mod admin;
mod attendant;
mod chronicle;
mod crew;
mod cursor_command;
mod daemon;
mod deaths;
mod enumeration;
mod error;
pub mod exit;
mod found;
mod gaps;
mod health;
mod healthcheck;
mod heartbeat;
mod host;
mod incidents;
pub mod ingest;
mod journal;
mod ledger;
mod lookups;
pub mod metrics;
mod newcomers;
mod page;
mod positions;
mod probes;
mod quarantine;
mod run;
pub mod settings;
mod signals;
mod sinks;
mod state_file;
mod status;
mod stream;
mod summary;
mod tail;
mod telemetry;
mod terminal;

pub use attendant::attendant;
pub use chronicle::Chronicle;
pub use cursor_command::{CursorCommand, CursorTask};
pub use daemon::{Daemon, HostSetup, main};
pub use enumeration::{Completed, Enumeration, Listed};
pub use error::StartError;
pub use gaps::Gap;
pub use health::{AWAY_FOR, Health, HostHealth, ReadyLimits};
pub use healthcheck::ask;
pub use host::{Host, Labeler};
pub use incidents::Incidents;
pub use ledger::{HostLedger, NamedHosts};
pub use lookups::Lookups;
pub use metrics::Metrics;
pub use newcomers::Newcomers;
pub use probes::{Answer, Look, Prober};
pub use quarantine::{Intake, Quarantine};
pub use standpipe_supervisor::BoxError;
pub use status::About;
pub use tail::{Tail, TailFrom};
pub use terminal::Form;
