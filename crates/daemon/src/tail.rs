use std::io::{self, BufWriter, ErrorKind, Write};

use standpipe_log_sink::{LogReader, Read, ReadError, ReadFrom, StateFolder};
use thiserror::Error;

/// What of the embedded log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where to begin.
    pub from: TailFrom,
    /// Whether to wait for what comes after the end.
    pub follow: bool,
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
}

/// Writes entries, one a line, until the end of the log or for ever. A writer that nobody reads is an end, too.
///
/// Gaps are told to `aside`.
pub(crate) async fn show(
    tail: Tail,
    folder: StateFolder,
    stream: &str,
    to: impl Write,
    mut aside: impl FnMut(&str),
) -> Result<(), TailError> {
    let from = match tail.from {
        TailFrom::Oldest => ReadFrom::Oldest,
        TailFrom::Newest => ReadFrom::Newest,
        TailFrom::Index(index) => ReadFrom::Index(index),
    };
    let mut reader = LogReader::open(folder, stream, from).await?;
    let mut to = BufWriter::new(to);
    loop {
        let read = match reader.next().await? {
            Some(read) => read,
            None if nobody_reads(to.flush())? => return Ok(()),
            None if tail.follow => reader.follow().await?,
            None => return Ok(()),
        };
        match read {
            Read::Entry(entry) => {
                let written = to.write_all(&entry.payload).and_then(|()| to.write_all(b"\n"));
                if nobody_reads(written)? {
                    return Ok(());
                }
            }
            Read::Gap { first, last } => {
                aside(&format!("entries {first} to {last} left the log before they were read"));
            }
        }
    }
}

fn nobody_reads(written: io::Result<()>) -> Result<bool, TailError> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(TailError::Write(error)),
    }
}
