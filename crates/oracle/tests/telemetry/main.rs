//! What leaves the firehose daemon for a collector, and that nothing which happens to it harms ingestion.
//!
//! The receiver at the end of the way decodes with the messages of the OTLP specification. Where
//! `STANDPIPE_COLLECTOR` names a collector, as `cargo xtask test` does, a real one stands on the way.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod arrival;
mod lines;
mod outage;
mod receiver;
#[path = "../firehose/rig.rs"]
#[expect(dead_code, reason = "shared with the checks of the daemon's main job")]
mod rig;
mod secrecy;
#[path = "../firehose/simulated.rs"]
#[expect(dead_code, reason = "shared with the checks of the daemon's main job")]
mod simulated;
mod way;
