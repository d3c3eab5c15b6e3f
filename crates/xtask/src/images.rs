use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::checkout;
use crate::error::TaskError;
use crate::process::{cargo, run};

/// What deploy/Dockerfile makes.
const TARGETS: [&str; 4] = ["firehose", "backfill", "labeler", "demo"];
/// What is in these images.
const PROGRAMS: [&str; 5] = ["firehose", "backfill", "labeler", "simulator", "consumer"];
const ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An image of each daemon, and one for the demonstration.
#[derive(Args)]
pub(crate) struct Images {
    /// Compile here, with this machine's cargo, instead of in the builder
    #[arg(long)]
    prebuilt: bool,
    /// Only compile, as for --prebuilt, and build no image
    #[arg(long)]
    binaries: bool,
    /// The tag of the images; `latest` is set too
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    tag: String,
    /// Further words for `docker build`, such as `--build-arg RUST_IMAGE=NAME`
    #[arg(last = true)]
    words: Vec<String>,
}

impl Images {
    pub(crate) fn run(self) -> Result<(), TaskError> {
        let revision = revision();
        if self.prebuilt || self.binaries {
            prebuild(&revision)?;
        }
        if self.binaries {
            return Ok(());
        }
        let mode = if self.prebuilt { "prebuilt" } else { "source" };
        TARGETS.iter().try_for_each(|target| run(&mut self.build(target, mode, &revision)))
    }

    fn build(&self, target: &str, mode: &str, revision: &str) -> Command {
        let mut docker = Command::new("docker");
        docker.current_dir(checkout::root()).env("DOCKER_BUILDKIT", "1");
        docker.args(["build", "--file", "deploy/Dockerfile", "--target", target]);
        for tag in [self.tag.as_str(), "latest"] {
            docker.args(["--tag", &format!("standpipe-{target}:{tag}")]);
        }
        let version = env!("CARGO_PKG_VERSION");
        for argument in [format!("MODE={mode}"), format!("VERSION={version}"), format!("REVISION={revision}")]
        {
            docker.args(["--build-arg", &argument]);
        }
        docker.args(&self.words).arg(".");
        docker
    }
}

/// Compiles static binaries, and lays them where the Dockerfile takes them from.
fn prebuild(revision: &str) -> Result<(), TaskError> {
    let host = host()?;
    let named = PROGRAMS.iter().flat_map(|program| ["--bin", program]);
    let mut build =
        cargo(["build", "--locked", "--profile", "dist", "--target", &host].into_iter().chain(named));
    run(build.env("RUSTFLAGS", "-C target-feature=+crt-static").env("STANDPIPE_REVISION", revision))?;

    let images = checkout::root().join("target/images");
    for folder in ["bin", "roots", "volume/state"] {
        let path = images.join(folder);
        fs::create_dir_all(&path).map_err(|source| TaskError::File { path, source })?;
    }
    let compiled = checkout::target().join(&host).join("dist");
    for program in PROGRAMS {
        copy(&compiled.join(program), &images.join("bin").join(program))?;
    }
    let roots = env::var_os("SSL_CERT_FILE").map_or_else(|| PathBuf::from(ROOTS), PathBuf::from);
    copy(&roots, &images.join("roots/ca-certificates.crt"))
}

fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    let bytes = fs::copy(from, to).map_err(|source| TaskError::File { path: from.to_owned(), source })?;
    println!("{} ({bytes} bytes)", to.display());
    Ok(())
}

/// What cargo calls this machine. Told to build for it, cargo builds macros and build scripts apart.
fn host() -> Result<String, TaskError> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|source| TaskError::Start { command: "rustc -vV".to_owned(), source })?;
    let said = String::from_utf8_lossy(&output.stdout);
    said.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).ok_or_else(|| {
        TaskError::Failed { command: "rustc -vV".to_owned(), status: output.status.to_string() }
    })
}

/// The commit that is checked out, marked where files differ from it.
fn revision() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").current_dir(checkout::root()).args(arguments).output().ok()?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(said)
    };
    match (git(&["rev-parse", "HEAD"]), git(&["status", "--porcelain", "--untracked-files=no"])) {
        (Some(commit), Some(changes)) if changes.is_empty() => commit,
        (Some(commit), _) => format!("{commit}-dirty"),
        (None, _) => "unknown".to_owned(),
    }
}
