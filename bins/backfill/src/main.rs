//! Reads `com.atproto.sync.listRepos` of relays and PDSes into the stream `repo_backfill`, every repo once a run.
//!
//! # Layout
//!
//! | module | what |
//! |---|---|
//! | `backfill` | what the daemon is |
//! | `rounds` | one host: its first enumeration, what is new since, and all of it again |
//! | `feed` | one round's pages, from the walk to the decoder |
//! | `mark` | what is stored of a host in place of a page's cursor |
//! | `account` | what a round has listed, kept beside its cursor |
//! | `counting` | the sink that keeps the account, and the mark for what is new |

mod account;
mod backfill;
mod counting;
mod feed;
mod mark;
mod rounds;

use std::process::ExitCode;

use crate::backfill::Backfill;

fn main() -> ExitCode {
    standpipe_daemon::main::<Backfill>()
}
