//! The labeler daemon as a process: what it makes of what simulated labelers say, whatever happens meanwhile.
//!
//! Seeds are printed; `STANDPIPE_SEED` repeats one.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod at_rest;
mod golden;
mod keepsakes;
mod many;
mod moves;
mod negations;
mod rig;
mod signed;
mod simulated;
mod verdicts;
