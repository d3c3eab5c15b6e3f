//! The status page in a real Chromium: what it shows is what `/status` says, whatever the daemons are up to.
//!
//! Without Chromium these are skipped, and say so; with `CI` set they are not. With `STANDPIPE_SCREENSHOTS` naming a
//! folder, the main states are pictured there; `cargo xtask screenshots` does that for docs/images/.

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod axe;
mod comparison;
mod crowd;
mod gone;
mod hands;
mod hostile;
mod lists;
mod rig;
mod stand_in;
mod states;
mod view;
