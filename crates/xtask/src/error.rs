use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a task did not come to its end.
#[derive(Debug, Error)]
pub(crate) enum TaskError {
    /// A command could not be started.
    #[error("start {command}")]
    Start { command: String, source: io::Error },
    /// A command ran and failed.
    #[error("{command} failed ({status})")]
    Failed { command: String, status: String },
    /// Several steps failed.
    #[error("these steps failed: {}", steps.join(", "))]
    Steps { steps: Vec<&'static str> },
    /// No way to a Redis server was found.
    #[error(
        "no redis-server here, and neither apt-get (as root or with sudo), nor brew, nor docker could bring one; \
         install redis-server or valkey-server, or name one in STANDPIPE_REDIS_SERVER"
    )]
    NoRedis,
    /// No way to a browser was found.
    #[error(
        "no Chromium here, and apt-get (as root or with sudo) could not bring one; install chromium and chromedriver, \
         or name them in STANDPIPE_CHROMIUM and STANDPIPE_CHROMEDRIVER"
    )]
    NoBrowser,
    /// A tool that a lint step needs.
    #[error("no {tool} here, and it could not be had from PyPI; run `cargo install {tool} --locked`")]
    NoTool { tool: &'static str },
    /// A file or folder.
    #[error("use {}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// Nobody takes what is said.
    #[error("write to standard output")]
    Say { source: io::Error },
    /// A part of the demo ended by itself.
    #[error("{part} ended by itself ({status}); its log is {}", log.display())]
    DemoPart { part: &'static str, status: String, log: PathBuf },
    /// The demo's simulator did not say where it listens.
    #[error("the simulator did not say where it listens; its log is {}", log.display())]
    NoAddress { log: PathBuf },
}
