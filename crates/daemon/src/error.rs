use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use opentelemetry_sdk::error::OTelSdkError;
use standpipe_supervisor::{BoxError, SetupError};
use thiserror::Error;

/// Why a daemon with sound settings could not start. Exit code 71.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The admin address is taken, or is not ours.
    #[error("listen on {address} for the admin pages; set admin.listen to another address or port")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The state folder cannot be made or written.
    #[error("use the state folder {}; set state_dir to one that can be written", path.display())]
    StateFolder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The sink refuses, and waiting would not help.
    #[error("use the sink")]
    Sink(#[source] BoxError),
    /// The runtime or the signals cannot be had from the system.
    #[error("set up the process")]
    Process(#[source] io::Error),
    /// What all hosts share cannot be made.
    #[error("make what all hosts share")]
    Daemon(#[source] BoxError),
    /// The children contradict each other.
    #[error(transparent)]
    Children(#[from] SetupError),
    /// The metrics cannot be set up.
    #[error("set up the metrics")]
    Metrics(#[source] OTelSdkError),
    /// Telemetry cannot be sent as the environment asks for.
    #[error("set up the sending of telemetry")]
    Export(#[source] BoxError),
    /// A subscriber of log lines was installed before.
    #[error("set up the log: another one is installed")]
    Telemetry(#[source] tracing_subscriber::util::TryInitError),
}
