//! The images and containers themselves, where there is a container engine.
//!
//! Published ports are on 127.0.0.1 as this test has it, so it has to share the engine's network.

mod confined;
pub(crate) mod engine;
mod faults;
mod load;
mod observed;
mod strike;
mod tier;

/// The daemons, as compose and images name them.
const DAEMONS: [&str; 3] = ["firehose", "backfill", "labeler"];
