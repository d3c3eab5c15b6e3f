//! Reads `com.atproto.sync.subscribeRepos` of relays into the stream `firehose_live`, every event once.

mod feed;
mod firehose;

use std::process::ExitCode;

use crate::firehose::Firehose;

fn main() -> ExitCode {
    standpipe_daemon::main::<Firehose>()
}
