//! A log over several runs: what is written, what is left behind, and what it tells.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod last_run;
mod log;
mod rig;
mod telling;
