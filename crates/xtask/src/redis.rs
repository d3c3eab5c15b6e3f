use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::checkout;
use crate::error::TaskError;
use crate::process::{on_path, run, said, succeeds};

/// Names a server binary for the tests, before any that is on the PATH.
const VARIABLE: &str = "STANDPIPE_REDIS_SERVER";

/// The Redis server that tests start: the named one, one on the PATH, or one that is installed now, and it says which.
pub(crate) fn find_or_install() -> Result<PathBuf, TaskError> {
    if let Some(server) = find() {
        return Ok(server);
    }
    println!("redis-server is not here; the tests need one");
    for install in [|| apt::install(&["redis-server"]), from_brew, from_docker] {
        install();
        if let Some(server) = find() {
            println!("installed {}", server.display());
            return Ok(server);
        }
    }
    Err(TaskError::NoRedis)
}

fn find() -> Option<PathBuf> {
    let named = env::var_os(VARIABLE).map(PathBuf::from);
    let fetched = Some(checkout::tools().join("redis-server")).filter(|path| path.is_file());
    let server =
        named.or_else(|| on_path("redis-server")).or_else(|| on_path("valkey-server")).or(fetched)?;
    succeeds(Command::new(&server).arg("--version")).then_some(server)
}

fn from_brew() {
    if on_path("brew").is_some() {
        said(run(Command::new("brew").args(["install", "redis"])));
    }
}

/// Takes the binary out of the image: the tests kill and stop the server itself, which a container would hide.
fn from_docker() {
    if on_path("docker").is_none() || !succeeds(Command::new("docker").arg("version")) {
        return;
    }
    let tools = checkout::tools();
    if fs::create_dir_all(&tools).is_err() {
        return;
    }
    let copy = "id=$(docker create redis:7-bookworm) && docker cp \"$id\":/usr/local/bin/redis-server \"$1\"; \
                docker rm \"$id\"";
    said(run(Command::new("sh").args(["-ec", copy, "sh"]).arg(tools.join("redis-server"))));
}
