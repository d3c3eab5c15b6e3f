//! The firehose daemon as a process that ends, and what is known of it afterwards.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod copies;
mod given_up;
mod memory;
mod rig;
mod ways;
