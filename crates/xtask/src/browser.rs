use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::checkout;
use crate::process::{on_path, run, said, succeeds};

/// Name a browser and its driver for the tests, before any that is on the PATH.
const CHROMIUM: &str = "STANDPIPE_CHROMIUM";
const DRIVER: &str = "STANDPIPE_CHROMEDRIVER";
/// Names the file of axe-core for the tests.
const AXE: &str = "STANDPIPE_AXE";
/// What finds faults that keep people out of a page. It is run by tests, and is no part of what is built.
const AXE_PACKAGE: &str = "axe-core@4.14.1";

/// What the tests of the status page run it in.
pub(crate) struct Browser {
    chromium: PathBuf,
    driver: PathBuf,
    axe: Option<PathBuf>,
}

impl Browser {
    /// The named ones, those on the PATH, or those that are installed now. Where none can be had the tests that need
    /// one say that they are skipped.
    pub(crate) fn find_or_install() -> Option<Self> {
        if found().is_none() {
            println!("no Chromium with its driver here; the tests of the status page need them");
            apt::install(&["chromium", "chromium-driver"]);
        }
        let Some((chromium, driver)) = found() else {
            println!("no Chromium here: the tests of the status page are skipped");
            return None;
        };
        Some(Self { chromium, driver, axe: find_or_fetch_axe() })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> String {
        self.chromium.display().to_string()
    }

    /// Tells a command where all of it is.
    pub(crate) fn told_to<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env(CHROMIUM, &self.chromium).env(DRIVER, &self.driver);
        if let Some(axe) = &self.axe {
            command.env(AXE, axe);
        }
        command
    }
}

fn found() -> Option<(PathBuf, PathBuf)> {
    let named = |variable: &str| env::var_os(variable).filter(|named| !named.is_empty()).map(PathBuf::from);
    let browsers = ["chromium", "chromium-browser", "google-chrome"];
    let chromium = named(CHROMIUM).or_else(|| browsers.into_iter().find_map(on_path))?;
    let driver = named(DRIVER).or_else(|| on_path("chromedriver"))?;
    let works = |program: &PathBuf| succeeds(Command::new(program).arg("--version"));
    (works(&chromium) && works(&driver)).then_some((chromium, driver))
}

fn find_or_fetch_axe() -> Option<PathBuf> {
    let named = env::var_os(AXE).filter(|named| !named.is_empty()).map(PathBuf::from);
    let dir = checkout::tools().join("axe-core");
    let file = named.unwrap_or_else(|| dir.join("package/axe.min.js"));
    if !file.is_file() && on_path("npm").is_some() && fs::create_dir_all(&dir).is_ok() {
        let fetch = "tar -xzf \"$(npm pack --silent \"$1\")\"";
        said(run(Command::new("sh").current_dir(&dir).args(["-ec", fetch, "sh", AXE_PACKAGE])));
    }
    let file = Some(file).filter(|file| file.is_file());
    if file.is_none() {
        println!("no axe-core here, and npm could not bring it: that part of the page's tests is skipped");
    }
    file
}
