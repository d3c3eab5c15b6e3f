use std::fs::{self, File, OpenOptions};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::port::Port;
use crate::usage::Usage;
use crate::{Answer, Program, PseudoTerminal, RigError, http};

/// The longest that a daemon may take to become ready.
const READY_DEADLINE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A daemon as a process of its own: a clean environment, a folder and an admin port of its own, and its output in a
/// file. It may be started, ended and started again; what lies in its folder stays.
///
/// When this is dropped the process is killed, and the last lines of its output are shown if a check is failing.
#[derive(Debug)]
pub struct DaemonProcess {
    program: Program,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    folder: TempDir,
    admin: Port,
    process: Option<Child>,
    starts: u64,
}

impl DaemonProcess {
    /// A daemon that is not started yet. It gets `STANDPIPE_STATE_DIR` and `STANDPIPE_ADMIN__LISTEN`, and no other
    /// variable but those that are added.
    pub fn new(program: Program) -> Result<Self, RigError> {
        let folder = tempfile::Builder::new()
            .prefix("standpipe-daemon-")
            .tempdir()
            .map_err(RigError::io("make a folder"))?;
        let admin = Port::reserve()?;
        let variables = vec![
            ("STANDPIPE_STATE_DIR".to_owned(), folder.path().join("state").display().to_string()),
            ("STANDPIPE_ADMIN__LISTEN".to_owned(), format!("127.0.0.1:{}", admin.number)),
        ];
        Ok(Self { program, arguments: Vec::new(), variables, folder, admin, process: None, starts: 0 })
    }

    /// The same daemon with one more variable, or another value for it; it holds from the next start.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// Sets a variable; it holds from the next start.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.retain(|(present, _)| present != name);
        self.variables.push((name.to_owned(), value.into()));
    }

    /// The same daemon with one more argument; it holds from the next start.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Starts it. One that runs is killed first.
    pub fn start(&mut self) -> Result<(), RigError> {
        let log = self.open_log()?;
        self.start_writing_to(log.into())
    }

    /// Starts it with its standard output on a terminal. One that runs is killed first.
    pub fn start_on(&mut self, terminal: &PseudoTerminal) -> Result<(), RigError> {
        let device = terminal.device().map_err(RigError::io("hand over the terminal"))?;
        self.start_writing_to(device.into())
    }

    fn start_writing_to(&mut self, output: Stdio) -> Result<(), RigError> {
        self.kill()?;
        let errors = self.open_log()?;
        let child = Command::new(self.program.path())
            .args(&self.arguments)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(RigError::io("start the daemon"))?;
        self.process = Some(child);
        self.starts += 1;
        Ok(())
    }

    /// Waits until `/readyz` answers 200.
    ///
    /// Cancel-safe. It has a deadline of 30 seconds.
    ///
    /// # Errors
    ///
    /// [`RigError::Ended`] with its last words when the daemon ends instead.
    pub async fn ready(&mut self) -> Result<(), RigError> {
        self.until("the daemon to be ready", READY_DEADLINE, |page| page.status == 200).await
    }

    /// Waits until `/readyz` answers so.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`RigError::Ended`] with its last words when the daemon ends instead.
    pub async fn until(
        &mut self,
        what: &'static str,
        within: Duration,
        wanted: impl Fn(&Answer) -> bool,
    ) -> Result<(), RigError> {
        let deadline = Instant::now() + within;
        loop {
            if self.get("/readyz").await.is_ok_and(|page| wanted(&page)) {
                return Ok(());
            }
            if !self.is_running()? {
                return Err(RigError::Ended {
                    server: self.program.name().to_owned(),
                    log: self.last_words(),
                });
            }
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what, after: within });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Asks for a page of its admin port.
    ///
    /// Cancel-safe. It has a deadline of five seconds.
    pub async fn get(&self, path: &str) -> Result<Answer, RigError> {
        http::get(self.admin_address(), path).await
    }

    /// Where its admin port is.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.admin.number).into()
    }

    /// Kills it with SIGKILL and waits for its end. Says whether there was one to kill.
    ///
    /// # Errors
    ///
    /// [`RigError::Ended`] with its last words when it had ended by itself before.
    pub fn kill(&mut self) -> Result<bool, RigError> {
        if !self.is_running()? {
            return match self.process.take() {
                None => Ok(false),
                Some(_) => {
                    Err(RigError::Ended { server: self.program.name().to_owned(), log: self.last_words() })
                }
            };
        }
        let Some(mut child) = self.process.take() else { return Ok(false) };
        child.kill().map_err(RigError::io("kill the daemon"))?;
        child.wait().map_err(RigError::io("await the daemon's end"))?;
        Ok(true)
    }

    /// Asks it to stop with SIGTERM, and goes on at once: [`ended`](Self::ended) awaits its end.
    pub fn terminate(&self) -> Result<(), RigError> {
        let Some(child) = &self.process else { return Ok(()) };
        kill_process(Pid::from_child(child), Signal::TERM)
            .map_err(|error| RigError::io("ask the daemon to stop")(error.into()))
    }

    /// Waits until it has ended by itself, and says how. It may be started again.
    ///
    /// Cancel-safe.
    pub async fn ended(&mut self, within: Duration) -> Result<ExitStatus, RigError> {
        let deadline = Instant::now() + within;
        loop {
            let Some(child) = &mut self.process else {
                return Err(RigError::Deadline { what: "a daemon that runs", after: Duration::ZERO });
            };
            if let Some(status) = child.try_wait().map_err(RigError::io("watch the daemon"))? {
                self.process = None;
                return Ok(status);
            }
            if Instant::now() > deadline {
                return Err(RigError::Deadline { what: "the daemon to end", after: within });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> Result<bool, RigError> {
        let Some(child) = &mut self.process else { return Ok(false) };
        Ok(child.try_wait().map_err(RigError::io("watch the daemon"))?.is_none())
    }

    /// The process, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// How often it was started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.starts
    }

    /// The memory and CPU time that this incarnation has used.
    pub fn usage(&self) -> Result<Usage, RigError> {
        match self.pid() {
            Some(pid) => Usage::of(pid),
            None => Err(RigError::Deadline { what: "a daemon that runs", after: Duration::ZERO }),
        }
    }

    /// The folder that `STANDPIPE_STATE_DIR` names.
    #[must_use]
    pub fn state_folder(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The folder that it runs in, where a `standpipe.toml` would be read.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// All that it has written to standard output and standard error, over all starts.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    fn open_log(&self) -> Result<File, RigError> {
        let opened = OpenOptions::new().create(true).append(true).open(self.log_path());
        opened.map_err(RigError::io("open the daemon's log"))
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("daemon.log")
    }
}

impl Drop for DaemonProcess {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            // One that has ended already needs no end.
            let _ = (child.kill(), child.wait());
        }
        if std::thread::panicking() {
            #[expect(clippy::print_stderr, reason = "the report of a failing check")]
            {
                eprintln!("the last words of {}:\n{}", self.program.name(), self.last_words());
            }
        }
    }
}
