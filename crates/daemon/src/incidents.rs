use std::io::{self, ErrorKind, Write};

use standpipe_incidents::{Account, LogSettings, Selection};
use standpipe_log_sink::StateFolder;

use crate::journal;

/// What of the incident log is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// Which runs, or which time.
    pub selection: Selection,
    /// JSON lines in place of text.
    pub json: bool,
}

/// Answers from the log of a daemon that runs, or has ended. A writer that nobody reads is an end, too.
///
/// # Errors
///
/// What the system says of files that are there, or of the writer.
pub(crate) fn show(
    asked: Incidents,
    daemon: &str,
    state: &StateFolder,
    mut to: impl Write,
) -> io::Result<()> {
    let Incidents { selection, json } = asked;
    let account = Account::read(&LogSettings::new(journal::folder(state), daemon), selection)?;
    let written = if json {
        account.json_lines().try_for_each(|line| writeln!(to, "{line}"))
    } else {
        write!(to, "{account}")
    };
    match written.and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}
