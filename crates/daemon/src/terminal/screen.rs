use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;
use rustix::termios::tcgetwinsize;

/// What is taken for the size of a terminal that does not tell.
const USUAL: (u16, u16) = (24, 80);

/// The terminal at standard output, drawn on in one write at a time.
///
/// Nothing here fails: a terminal that has gone away shows nothing, and the daemon works on.
#[derive(Debug, Default)]
pub(super) struct Screen(Mutex<String>);

impl Screen {
    /// The columns of the terminal, as wide as it is now.
    pub(super) fn columns() -> u16 {
        size().1
    }

    fn pending(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moved(&self, by: usize, to: char) -> io::Result<()> {
        if by == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{by}{to}")) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        Self::columns()
    }

    fn height(&self) -> u16 {
        size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.moved(n, 'D')
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.write_str(s)?;
        self.write_str("\r\n")
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.pending().push_str(s);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let mut pending = self.pending();
        if !pending.is_empty() {
            // Back from behind the last column, where the `^C` that a terminal echoes would begin a line of its own.
            pending.push('\r');
            write(pending.as_bytes());
            pending.clear();
        }
        Ok(())
    }
}

/// Writes to standard output, if anybody reads it.
pub(super) fn write(bytes: &[u8]) {
    let mut output = io::stdout().lock();
    let _ = output.write_all(bytes).and_then(|()| output.flush());
}

fn size() -> (u16, u16) {
    let size = tcgetwinsize(io::stdout()).ok().map(|size| (size.ws_row, size.ws_col));
    size.filter(|(rows, columns)| *rows > 0 && *columns > 0).unwrap_or(USUAL)
}
