//! What a daemon's commands say on a terminal, and what a program reads from them.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod incidents;
mod rig;
mod tail;
