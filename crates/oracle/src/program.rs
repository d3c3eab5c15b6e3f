use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use serde_json::Value;

use crate::RigError;

/// A binary of this workspace that the rig runs as a process of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: String,
    path: PathBuf,
}

/// How a [`Program`] is built, when it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// For checks: near the speed of a release at half its build time.
    Checks,
    /// For benchmarks.
    Release,
}

impl Build {
    fn profile(self) -> &'static str {
        match self {
            Self::Checks => "ci",
            Self::Release => "release",
        }
    }
}

/// One build at a time: the second would only wait for the first one's lock, and say so for every test.
static BUILDING: Mutex<()> = Mutex::new(());

impl Program {
    /// Takes the binary of this name from the folder that `STANDPIPE_BIN_DIR` names, else builds it with the cargo
    /// that runs this check, which does nothing where it is built already.
    ///
    /// Blocks for as long as the build takes.
    ///
    /// # Errors
    ///
    /// [`RigError::NoProgram`] when the folder has no such binary, [`RigError::Build`] with cargo's own words.
    #[expect(
        clippy::disallowed_methods,
        reason = "the rig looks for programs itself; it is no library of the product"
    )]
    pub fn find(name: &str, build: Build) -> Result<Self, RigError> {
        let folder = env::var_os("STANDPIPE_BIN_DIR").filter(|folder| !folder.is_empty());
        let path = match folder {
            Some(folder) => Some(Path::new(&folder).join(name))
                .filter(|path| path.is_file())
                .ok_or_else(|| RigError::NoProgram { name: name.to_owned(), folder: folder.into() })?,
            None => {
                cargo_build(name, build, env::var_os("CARGO").unwrap_or_else(|| "cargo".into()).as_ref())?
            }
        };
        Ok(Self { name: name.to_owned(), path })
    }

    /// A program that is not of this workspace.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Self { name, path }
    }

    /// The binary's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the binary is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn cargo_build(name: &str, build: Build, cargo: &Path) -> Result<PathBuf, RigError> {
    let _one_at_a_time = BUILDING.lock();
    let mut command = Command::new(cargo);
    // What cargo tells a test of its own package would make ring's build script, and all above it, begin anew.
    for (name, _) in env::vars_os() {
        let is_ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if is_ours.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    let output = command
        .args(["build", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(["--profile", build.profile(), "--bin", name, "--features", "firehose/faults"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stdin(Stdio::null())
        .output()
        .map_err(RigError::io("run cargo"))?;
    let failed = || RigError::Build {
        name: name.to_owned(),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    };
    if !output.status.success() {
        return Err(failed());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    messages.lines().find_map(|message| executable(message, name)).ok_or_else(failed)
}

/// The binary that a message of cargo's tells of, if it is this one.
fn executable(message: &str, name: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let is_it = message["target"]["name"] == name && message["target"]["kind"][0] == "bin";
    message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tells_where_the_binary_is() {
        let artifact = r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"firehose"},"executable":"/t/ci/firehose"}"#;
        assert_eq!(executable(artifact, "firehose"), Some(PathBuf::from("/t/ci/firehose")));
        assert_eq!(executable(artifact, "labeler"), None);
        for other in [
            r#"{"reason":"compiler-artifact","target":{"kind":["lib"],"name":"firehose"},"executable":null}"#,
            r#"{"reason":"build-finished","success":true}"#,
            "no JSON",
        ] {
            assert_eq!(executable(other, "firehose"), None, "{other}");
        }
    }
}
