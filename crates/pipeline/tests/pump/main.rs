//! The pump against a scripted source and sink, under paused time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod ends;
mod pace;
mod rig;
