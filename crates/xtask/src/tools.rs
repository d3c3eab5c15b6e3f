use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::checkout;
use crate::error::TaskError;
use crate::process::{on_path, run};

/// A tool that cargo does not bring: on the PATH, fetched before, or fetched now as a wheel that holds the binary.
pub(crate) fn find_or_fetch(tool: &'static str) -> Result<PathBuf, TaskError> {
    let dir = checkout::tools().join(tool);
    if let Some(found) = on_path(tool).or_else(|| binary_below(&dir, tool)) {
        return Ok(found);
    }
    fs::create_dir_all(&dir).map_err(|source| TaskError::File { path: dir.clone(), source })?;
    let package = format!("astral-dev-toolchain-{tool}");
    let fetch = "python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest . \"$1\" && \
                 python3 -m zipfile -e ./*.whl . && find . -type f -name \"$2\" -exec chmod +x {} +";
    let fetched = run(Command::new("sh").current_dir(&dir).args(["-ec", fetch, "sh", &package, tool]));
    match (fetched, binary_below(&dir, tool)) {
        (Ok(()), Some(found)) => Ok(found),
        _ => Err(TaskError::NoTool { tool }),
    }
}

/// Wheels keep binaries in `PACKAGE.data/scripts`.
fn binary_below(dir: &PathBuf, tool: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path().join("scripts").join(tool));
    folders.into_iter().find(|candidate| candidate.is_file())
}
