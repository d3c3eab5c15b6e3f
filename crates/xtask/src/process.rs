use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::checkout;
use crate::error::TaskError;

/// A cargo command at the top of the checkout, as if it were typed there.
///
/// What cargo tells this program of its own package would reach build scripts, and some (ring's) begin anew when it
/// changes: with it, every other build would compile TLS and all above it again.
pub(crate) fn cargo(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(checkout::root()).args(arguments);
    for (name, _) in env::vars_os() {
        let is_ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
        if is_ours.iter().any(|prefix| name.to_string_lossy().starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command
}

/// Says the command, runs it, and wants it to succeed.
pub(crate) fn run(command: &mut Command) -> Result<(), TaskError> {
    println!("\n$ {}", line(command));
    run_silently(command)
}

/// The same where standard output belongs to something else.
pub(crate) fn run_beside(command: &mut Command) -> Result<(), TaskError> {
    eprintln!("\n$ {}", line(command));
    run_silently(command)
}

fn run_silently(command: &mut Command) -> Result<(), TaskError> {
    let line = line(command);
    let status = command.status().map_err(|source| TaskError::Start { command: line.clone(), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(TaskError::Failed { command: line, status: status.to_string() })
    }
}

/// A way that failed is said, and the next one is tried.
pub(crate) fn said(outcome: Result<(), TaskError>) {
    if let Err(error) = outcome {
        println!("{error}");
    }
}

/// Whether the command runs and succeeds; its output is not shown.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program of that name on the PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(OsStr::new("?"));
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
