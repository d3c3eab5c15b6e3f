use std::env;
use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::process::{on_path, run, said, succeeds};

/// Names the Prometheus that the tests start, before one that is on the PATH. promtool is beside it.
pub(crate) const VARIABLE: &str = "STANDPIPE_PROMETHEUS";

/// The Prometheus that alerts and dashboards are held against: the named one, one on the PATH, or one that is installed
/// now. Where none can be had the tests that need one say that they are skipped.
pub(crate) fn find_or_install() -> Option<PathBuf> {
    if find().is_none() {
        println!("no Prometheus with promtool here; the tests of alerts and dashboards need them");
        apt::install(&["prometheus"]);
        if find().is_none() && on_path("brew").is_some() {
            said(run(Command::new("brew").args(["install", "prometheus"])));
        }
    }
    let found = find();
    if found.is_none() {
        println!("no Prometheus here: the tests of alerts and dashboards are skipped");
    }
    found
}

fn find() -> Option<PathBuf> {
    let named = env::var_os(VARIABLE).filter(|named| !named.is_empty()).map(PathBuf::from);
    let prometheus = named.or_else(|| on_path("prometheus"))?;
    let works = |program: &PathBuf| succeeds(Command::new(program).arg("--version"));
    let has_promtool = works(&prometheus.with_file_name("promtool"));
    (has_promtool && works(&prometheus)).then_some(prometheus)
}
