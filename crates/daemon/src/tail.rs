mod text;

use std::future::pending;
use std::io::{self, BufWriter, Write};
use std::time::Duration;

use standpipe_log_sink::{Entry, LogReader, Read, ReadError, ReadFrom, StateFolder};
use thiserror::Error;
use tokio::time::Instant;

use crate::signals::Signals;
use crate::summary::in_words;
use crate::terminal::{Align, Audience, Form, Line, Paint, grouped, per_second};

/// What of the embedded log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where to begin.
    pub from: TailFrom,
    /// Whether to wait for what comes after the end.
    pub follow: bool,
    /// In which form, if that was said.
    pub form: Option<Form>,
}

/// Where to begin showing the embedded log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TailFrom {
    /// With the oldest entry that the log still has.
    Oldest,
    /// With what comes from now on.
    Newest,
    /// With the entry of this index.
    Index(u64),
}

/// Why the log cannot be shown.
#[derive(Debug, Error)]
pub(crate) enum TailError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("write what was read")]
    Write(#[source] io::Error),
    #[error("wait for signals")]
    Signals(#[source] io::Error),
}

/// Writes entries up to the end that the log has at the start, or for ever: as they stand there, one a line, or as text. A writer that
/// nobody reads is an end, too. So is a signal where people are watching, and they are told how much there was.
///
/// Gaps are told to `aside`.
pub(crate) async fn show(
    tail: Tail,
    audience: Audience,
    folder: StateFolder,
    stream: &'static str,
    to: impl Write,
    aside: impl FnMut(&str),
) -> Result<(), TailError> {
    let from = match tail.from {
        TailFrom::Oldest => ReadFrom::Oldest,
        TailFrom::Newest => ReadFrom::Newest,
        TailFrom::Index(index) => ReadFrom::Index(index),
    };
    // The end is where it is now: one who reads more slowly than a daemon writes would never come to it.
    let end = if tail.follow {
        None
    } else {
        Some(LogReader::open(folder.clone(), stream, ReadFrom::Newest).await?.position())
    };
    let reader = LogReader::open(folder, stream, from).await?;
    let signals = audience.is_watching().then(Signals::install).transpose().map_err(TailError::Signals)?;
    let mut shown = Shown { audience, stream, to: BufWriter::new(to), count: 0, ends: None };
    let began = Instant::now();
    let written = tokio::select! {
        biased;
        () = asked_to_end(signals) => Ok(()),
        written = shown.read_to(end, reader, aside) => written,
    };
    match written.and_then(|()| shown.sum_up(began.elapsed()).map_err(TailError::Write)) {
        Err(TailError::Write(error)) if audience.has_left(&error) => Ok(()),
        written => written,
    }
}

async fn asked_to_end(signals: Option<Signals>) {
    match signals {
        Some(mut signals) => drop(signals.next().await),
        None => pending().await,
    }
}

/// What was shown, and to whom.
struct Shown<W: Write> {
    audience: Audience,
    stream: &'static str,
    to: BufWriter<W>,
    count: u64,
    /// The indexes of the first and the last.
    ends: Option<(u64, u64)>,
}

impl<W: Write> Shown<W> {
    /// Up to the entry of this index, which is left out; without one, for ever.
    async fn read_to(
        &mut self,
        end: Option<u64>,
        mut reader: LogReader,
        mut aside: impl FnMut(&str),
    ) -> Result<(), TailError> {
        while end.is_none_or(|end| reader.position() < end) {
            let read = if let Some(read) = reader.next().await? {
                read
            } else {
                self.to.flush().map_err(TailError::Write)?;
                reader.follow().await?
            };
            match read {
                Read::Entry(entry) => self.entry(&entry).map_err(TailError::Write)?,
                Read::Gap { first, last } => {
                    self.to.flush().map_err(TailError::Write)?;
                    aside(&format!("entries {first} to {last} left the log before they were read"));
                }
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> io::Result<()> {
        let first = self.ends.map_or(entry.index, |(first, _)| first);
        self.ends = Some((first, entry.index));
        self.count += 1;
        match self.audience.form() {
            Form::Json => {
                self.to.write_all(&entry.payload)?;
                self.to.write_all(b"\n")
            }
            Form::Text => {
                let (columns, has_color) = (self.audience.columns(), self.audience.has_color());
                let lines = text::lines(self.stream, entry, columns, has_color);
                lines.iter().try_for_each(|line| writeln!(self.to, "{line}"))
            }
        }
    }

    fn sum_up(&mut self, took: Duration) -> io::Result<()> {
        if self.audience.is_watching() {
            let mut line = Line::within(None, self.audience.has_color());
            line.add(&summary(self.count, self.ends, took), 0, Align::Left, Paint::Bold);
            // A terminal that has echoed `^C` begins the line anew.
            writeln!(self.to, "\r{}", line.finish())?;
        }
        self.to.flush()
    }
}

/// `1,234 entries, 100 to 1333, in 2s 345ms (526/s)`. The indexes are written as `--from` takes them.
fn summary(count: u64, ends: Option<(u64, u64)>, took: Duration) -> String {
    let told = match ends {
        None => "no entries".to_owned(),
        Some((only, last)) if only == last => format!("1 entry, {only}"),
        Some((first, last)) => format!("{} entries, {first} to {last}", grouped(count)),
    };
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let rate = if took.is_zero() { 0.0 } else { count as f64 / took.as_secs_f64() };
    format!("{told}, in {} ({})", in_words(took), per_second(rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_how_many_which_and_how_fast() {
        let took = Duration::from_millis(2_345);
        for (count, ends, told) in [
            (0, None, "no entries, in 2s 345ms (0/s)"),
            (1, Some((7, 7)), "1 entry, 7, in 2s 345ms (0.4/s)"),
            (1_234, Some((100, 1_333)), "1,234 entries, 100 to 1333, in 2s 345ms (526/s)"),
        ] {
            assert_eq!(summary(count, ends, took), told);
        }
    }
}
