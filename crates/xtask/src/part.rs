use std::env;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::checkout;
use crate::error::TaskError;

/// One process of what is shown, whose output goes to a log file. It is stopped when it goes out of scope.
pub(crate) struct Part {
    name: &'static str,
    pub(crate) child: Child,
    pub(crate) log: PathBuf,
}

/// A part that listens.
pub(crate) struct Listening {
    pub(crate) part: Part,
    pub(crate) address: String,
}

/// Where a part's standard output goes.
#[derive(Clone, Copy)]
pub(crate) enum Output {
    /// Into its log, beside its standard error.
    Log,
    /// To whoever started it.
    Pipe,
}

impl Part {
    pub(crate) fn start(
        name: &'static str,
        dir: &Path,
        command: &mut Command,
        output: Output,
    ) -> Result<Self, TaskError> {
        let log = dir.join(format!("{name}.log"));
        let of_log = |source| TaskError::File { path: log.clone(), source };
        let file = File::create(&log).map_err(of_log)?;
        let stdout = match output {
            Output::Log => file.try_clone().map_err(of_log)?.into(),
            Output::Pipe => Stdio::piped(),
        };
        let child = command
            // Ctrl-C is for who started it, and that one stops it in its turn.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(file)
            .spawn()
            .map_err(|source| TaskError::Start { command: name.to_owned(), source })?;
        Ok(Self { name, child, log })
    }

    pub(crate) fn must_run(&mut self) -> Result<(), TaskError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(TaskError::DemoPart {
                part: self.name,
                status: status.to_string(),
                log: self.log.clone(),
            }),
            Err(source) => Err(TaskError::Start { command: self.name.to_owned(), source }),
        }
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn stop(&mut self) -> Result<(), TaskError> {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        let ended = asked.and_then(|_| self.child.wait());
        ended.map(drop).map_err(|source| TaskError::Start { command: self.name.to_owned(), source })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            // It may end between the two calls, and then there is nothing to do.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// The signals that ask for the end, and the terminal's own going away.
pub(crate) struct EndRequests([Signal; 4]);

impl EndRequests {
    /// Takes them over from here on.
    pub(crate) fn listen() -> Result<Self, TaskError> {
        let listen = |kind| {
            signal(kind)
                .map_err(|source| TaskError::Start { command: "listening to signals".to_owned(), source })
        };
        Ok(Self([
            listen(SignalKind::interrupt())?,
            listen(SignalKind::terminate())?,
            listen(SignalKind::hangup())?,
            listen(SignalKind::quit())?,
        ]))
    }

    /// Waits for the next of them.
    pub(crate) async fn next(&mut self) {
        let Self([interrupt, terminate, hangup, quit]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
    }
}

/// An empty folder of this name below the target folder.
pub(crate) fn folder_afresh(name: &str) -> Result<PathBuf, TaskError> {
    let dir = checkout::target().join(name);
    let afresh = |source| TaskError::File { path: dir.clone(), source };
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(afresh)?;
    }
    fs::create_dir_all(&dir).map_err(afresh)?;
    Ok(dir)
}

/// A daemon of the release build. It refuses settings that it does not know, such as those that name a server for the
/// tests, so it gets none of ours but those that are added.
pub(crate) fn daemon(name: &str) -> Command {
    let mut command = Command::new(binary(name));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("STANDPIPE_")) {
        command.env_remove(name);
    }
    command
}

/// A simulated host with endless events. It says itself where it listens.
pub(crate) fn simulator(
    name: &'static str,
    dir: &Path,
    rate: u32,
    arguments: &[&str],
) -> Result<Listening, TaskError> {
    let mut command = Command::new(binary("simulator"));
    command.args(["--listen", "127.0.0.1:0", "--endless", "--rate", &rate.to_string()]).args(arguments);
    let mut part = Part::start(name, dir, &mut command, Output::Pipe)?;
    let mut line = String::new();
    let read = part.child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
    match (read, line.trim()) {
        (Some(Ok(_)), address) if address.starts_with("ws://") => {
            Ok(Listening { address: address.to_owned(), part })
        }
        _ => Err(TaskError::NoAddress { log: part.log.clone() }),
    }
}

/// A Redis server that keeps what it has.
pub(crate) fn redis(dir: &Path, server: &Path) -> Result<Listening, TaskError> {
    let address = free_address()?;
    let port = address.rsplit(':').next().unwrap_or_default();
    let mut command = Command::new(server);
    command.current_dir(dir).args(["--bind", "127.0.0.1", "--port", port, "--appendonly", "yes"]);
    Ok(Listening { part: Part::start("redis", dir, &mut command, Output::Log)?, address })
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Result<String, TaskError> {
    let bound = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound
        .map(|address| address.to_string())
        .map_err(|source| TaskError::Start { command: "a listener".to_owned(), source })
}

/// A binary of the release build.
pub(crate) fn binary(name: &str) -> PathBuf {
    checkout::target().join("release").join(name)
}
