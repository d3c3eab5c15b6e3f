use std::io::{self, Write};

use standpipe_incidents::{Account, LogSettings, Selection};
use standpipe_log_sink::StateFolder;

use crate::journal;
use crate::terminal::{Audience, Form};

/// What of the incident log is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Incidents {
    /// Which runs, or which time.
    pub selection: Selection,
    /// In which form, if that was said.
    pub form: Option<Form>,
}

/// Answers from the log of a daemon that runs, or has ended. A writer that nobody reads is an end, too.
///
/// # Errors
///
/// What the system says of files that are there, or of the writer.
pub(crate) fn show(
    selection: Selection,
    audience: Audience,
    daemon: &str,
    state: &StateFolder,
    mut to: impl Write,
) -> io::Result<()> {
    let account = Account::read(&LogSettings::new(journal::folder(state), daemon), selection)?;
    let written = match audience.form() {
        Form::Json => account.json_lines().try_for_each(|line| writeln!(to, "{line}")),
        Form::Text if audience.has_color() => write!(to, "{}", account.colored()),
        Form::Text => write!(to, "{account}"),
    };
    match written.and_then(|()| to.flush()) {
        Err(error) if audience.has_left(&error) => Ok(()),
        written => written,
    }
}
