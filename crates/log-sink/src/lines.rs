mod output;

use std::fs::{File, TryLockError};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_pipeline::{Ack, Acquire, Acquired, Batch, Observer, Silent, Sink};
use tokio::io::AsyncWrite;
use tokio::sync::{Mutex, watch};
use tokio::time::sleep;

use crate::blocking::blocking;
use crate::pressure::{Backoff, Pressure};
use crate::{FileCursors, LinesError, StateFolder, durable_file};

use output::{Output, Owed};

/// How long lines may take to be written before the observer is told that nobody reads them.
const SLOW_READER: Duration = Duration::from_secs(1);

/// Entries as lines of JSON into a writer that all hosts share, such as standard output, with cursors in files.
///
/// A batch is written and flushed, then its cursor is stored: there is no transaction over both. A process that ends
/// in between writes that batch again when it begins anew, at most one for each host; one that ends while it writes
/// may leave a line cut off. Within a process nothing is repeated: a batch that was begun is completed before
/// anything else is written, even if its delivery was cancelled.
///
/// A pipe that is full is the backpressure: delivery waits. When its reader is gone, every delivery fails with
/// [`LinesError::ReaderGone`], and [`reader_gone`](Self::reader_gone) completes: the process has nothing left to do.
pub struct Lines<W> {
    shared: Arc<Shared<W>>,
    observer: Arc<dyn Observer>,
}

struct Shared<W> {
    output: Mutex<Output<W>>,
    cursors: FileCursors,
    gone: watch::Sender<bool>,
    _lock: File,
}

impl<W> Lines<W> {
    /// Lines into this writer, with cursors in this folder, which no other process may use for lines.
    ///
    /// Cancel-safe.
    ///
    /// # Errors
    ///
    /// [`LinesError::InUse`] while another process does, [`LinesError::Lock`] when the folder cannot be used.
    pub async fn open(folder: StateFolder, writer: W) -> Result<Self, LinesError> {
        let path = folder.lines_lock();
        let file = path.clone();
        let locked = blocking(move || {
            let folder = file.parent().unwrap_or(&file);
            durable_file::create_folder(folder).map_err(TryLockError::Error)?;
            let lock = File::create(&file).map_err(TryLockError::Error)?;
            lock.try_lock().map(|()| lock)
        });
        let lock = match locked.await {
            Ok(Ok(lock)) => lock,
            Ok(Err(TryLockError::WouldBlock)) => return Err(LinesError::InUse { path }),
            Ok(Err(TryLockError::Error(source))) => return Err(LinesError::Lock { path, source }),
            Err(_) => return Err(LinesError::Lock { path, source: std::io::ErrorKind::Interrupted.into() }),
        };
        let shared = Shared {
            output: Mutex::new(Output::new(writer)),
            cursors: FileCursors::new(folder),
            gone: watch::Sender::new(false),
            _lock: lock,
        };
        Ok(Self { shared: Arc::new(shared), observer: Silent::shared() })
    }

    /// The same lines for one host, whose observer is told when nobody reads them.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { shared: Arc::clone(&self.shared), observer }
    }

    /// Completes when the reader of the lines is gone. Cancel-safe.
    pub async fn reader_gone(&self) {
        // The sender lives as long as this borrow.
        let _ = self.shared.gone.subscribe().wait_for(|gone| *gone).await;
    }
}

impl<W> Clone for Lines<W> {
    fn clone(&self) -> Self {
        self.observed_by(Arc::clone(&self.observer))
    }
}

impl<W: AsyncWrite + Unpin + Send + 'static> Acquire for Lines<W> {
    type Sink = LinesSink<W>;
    type Error = LinesError;

    async fn acquire(&self, key: &CursorKey) -> Result<Acquired<LinesSink<W>>, LinesError> {
        let mut sink = LinesSink {
            lines: self.clone(),
            key: key.clone(),
            epoch: 0,
            pressure: Pressure::new(Arc::clone(&self.observer)),
        };
        let mut output = telling(self.shared.output.lock(), &mut sink.pressure, 0).await;
        sink.epoch = output.take_over(key);
        self.shared.settle(&mut output, &mut sink.pressure).await?;
        let cursor = self.shared.load(key, &mut sink.pressure).await?;
        drop(output);
        sink.pressure.flowing();
        Ok(Acquired { sink, cursor })
    }
}

impl<W: Send + 'static> CursorStore for Lines<W> {
    async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        self.shared.cursors.load(key).await
    }

    async fn save(&self, key: &CursorKey, cursor: &Cursor) -> Result<(), CursorError> {
        self.shared.cursors.save(key, cursor).await
    }

    async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        self.shared.cursors.clear(key).await
    }
}

/// The writer of one host's lines.
pub struct LinesSink<W> {
    lines: Lines<W>,
    key: CursorKey,
    epoch: u64,
    pressure: Pressure,
}

impl<W: AsyncWrite + Unpin + Send + 'static> Sink for LinesSink<W> {
    type Error = LinesError;

    /// After a cancelled call the batch is not begun, or it is completed by whoever writes next.
    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, LinesError> {
        let Self { lines, key, epoch, pressure } = self;
        let shared = &lines.shared;
        let mut output = telling(shared.output.lock(), pressure, batch.len() as u64).await;
        if output.epoch(key) != *epoch {
            return Err(LinesError::Fenced { key: key.clone() });
        }
        shared.settle(&mut output, pressure).await?;
        let stored = shared.load(key, pressure).await?;
        if stored.as_ref() != batch.from() {
            if stored.as_ref() == Some(batch.through()) {
                return Ok(Ack::already(None));
            }
            return Err(LinesError::Mismatch {
                key: key.clone(),
                expected: batch.from().map(ToString::to_string),
                stored: stored.as_ref().map(ToString::to_string),
            });
        }
        for beside in batch.beside() {
            let stored = shared.load(&beside.key, pressure).await?;
            if stored != beside.from {
                return Err(LinesError::Mismatch {
                    key: beside.key.clone(),
                    expected: beside.from.as_ref().map(ToString::to_string),
                    stored: stored.as_ref().map(ToString::to_string),
                });
            }
        }
        output.owe(Owed::new(key.clone(), batch));
        shared.settle(&mut output, pressure).await?;
        pressure.flowing();
        Ok(Ack::applied(None))
    }
}

impl<W: AsyncWrite + Unpin + Send> Shared<W> {
    /// Completes the batch that was begun last: the rest of its lines, then its cursor.
    ///
    /// Cancel-safe: what is left stays owed.
    async fn settle(&self, output: &mut Output<W>, pressure: &mut Pressure) -> Result<(), LinesError> {
        let Some(entries) = output.owed_entries() else { return Ok(()) };
        let written = telling(output.write_owed(), pressure, entries).await;
        if matches!(written, Err(LinesError::ReaderGone)) {
            self.gone.send_replace(true);
        }
        written?;
        while let Some((key, through)) = output.owed_cursor() {
            let (key, through) = (key.clone(), through.clone());
            self.save(&key, &through, pressure).await?;
            output.settled_cursor();
        }
        Ok(())
    }

    async fn load(&self, key: &CursorKey, pressure: &mut Pressure) -> Result<Option<Cursor>, LinesError> {
        let mut backoff = Backoff::new();
        loop {
            match self.cursors.load(key).await {
                Err(CursorError::Unavailable(cause)) => pressure.unavailable(&*cause),
                loaded => return loaded.map_err(|source| LinesError::Cursor { key: key.clone(), source }),
            }
            sleep(backoff.next()).await;
        }
    }

    async fn save(
        &self,
        key: &CursorKey,
        through: &Cursor,
        pressure: &mut Pressure,
    ) -> Result<(), LinesError> {
        let mut backoff = Backoff::new();
        loop {
            match self.cursors.save(key, through).await {
                Err(CursorError::Unavailable(cause)) => pressure.unavailable(&*cause),
                saved => return saved.map_err(|source| LinesError::Cursor { key: key.clone(), source }),
            }
            sleep(backoff.next()).await;
        }
    }
}

/// Awaits the writer, and tells the observer when nobody reads what it was given. Cancel-safe as the future is.
async fn telling<T>(writer: impl Future<Output = T>, pressure: &mut Pressure, entries: u64) -> T {
    let mut writer = pin!(writer);
    tokio::select! {
        biased;
        done = &mut writer => done,
        () = sleep(SLOW_READER) => {
            pressure.full(entries);
            writer.await
        }
    }
}
