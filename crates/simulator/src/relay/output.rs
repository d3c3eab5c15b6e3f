//! The writing side of a connection: large writes, slow ones, and clients that do not read.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncWriteExt as _, WriteHalf};
use tokio::time::{sleep, timeout};

use crate::net::listener::Stream;
use crate::relay::ledger::{Connection, Ledger};

/// Collects websocket frames and writes them, many at a time.
pub(super) struct Output<'c> {
    write: &'c mut WriteHalf<Stream>,
    ledger: &'c Ledger<Connection>,
    ordinal: u64,
    pub(super) buffer: Vec<u8>,
    /// How long a write may block.
    patience: Option<Duration>,
    /// How long to wait before each byte.
    trickle: Option<Duration>,
    /// Whether a write has blocked for longer than it may.
    pub(super) is_too_slow: bool,
}

/// So much is collected before it is written.
pub(super) const ENOUGH: usize = 128 * 1024;

impl<'c> Output<'c> {
    pub(super) fn new(
        write: &'c mut WriteHalf<Stream>,
        ledger: &'c Ledger<Connection>,
        ordinal: u64,
        patience: Option<Duration>,
    ) -> Self {
        let buffer = Vec::with_capacity(2 * ENOUGH);
        Self { write, ledger, ordinal, buffer, patience, trickle: None, is_too_slow: false }
    }

    pub(super) fn trickle(&mut self, bytes_per_second: u32) {
        self.trickle = Some(Duration::from_secs(1) / bytes_per_second.max(1));
    }

    /// Writes what was collected, and tells how much that was.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if the client did not read for twice as long as it may; any other error
    /// means that the client is gone.
    pub(super) async fn flush(&mut self) -> io::Result<usize> {
        let mut written = 0;
        while written < self.buffer.len() {
            let mut end = self.buffer.len();
            if let Some(pause) = self.trickle {
                sleep(pause).await;
                end = written + 1;
            }
            written += self.write_some(written, end).await?;
        }
        self.flush_writer().await?;
        self.buffer.clear();
        Ok(written)
    }

    async fn write_some(&mut self, start: usize, end: usize) -> io::Result<usize> {
        let Some(patience) = self.patience else { return self.write.write(&self.buffer[start..end]).await };
        if let Ok(written) = timeout(patience, self.write.write(&self.buffer[start..end])).await {
            return written;
        }
        self.lose_patience();
        timeout(patience, self.write.write(&self.buffer[start..end])).await?
    }

    fn lose_patience(&mut self) {
        self.is_too_slow = true;
        self.ledger.note(self.ordinal, |connection| connection.too_slow = true);
    }

    /// Under TLS, a write may have left something to be sent.
    async fn flush_writer(&mut self) -> io::Result<()> {
        let Some(patience) = self.patience else { return self.write.flush().await };
        if let Ok(flushed) = timeout(patience, self.write.flush()).await {
            return flushed;
        }
        self.lose_patience();
        timeout(patience, self.write.flush()).await?
    }
}
