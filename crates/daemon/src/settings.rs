//! Settings: what was written ([`Config`]) and what it means ([`Plan`]).

mod backfill;
mod command_line;
mod config;
mod effective;
mod flaw;
mod hosts;
mod keys;
mod labels;
mod layer;
mod otlp;
mod plan;
mod reader;
mod sinks;
mod written;

pub use backfill::{BackfillMode, BackfillPlan, GapPolicy};
pub use command_line::{CommandLine, Task};
pub use config::Config;
pub use effective::{Effective, Setting};
pub use flaw::{Flaw, Problem, SettingsError};
pub use keys::{KEYS, Key, Preset};
pub use labels::{IdentityPlan, LabelPlan, OlderThanKey, Verify};
pub use otlp::{OtlpPlan, SecretHeaders, Signals};
pub use plan::{LogFormat, LogLines, OnFutureCursor, Plan, QuarantinePlan, StorePlan, Upstream, Whereabouts};
pub use sinks::{RedisPlan, SinkPlan};

/// What the name of every variable of ours begins with.
pub const VARIABLE_PREFIX: &str = "STANDPIPE_";

/// The variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "STANDPIPE_CONFIG";

/// The settings file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "standpipe.toml";
