//! A relay, a daemon that reads it, and the words of its incident log.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use standpipe_oracle::{Build, DaemonProcess, Program};
use standpipe_simulator::{CursorRules, Feed, Pace, Relay, RelaySettings, World, WorldSettings};

/// The longest that an ending may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) fn program() -> Program {
    Program::find("firehose", Build::Checks).unwrap()
}

/// A relay that begins with a hundred frames and gets more at this pace.
pub(crate) fn relay(pace: Pace) -> Relay {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let world = World::new(WorldSettings { seed, ..WorldSettings::default() });
    let settings = RelaySettings {
        backlog: 100,
        total: None,
        pace,
        cursors: CursorRules::SPECIFIED,
        ..RelaySettings::default()
    };
    Relay::start(Feed::World(world), settings).unwrap()
}

pub(crate) fn firehose(relay: &Relay) -> DaemonProcess {
    DaemonProcess::new(program())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", relay.url())
        .with("STANDPIPE_START", "oldest")
        .with("STANDPIPE_HEARTBEAT", "1s")
}

pub(crate) fn send(daemon: &DaemonProcess, signal: Signal) {
    let pid = i32::try_from(daemon.pid().unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}

/// What `firehose incidents` says to people.
pub(crate) fn text(state: &Path, arguments: &[&str]) -> String {
    incidents(state, &[&["--text"], arguments].concat())
}

/// What `firehose incidents` says with these arguments to a program, unless it is told otherwise.
fn incidents(state: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program().path())
        .arg("incidents")
        .args(arguments)
        .arg("--state-dir")
        .arg(state)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The account as JSON, and the records that follow it.
pub(crate) fn account(state: &Path, arguments: &[&str]) -> (Value, Vec<Value>) {
    let said = incidents(state, arguments);
    let mut lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    (lines.next().unwrap(), lines.collect())
}

/// Starts the daemon, waits until it is ready, ends it so, and answers how the next start tells it. The log of the
/// next run says the same at its start, and `incidents` said it before.
pub(crate) async fn told_after(
    daemon: &mut DaemonProcess,
    end: impl AsyncFnOnce(&mut DaemonProcess),
) -> Value {
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let (running, _) = account(&daemon.state_folder(), &[]);
    assert_eq!(running["runs"][0]["how"], "still_running", "{running}");
    let run = running["runs"][0]["run"].clone();
    end(daemon).await;
    let (ended, _) = account(&daemon.state_folder(), &["--last"]);
    assert_eq!(ended["runs"][0]["run"], run);
    next_start_after(daemon, &ended["runs"][0]).await
}

/// Starts the daemon anew; answers what it says of the last run, which must be what was known before.
pub(crate) async fn next_start_after(daemon: &mut DaemonProcess, ended: &Value) -> Value {
    daemon.start().unwrap();
    daemon.ready().await.unwrap();
    let (account, _) = account(&daemon.state_folder(), &["--runs", "1"]);
    let told = account["runs"][0]["started"]["last_run"].clone();
    for field in ["run", "how", "uptime_ms", "signal", "cause", "code", "reason", "kills"] {
        assert_eq!(told[field], ended[field], "{field}: {told} {ended}");
    }
    let said = format!("\"how\":{}", told["how"]);
    assert!(daemon.log().contains(&said), "{said} is not in the log");
    told
}
