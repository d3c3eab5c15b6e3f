//! The sink against a real server, each test with a server of its own.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it skips"
)]

mod beside;
mod capped;
mod contract;
mod cursors;
mod delivery;
mod fencing;
mod login;
mod marks;
mod outages;
mod refusals;
mod setup;
