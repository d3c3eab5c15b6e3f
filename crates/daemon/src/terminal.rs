//! What people see of a daemon on a terminal: log lines, and below them how far it is; and what its commands say, in
//! the form for whoever reads it.

mod audience;
mod figures;
mod line;
mod progress;
mod region;
mod screen;
mod surface;
mod table;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use indicatif::{MultiProgress, ProgressDrawTarget};
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use crate::metrics::Metrics;
use crate::settings::LogFormat;

pub(crate) use self::audience::Audience;
pub use self::audience::Form;
pub(crate) use self::figures::{grouped, per_second};
pub(crate) use self::line::{Align, Line, Paint};
use self::progress::Progress;
pub(crate) use self::region::Shown;
use self::screen::Screen;
use self::surface::Surface;

/// Where log lines go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    /// While standard output carries entries.
    Stderr,
}

/// How log lines are written to the output, and whether there is a place below them.
#[derive(Clone, Debug)]
pub(crate) struct Terminal {
    output: Output,
    format: LogFormat,
    has_color: bool,
    /// What is kept at the bottom of the screen, where there is one.
    bars: Option<MultiProgress>,
}

impl Terminal {
    /// Looks at the output, and at the variables that say what a terminal can (`TERM`) and shall (`NO_COLOR`). The
    /// format is the one that was asked for, else it is for people exactly where they read.
    pub(crate) fn find(
        format: Option<LogFormat>,
        output: Output,
        environment: &[(OsString, OsString)],
    ) -> Self {
        Self::of(format, output, output.is_terminal(), environment)
    }

    fn of(
        format: Option<LogFormat>,
        output: Output,
        is_terminal: bool,
        environment: &[(OsString, OsString)],
    ) -> Self {
        let Surface { is_terminal, is_able, has_color } = Surface::of(is_terminal, environment);
        let format = format.unwrap_or(if is_terminal { LogFormat::Human } else { LogFormat::Json });
        let has_region = is_able && output == Output::Stdout && format == LogFormat::Human;
        let target = || ProgressDrawTarget::term_like(Box::new(Screen::default()));
        Self {
            output,
            format,
            has_color,
            bars: has_region.then(|| MultiProgress::with_draw_target(target())),
        }
    }

    pub(crate) fn format(&self) -> LogFormat {
        self.format
    }

    pub(crate) fn has_color(&self) -> bool {
        self.has_color
    }

    /// Writes log lines, above what is kept at the bottom of the screen.
    pub(crate) fn writer(&self) -> BoxMakeWriter {
        match (self.output, self.bars.clone()) {
            (Output::Stdout, Some(bars)) => BoxMakeWriter::new(move || Above(bars.clone())),
            (Output::Stdout, None) => BoxMakeWriter::new(io::stdout),
            (Output::Stderr, _) => BoxMakeWriter::new(io::stderr),
        }
    }

    /// Shows how far the lists of all hosts are, until what it answers is dropped. Where nobody sees it, and where no
    /// host is listed, this shows nothing.
    pub(crate) fn show(&self, metrics: &Arc<Metrics>) -> Shown {
        let Some(bars) = self.bars.clone() else { return Shown::nothing() };
        let (metrics, has_color) = (Arc::clone(metrics), self.has_color);
        Shown::begin(bars, move || {
            table::lines(&Progress::of(&metrics), usize::from(Screen::columns()), has_color)
        })
    }
}

impl Output {
    fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
        }
    }
}

/// Writes whole lines above what is kept at the bottom of the screen: each line comes in one piece.
struct Above(MultiProgress);

impl Write for Above {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| screen::write(line));
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Found {
        format: LogFormat,
        has_color: bool,
        has_region: bool,
    }

    fn found(
        format: Option<LogFormat>,
        output: Output,
        is_terminal: bool,
        variables: &[(&str, &str)],
    ) -> Found {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let Terminal { output: _, format, has_color, bars } =
            Terminal::of(format, output, is_terminal, &variables);
        Found { format, has_color, has_region: bars.is_some() }
    }

    const HUMAN: Option<LogFormat> = Some(LogFormat::Human);
    const JSON: Option<LogFormat> = Some(LogFormat::Json);
    const XTERM: (&str, &str) = ("TERM", "xterm-256color");

    #[test]
    fn a_terminal_has_color_and_a_place_for_progress_unless_somebody_said_otherwise() {
        let all = Found { format: LogFormat::Human, has_color: true, has_region: true };
        assert_eq!(found(None, Output::Stdout, true, &[XTERM]), all);
        assert_eq!(found(None, Output::Stdout, true, &[XTERM, ("NO_COLOR", "")]), all);
        assert_eq!(
            found(None, Output::Stdout, true, &[XTERM, ("NO_COLOR", "1")]),
            Found { has_color: false, ..all }
        );
        let plain = Found { format: LogFormat::Human, has_color: false, has_region: false };
        for variables in [&[("TERM", "dumb")][..], &[("TERM", "")], &[]] {
            assert_eq!(found(None, Output::Stdout, true, variables), plain);
        }
    }

    #[test]
    fn what_is_no_place_for_people_has_neither() {
        let json = Found { format: LogFormat::Json, has_color: false, has_region: false };
        assert_eq!(found(None, Output::Stdout, false, &[XTERM]), json);
        assert_eq!(found(HUMAN, Output::Stdout, false, &[XTERM]), Found { format: LogFormat::Human, ..json });
        // JSON lines that were asked for have no color of their own.
        assert!(!found(JSON, Output::Stdout, true, &[XTERM]).has_region);
        // Entries are on standard output.
        let beside = found(None, Output::Stderr, true, &[XTERM]);
        assert_eq!(beside, Found { format: LogFormat::Human, has_color: true, has_region: false });
    }
}
