//! A log of what ended, how and why, that outlives the process; and what it tells.
//!
//! A process writes a record when it begins, one for each ending of a child ([`ExitReport`]) and for whatever else
//! somebody will ask about, and a farewell. Where there is no farewell, the next run finds out what happened from the
//! sign of life that the last one left, the machine's boot and the kernel's count of kills for memory.
//!
//! **The one contract:** a record that counts as written is on the disk, whatever happens to the process or its power,
//! and nobody waits for that: records are handed to a thread of the log's own. The log is bounded, and what it cannot
//! keep is counted.
//!
//! # On the disk
//!
//! | file in the folder | what |
//! |---|---|
//! | `{daemon}.jsonl` | one JSON object a line, [`Incident`], the newest last |
//! | `{daemon}.older.jsonl` | what was written before that; each holds half of the bound |
//! | `{daemon}.alive` | the last sign of life, and the lock of whoever writes |
//!
//! A line that was torn by a kill is passed over, and cut off at the next start. When the files change, the record of a
//! run's beginning and that of its first ending are carried over.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `incident` | [`Incident`] and [`What`]: the records |
//! | `run_ending` | [`Farewell`], [`RunEnding`], [`LastRun`]: how a run ends, and how that is known |
//! | `log`, `queue`, `writer` | [`IncidentLog`]: what is handed in, and the thread that writes it |
//! | `files`, `paths`, `mark` | the files, within their bound; the sign of life |
//! | `kept` | [`Kept`]: what a log holds, read while it is written or after |
//! | `judgement`, `surroundings` | how a run ended that said no farewell; [`Surroundings`] |
//! | `account`, `answers`, `text` | [`Account`]: five questions answered, as text and as JSON lines |
//! | `legible` | [`inert`]: what hosts have sent, as it may stand on a terminal |
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use standpipe_incidents::{Account, Farewell, IncidentLog, LogSettings, Selection, What};
//!
//! let folder = tempfile::tempdir()?;
//! let settings = LogSettings::new(folder.path(), "firehose");
//! let (log, started) = IncidentLog::open(settings.clone(), "1.0.0", &["relay.example".to_owned()], |_| {});
//! assert_eq!(started.last_run.ending.as_str(), "first_run");
//! log.record(What::Released { host: "relay.example".to_owned() });
//! log.say_farewell(Farewell::Clean { reason: Some("SIGTERM".to_owned()) });
//! assert!(log.flush(Duration::from_secs(5)));
//!
//! let account = Account::read(&settings, Selection::Last { runs: 1 })?;
//! println!("{account}");
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! [`ExitReport`]: standpipe_supervisor::ExitReport

mod account;
mod answers;
mod files;
mod incident;
mod judgement;
mod kept;
mod legible;
mod log;
mod mark;
mod paths;
mod queue;
mod run_ending;
mod surroundings;
mod text;
mod writer;

pub use account::{Account, Selection, ToldRun};
pub use answers::{Answers, ChildCount, FirstEnding};
pub use incident::{BACKTRACE_BYTES, ChildEnded, Incident, RunEnded, RunStarted, TEXT_BYTES, What};
pub use kept::{Kept, Record};
pub use legible::inert;
pub use log::{DEFAULT_BYTES, IncidentLog, LogSettings};
pub use run_ending::{Farewell, LastRun, RunEnding};
pub use surroundings::Surroundings;
pub use text::Colored;
