use std::collections::HashMap;
use std::{io, iter};

use standpipe_cursor::{Cursor, CursorKey};
use standpipe_pipeline::Batch;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::LinesError;

/// The one writer, what is owed to it, and who may write.
pub(super) struct Output<W> {
    writer: W,
    owed: Option<Owed>,
    /// A failed write may have left a line cut off.
    cut: bool,
    gone: bool,
    epochs: HashMap<CursorKey, u64>,
}

/// A batch that was begun: its lines, how much of them is written, and the cursors to store when all is, the last one
/// first.
pub(super) struct Owed {
    cursors: Vec<(CursorKey, Cursor)>,
    entries: u64,
    lines: Vec<u8>,
    written: usize,
}

impl Owed {
    pub(super) fn new(key: CursorKey, batch: &Batch) -> Self {
        let mut lines = Vec::with_capacity(batch.bytes() + batch.len());
        for entry in batch.entries() {
            let begun = lines.len();
            lines.extend_from_slice(&entry);
            // Between the tokens of JSON a line break is as good as a blank, and inside a string it cannot stand.
            for byte in &mut lines[begun..] {
                if matches!(*byte, b'\n' | b'\r') {
                    *byte = b' ';
                }
            }
            lines.push(b'\n');
        }
        let beside = batch.beside().iter().map(|beside| (beside.key.clone(), beside.through.clone()));
        let cursors = iter::once((key, batch.through().clone())).chain(beside).collect();
        Self { cursors, entries: batch.len() as u64, lines, written: 0 }
    }
}

impl<W> Output<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer, owed: None, cut: false, gone: false, epochs: HashMap::new() }
    }

    /// Makes room for a new writer of this host; an earlier one is refused from here on.
    pub(super) fn take_over(&mut self, key: &CursorKey) -> u64 {
        let epoch = self.epochs.entry(key.clone()).or_default();
        *epoch += 1;
        *epoch
    }

    pub(super) fn epoch(&self, key: &CursorKey) -> u64 {
        self.epochs.get(key).copied().unwrap_or_default()
    }

    pub(super) fn owe(&mut self, owed: Owed) {
        self.owed = Some(owed);
    }

    /// Entries of the batch that is owed, if one is.
    pub(super) fn owed_entries(&self) -> Option<u64> {
        self.owed.as_ref().map(|owed| owed.entries)
    }

    /// The cursor that is to be stored next for the batch that is owed.
    pub(super) fn owed_cursor(&self) -> Option<(&CursorKey, &Cursor)> {
        self.owed.as_ref()?.cursors.last().map(|(key, through)| (key, through))
    }

    /// That cursor is stored. With the last one nothing is owed any more.
    pub(super) fn settled_cursor(&mut self) {
        if let Some(owed) = &mut self.owed {
            owed.cursors.pop();
            if owed.cursors.is_empty() {
                self.owed = None;
            }
        }
    }
}

impl<W: AsyncWrite + Unpin> Output<W> {
    /// Writes what is left of the owed lines. After an error nothing is owed: how much of them was written is
    /// unknown, so they come again from the stored cursor. Cancel-safe.
    pub(super) async fn write_owed(&mut self) -> Result<(), LinesError> {
        if self.gone {
            self.owed = None;
            return Err(LinesError::ReaderGone);
        }
        let result = self.try_write_owed().await;
        result.map_err(|error| {
            self.owed = None;
            self.cut = true;
            if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero) {
                self.gone = true;
                return LinesError::ReaderGone;
            }
            LinesError::Write(error)
        })
    }

    async fn try_write_owed(&mut self) -> io::Result<()> {
        let Some(owed) = &mut self.owed else { return Ok(()) };
        if self.cut {
            self.writer.write_all(b"\n").await?;
            self.cut = false;
        }
        while owed.written < owed.lines.len() {
            match self.writer.write(&owed.lines[owed.written..]).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => owed.written += written,
            }
        }
        self.writer.flush().await
    }
}
