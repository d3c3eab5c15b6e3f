//! The firehose daemon as a process: what it makes of a simulated relay's frames, whatever happens meanwhile.
//!
//! Seeds are printed; `STANDPIPE_SEED` repeats one. `STANDPIPE_LONG=1` makes outages last as long as they do.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod backpressure;
mod exactly_once_log;
mod exactly_once_redis;
mod incident;
mod network;
mod rig;
mod shutdown;
mod simulated;
mod soak;
mod two_hosts;
