//! What is in deploy/: every name in it is one that exists, and what it says of the daemons is so.
//!
//! Alerts and panels are held against a real Prometheus that scrapes real daemons, where there is one:
//! `STANDPIPE_PROMETHEUS` names it, else the PATH; `cargo xtask test` finds or installs it. Where a check needs a
//! container engine and there is none, it says "skipped: no container engine".

#![expect(clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "helpers of tests")]

mod alerts;
mod collector;
mod compile;
mod compose;
mod containers;
mod dashboards;
mod dockerfile;
mod documents;
mod files;
mod known;
#[path = "../firehose/simulated.rs"]
#[expect(dead_code, reason = "shared with the checks of the daemon's main job")]
mod of_firehose;
#[path = "../labeler/simulated.rs"]
mod of_labeler;
mod panels;
mod prometheus;
mod promql;
mod provisioning;
mod rules;
