//! Reads `com.atproto.label.subscribeLabels` of labelers into the stream `label_live`, every label and every negation
//! once.

mod feed;
mod judged;
mod labeler;

use std::process::ExitCode;

use crate::labeler::LabelerDaemon;

fn main() -> ExitCode {
    standpipe_daemon::main::<LabelerDaemon>()
}
