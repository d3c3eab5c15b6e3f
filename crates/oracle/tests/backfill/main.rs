//! The backfill daemon as a process: what it makes of a simulated host's list, whatever happens meanwhile.
//!
//! Seeds are printed; `STANDPIPE_SEED` repeats one. `STANDPIPE_LONG=1` enumerates a million repos instead of a hundred
//! thousand.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod announce_once;
mod backpressure;
mod every_repo_once;
mod gaps;
mod held;
mod hosts;
mod lists;
mod rig;
mod rounds;
mod terminal;
mod totals;
mod traps;
