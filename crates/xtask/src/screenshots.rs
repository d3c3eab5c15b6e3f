use std::fs;

use crate::browser::Browser;
use crate::checkout;
use crate::error::TaskError;
use crate::process::{cargo, run};
use crate::redis;

/// Pictures the status page in its main states, as the tests bring real daemons into them, for the documents.
pub(crate) fn run_all() -> Result<(), TaskError> {
    let server = redis::find_or_install()?;
    let Some(browser) = Browser::find_or_install() else { return Err(TaskError::NoBrowser) };
    let folder = checkout::root().join("docs/images");
    fs::create_dir_all(&folder).map_err(|source| TaskError::File { path: folder.clone(), source })?;
    let mut tests = cargo(["test", "--locked", "--package", "standpipe-oracle", "--test", "page", "--"]);
    tests.args(["--test-threads=1", "--nocapture", "states", "three_hundred"]);
    tests.env("STANDPIPE_REDIS_SERVER", server).env("STANDPIPE_SCREENSHOTS", folder);
    run(browser.told_to(&mut tests))
}
