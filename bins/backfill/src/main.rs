//! Reads `com.atproto.sync.listRepos` of relays and PDSes into the stream `repo_backfill`, every repo once a run.

mod backfill;
mod lists;

use std::process::ExitCode;

use crate::backfill::Backfill;

fn main() -> ExitCode {
    standpipe_daemon::main::<Backfill>()
}
