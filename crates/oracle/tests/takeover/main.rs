//! Moving over from the origin ingester, and back: its streams, cursors and hosts as they were written, entries that are
//! pending with a consumer, and a consumer that knows nothing of the change.
//!
//! Seeds are printed; `STANDPIPE_SEED` repeats one.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod consumer;
mod history;
mod origin;
mod there_and_back;
