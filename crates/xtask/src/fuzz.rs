use std::path::Path;
use std::process::Command;

use clap::Args;

use crate::checkout;
use crate::error::TaskError;
use crate::process::run;
use crate::tools;

/// Fuzz targets of the codec, one after the other.
#[derive(Args)]
pub(crate) struct Fuzz {
    /// Only this target
    target: Option<String>,
    /// Seconds for each target
    #[arg(long, default_value_t = 600)]
    seconds: u32,
}

impl Fuzz {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let cargo_fuzz = tools::find_or_fetch("cargo-fuzz")?;
        let targets = match self.target {
            Some(target) => vec![target],
            None => ["frame", "labels", "car", "record_json"].map(str::to_owned).to_vec(),
        };
        targets.iter().try_for_each(|target| fuzz(&cargo_fuzz, target, self.seconds))
    }
}

/// Without a sanitizer the stable toolchain is enough, and safe code has little for one to find.
fn fuzz(cargo_fuzz: &Path, target: &str, seconds: u32) -> Result<(), TaskError> {
    let limit = format!("-max_total_time={seconds}");
    let mut command = Command::new(cargo_fuzz);
    command.current_dir(checkout::root().join("fuzz")).args(["run", "-s", "none", target, "--", &limit]);
    run(&mut command)
}
