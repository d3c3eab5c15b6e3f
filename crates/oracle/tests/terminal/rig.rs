//! A log and an incident log that a daemon left behind, and commands that read them on a terminal or elsewhere.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use standpipe_oracle::{Build, DaemonProcess, Program, PseudoTerminal};
use standpipe_simulator::{Feed, Relay, RelaySettings, World, WorldSettings};
use tokio::time::{Instant, sleep};

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a condition is looked at.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What becomes of them is more than a pipe holds.
const FRAMES: u64 = 500;

const ROWS: u16 = 50;

pub(crate) fn relay() -> Relay {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let world = World::new(WorldSettings { seed, ..WorldSettings::default() });
    Relay::start(Feed::World(world), RelaySettings { backlog: FRAMES, ..RelaySettings::default() }).unwrap()
}

/// A daemon that has read all that the relay had into the embedded log.
pub(crate) async fn firehose(relay: &Relay) -> DaemonProcess {
    let mut daemon = DaemonProcess::new(Program::find("firehose", Build::Checks).unwrap())
        .unwrap()
        .with("INGESTER_RELAY_HOSTS", relay.url())
        .with("STANDPIPE_START", "oldest")
        .with("STANDPIPE_COLLECTIONS", "*");
    daemon.start().unwrap();
    until_read(&mut daemon, relay).await;
    daemon
}

pub(crate) async fn until_read(daemon: &mut DaemonProcess, relay: &Relay) {
    let cursor = format!("\"cursor\":\"{}\"", relay.newest_seq().unwrap());
    let is_read = |page: &standpipe_oracle::Answer| page.status == 200 && page.body.contains(&cursor);
    daemon.until("all frames to be delivered", PATIENCE, is_read).await.unwrap();
}

/// Commands of one daemon, which find its state in this folder.
pub(crate) struct Commands {
    program: PathBuf,
    state: PathBuf,
}

/// A process that does not outlive its test.
pub(crate) struct Ended(pub(crate) Child);

impl Ended {
    /// Its code, once it has ended.
    pub(crate) async fn code(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "it does not end");
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// The variables of a terminal that can do everything.
pub(crate) const ABLE: &[(&str, &str)] = &[("TERM", "xterm-256color")];

impl Commands {
    pub(crate) fn of(daemon: &str, state: &Path) -> Self {
        let program = Program::find(daemon, Build::Checks).unwrap();
        Self { program: program.path().to_owned(), state: state.to_owned() }
    }

    pub(crate) fn command(&self, words: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env_clear()
            .env("STANDPIPE_STATE_DIR", &self.state)
            .envs(variables.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// What it says on a terminal of so many columns.
    pub(crate) fn on_terminal(&self, columns: u16, words: &[&str], variables: &[(&str, &str)]) -> String {
        let terminal = PseudoTerminal::open(ROWS, columns).unwrap();
        // The command goes at once, and with it what it has of the terminal.
        let Output { status, stderr, .. } =
            self.command(words, variables).stdout(terminal.device().unwrap()).output().unwrap();
        assert!(status.success() && stderr.is_empty(), "{status} {}", String::from_utf8_lossy(&stderr));
        as_lines(terminal.all_written())
    }

    /// What it says to a program, although a terminal could do everything.
    pub(crate) fn piped(&self, words: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(words, ABLE).output().unwrap();
        assert!(status.success() && stderr.is_empty(), "{status} {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    }

    /// It ends in good order and says nothing where its reader has gone away.
    pub(crate) fn ends_quietly_unread(&self, words: &[&str]) {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let Output { status, stderr, .. } = self.command(words, ABLE).stdout(writer).output().unwrap();
        assert!(status.success() && stderr.is_empty(), "{status} {}", String::from_utf8_lossy(&stderr));
    }
}

/// What a terminal was sent, with the ends of lines as they were written.
pub(crate) fn as_lines(written: Vec<u8>) -> String {
    String::from_utf8(written).unwrap().replace("\r\n", "\n")
}

pub(crate) fn has_color(said: &str) -> bool {
    said.contains("\x1b[")
}

/// The same without color.
pub(crate) fn plain(said: &str) -> String {
    let mut parts = said.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (code, rest) = part.split_once('m').unwrap_or_else(|| panic!("no color: {part:?}"));
        assert!(code.chars().all(|char| char.is_ascii_digit()), "no color: {part:?}");
        text + rest
    })
}
