use crate::error::TaskError;
use crate::process::{cargo, run};
use crate::redis;

/// The benchmarks of docs/performance.md, slowest last.
pub(crate) fn run_all() -> Result<(), TaskError> {
    redis::find_or_install()?;
    for package in
        ["standpipe-eventstream", "standpipe-subscription", "standpipe-redis-sink", "standpipe-log-sink"]
    {
        run(&mut cargo(["bench", "--locked", "--package", package]))?;
    }
    run(&mut cargo(["build", "--locked", "--release", "--bins"]))?;
    run(&mut cargo(["bench", "--locked", "--package", "standpipe-oracle", "--bench", "end_to_end"]))
}
