use std::process::Command;

use crate::checkout;
use crate::error::TaskError;
use crate::process::{self, cargo};
use crate::test::FEATURES;
use crate::tools;

type Step = fn() -> Result<(), TaskError>;

/// Runs every step, goes on after a failure, and names the failed ones at the end.
pub(crate) fn run() -> Result<(), TaskError> {
    let steps: [(&str, Step); 4] =
        [("format", format), ("clippy", clippy), ("docs", docs), ("layers and licences", deny)];
    let mut failed = Vec::new();
    for (name, step) in steps {
        if let Err(error) = step() {
            println!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(TaskError::Steps { steps: failed }) }
}

fn format() -> Result<(), TaskError> {
    process::run(&mut cargo(["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), TaskError> {
    let what = ["clippy", "--locked", "--workspace", "--all-targets", "--quiet"];
    let how = ["--", "-D", "warnings"];
    process::run(&mut cargo(what.iter().chain(&FEATURES).chain(&how)))
}

fn docs() -> Result<(), TaskError> {
    let mut docs = cargo(["doc", "--locked", "--workspace", "--no-deps", "--quiet"]);
    process::run(docs.env("RUSTDOCFLAGS", "-D warnings"))
}

fn deny() -> Result<(), TaskError> {
    let arguments = ["--offline", "--config", ".cargo/deny.toml", "check", "bans", "licenses", "sources"];
    let mut deny = Command::new(tools::find_or_fetch("cargo-deny")?);
    process::run(deny.current_dir(checkout::root()).args(arguments))
}
