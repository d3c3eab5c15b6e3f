use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::checkout;
use crate::error::TaskError;
use crate::process::{on_path, run};

/// A tool that cargo does not bring: on the PATH, fetched before, or fetched now as a wheel that holds the binary.
pub(crate) fn find_or_fetch(tool: &'static str) -> Result<PathBuf, TaskError> {
    if let Some(found) = on_path(tool) {
        return Ok(found);
    }
    find_or_fetch_wheel(tool, &format!("astral-dev-toolchain-{tool}"), tool)
}

/// A binary of a Python wheel, kept below the target folder. `package` may name a version, as pip writes it.
pub(crate) fn find_or_fetch_wheel(
    tool: &'static str,
    package: &str,
    binary: &str,
) -> Result<PathBuf, TaskError> {
    let dir = checkout::tools().join(tool);
    if let Some(found) = binary_below(&dir, binary) {
        return Ok(found);
    }
    fs::create_dir_all(&dir).map_err(|source| TaskError::File { path: dir.clone(), source })?;
    let fetch = "python3 -m pip download --quiet --no-deps --disable-pip-version-check --dest . \"$1\" && \
                 python3 -m zipfile -e ./*.whl . && find . -type f -name \"$2\" -exec chmod +x {} +";
    let fetched = run(Command::new("sh").current_dir(&dir).args(["-ec", fetch, "sh", package, binary]));
    match (fetched, binary_below(&dir, binary)) {
        (Ok(()), Some(found)) => Ok(found),
        _ => Err(TaskError::NoTool { tool }),
    }
}

/// Wheels keep binaries in `PACKAGE.data/scripts`, or beside their Python modules.
fn binary_below(dir: &Path, binary: &str) -> Option<PathBuf> {
    let folders = fs::read_dir(dir).ok()?.flatten().map(|entry| entry.path());
    let candidates = folders.flat_map(|folder| [folder.join("scripts").join(binary), folder.join(binary)]);
    candidates.into_iter().find(|candidate| candidate.is_file())
}
