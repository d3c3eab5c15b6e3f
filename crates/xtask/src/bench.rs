use crate::error::TaskError;
use crate::process::{cargo, run};
use crate::redis;

/// The benchmarks of docs/performance.md, slowest last.
pub(crate) fn run_all() -> Result<(), TaskError> {
    redis::find_or_install()?;
    for package in [
        "standpipe-eventstream",
        "standpipe-projection",
        "standpipe-subscription",
        "standpipe-list-repos",
        "standpipe-identity",
        "standpipe-redis-sink",
        "standpipe-log-sink",
        "standpipe-daemon",
        "standpipe-simulator",
    ] {
        run(&mut cargo(["bench", "--locked", "--benches", "--package", package]))?;
    }
    run(&mut cargo(["build", "--locked", "--release", "--bins"]))?;
    run(&mut cargo(["bench", "--locked", "--benches", "--package", "standpipe-oracle"]))
}
