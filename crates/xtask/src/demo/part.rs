use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::error::TaskError;

/// One process of the demo, whose output goes to a log file. It is stopped when it goes out of scope.
pub(super) struct Part {
    name: &'static str,
    pub(super) child: Child,
    pub(super) log: PathBuf,
}

/// A part that listens.
pub(super) struct Listening {
    pub(super) part: Part,
    pub(super) address: String,
}

impl Part {
    pub(super) fn start(
        name: &'static str,
        dir: &Path,
        command: &mut Command,
        stdout: Stdio,
    ) -> Result<Self, TaskError> {
        let log = dir.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|source| TaskError::File { path: log.clone(), source })?;
        let child = command
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(file)
            .spawn()
            .map_err(|source| TaskError::Start { command: name.to_owned(), source })?;
        Ok(Self { name, child, log })
    }

    pub(super) fn must_run(&mut self) -> Result<(), TaskError> {
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
    pub(super) fn stop(&mut self) -> Result<(), TaskError> {
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
