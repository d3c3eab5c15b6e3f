//! The daemon as a process: how it starts, what it says, and with which code it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[cfg(test)]
mod operating;
#[cfg(test)]
mod running;
#[cfg(test)]
mod starting;

use std::time::Duration;

use standpipe_oracle::{DaemonProcess, Program};

/// The exit codes that operators know.
const STOPPED: Option<i32> = Some(0);
const NOT_READY: Option<i32> = Some(1);
const CONFIGURATION: Option<i32> = Some(64);
const COULD_NOT_START: Option<i32> = Some(71);

/// The longest that anything here takes on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(30);

fn firehose() -> DaemonProcess {
    DaemonProcess::new(Program::at(env!("CARGO_BIN_EXE_firehose"))).unwrap()
}

/// A daemon with a relay that nobody serves.
fn lonely() -> DaemonProcess {
    firehose().with("INGESTER_RELAY_HOSTS", "ws://127.0.0.1:1")
}

/// Runs it to its end; answers the code and all that it said.
async fn run(mut daemon: DaemonProcess) -> (Option<i32>, String) {
    daemon.start().unwrap();
    let status = daemon.ended(PATIENCE).await.unwrap();
    (status.code(), daemon.log())
}
