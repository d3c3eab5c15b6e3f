mod append;
#[cfg(test)]
mod power_failure;
mod readers;
mod sink;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redb::{Error, ReadableDatabase, ReadableTable, TableError};
use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_pipeline::{Acquire, Acquired, Observer, Silent};
use tokio::time::{Instant, sleep};

use crate::blocking::blocking;
use crate::pressure::{Backoff, Pressure};
use crate::seldom::Seldom;
use crate::tables::{CURSORS, FENCES, StreamState};
use crate::{LogError, LogSettings, Retention};

use append::Append;
use readers::Readers;
pub use sink::LogSink;
pub(crate) use store::builder;
use store::{Fault, Opened, Store};

/// How long a file is waited for that another process holds: a reader may be repairing it.
const HELD_FOR_REPAIR: Duration = Duration::from_secs(10);
const HELD_RETRY: Duration = Duration::from_millis(100);

/// The embedded log: any number of streams with the cursors of their hosts, in one file of a local folder.
///
/// One process writes it, for all of its hosts; other processes read it at the same time with
/// [`LogReader`](crate::LogReader). Clones share the open file. The disk is waited for on tokio's blocking threads,
/// so a tokio runtime is needed, of either kind.
///
/// A batch is one transaction, synced twice before it is answered: redb first syncs the pages, then the header that
/// makes them count, so that neither a killed process nor a power failure leaves half of it. After a crash the file
/// is checked and repaired when it is opened, which takes about a second a gigabyte.
#[derive(Clone)]
pub struct EmbeddedLog {
    shared: Arc<Shared>,
    observer: Arc<dyn Observer>,
}

struct Shared {
    store: Store,
    retention: Retention,
    readers: Readers,
    unread: Unread,
}

/// What left unread and was not yet said.
#[derive(Default)]
struct Unread {
    entries: AtomicU64,
    said: Seldom,
}

impl EmbeddedLog {
    /// Opens the log, or begins one, and repairs it after a crash.
    ///
    /// A full disk is no error here: whoever acquires a host then waits for room.
    /// Cancel-safe: a cancelled call may have begun an empty log, and nothing else.
    ///
    /// # Errors
    ///
    /// [`LogError::InUse`] while another process writes the log; [`LogError::Open`], [`LogError::Foreign`] and
    /// [`LogError::Damaged`] when the file cannot be used.
    pub async fn open(settings: LogSettings) -> Result<Self, LogError> {
        let shared = Shared {
            store: Store::new(&settings),
            readers: Readers::new(settings.folder),
            retention: settings.retention,
            unread: Unread::default(),
        };
        let log = Self { shared: Arc::new(shared), observer: Silent::shared() };
        match log.attempt(|_, _| Ok(())).await? {
            Ok(()) => {}
            Err(error) => tracing::warn!(%error, "the log cannot be opened for the time being"),
        }
        Ok(log)
    }

    /// The same log for one host, whose observer is told about full and failing disks and about what leaves unread.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { shared: Arc::clone(&self.shared), observer }
    }

    /// Does the work once the disk allows it, and tells the observer while it does not.
    async fn persist<T: Send + 'static>(
        &self,
        pressure: &mut Pressure,
        work: impl Fn(&Shared, &Opened) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, LogError> {
        let mut backoff = Backoff::new();
        loop {
            match self.attempt(work.clone()).await? {
                Ok(done) => return Ok(done),
                Err(error) => {
                    tracing::debug!(%error, "the log cannot be written for the time being");
                    pressure.unavailable(&*error);
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Tries the work once; the inner error is one that may pass. Waits for a process that repairs the file.
    async fn attempt<T: Send + 'static>(
        &self,
        work: impl Fn(&Shared, &Opened) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<Result<T, Box<Error>>, LogError> {
        let give_up_at = Instant::now() + HELD_FOR_REPAIR;
        let mut waits = false;
        loop {
            let (shared, work) = (Arc::clone(&self.shared), work.clone());
            let done = blocking(move || shared.store.with(|opened| work(&shared, opened))).await?;
            match done {
                Ok(done) => return Ok(Ok(done)),
                Err(Fault::Unavailable(error)) => return Ok(Err(error)),
                Err(Fault::Refused(error)) => return Err(error),
                Err(Fault::Held) if Instant::now() < give_up_at => {
                    if !std::mem::replace(&mut waits, true) {
                        let path = self.shared.store.path();
                        tracing::info!(path = %path.display(), "another process holds the log; waiting in case it repairs it");
                    }
                    sleep(HELD_RETRY).await;
                }
                Err(Fault::Held) => return Err(LogError::InUse { path: self.shared.store.path() }),
            }
        }
    }
}

impl Shared {
    /// The stream's backlog as its readers leave it.
    fn backlog(&self, opened: &Opened, stream: &str) -> Result<u64, Error> {
        let state = StreamState::read(&opened.database.begin_read()?, stream)?;
        Ok(self.backlog_of(opened, stream, &state))
    }

    fn backlog_of(&self, opened: &Opened, stream: &str, state: &StreamState) -> u64 {
        match &self.retention {
            Retention::Keep { .. } => state.len(),
            Retention::Block(block) => self.readers.backlog(block, opened.log, stream, state),
        }
    }
}

impl Unread {
    fn say(&self, unread: u64) {
        if unread == 0 {
            return;
        }
        self.entries.fetch_add(unread, Ordering::Relaxed);
        if self.said.is_due() {
            let entries = self.entries.swap(0, Ordering::Relaxed);
            tracing::warn!(entries, "entries leave the log unread, because it keeps only the newest");
        }
    }
}

impl Acquire for EmbeddedLog {
    type Sink = LogSink;
    type Error = LogError;

    async fn acquire(&self, key: &CursorKey) -> Result<Acquired<LogSink>, LogError> {
        let mut pressure = Pressure::new(Arc::clone(&self.observer));
        let name = key.to_string();
        let (epoch, stored) = self.persist(&mut pressure, move |_, opened| take_over(opened, &name)).await?;
        let cursor = read_cursor(stored).map_err(|source| LogError::Cursor { key: key.clone(), source })?;
        pressure.flowing();
        let sink = LogSink::new(self.clone(), key.clone(), epoch, pressure);
        Ok(Acquired { sink, cursor })
    }
}

/// Raises the epoch of the host's writers, and reads its cursor in the same transaction.
fn take_over(opened: &Opened, key: &str) -> Result<(u64, Option<Vec<u8>>), Error> {
    let transaction = opened.database.begin_write()?;
    let stored = transaction.open_table(CURSORS)?.get(key)?.map(|text| text.value().to_vec());
    let epoch = {
        let mut fences = transaction.open_table(FENCES)?;
        let epoch = fences.get(key)?.map_or(0, |epoch| epoch.value()) + 1;
        fences.insert(key, epoch)?;
        epoch
    };
    transaction.commit()?;
    Ok((epoch, stored))
}

pub(crate) fn read_cursor(stored: Option<Vec<u8>>) -> Result<Option<Cursor>, CursorError> {
    let Some(bytes) = stored else { return Ok(None) };
    let text =
        std::str::from_utf8(&bytes).map_err(|_| CursorError::unreadable(&String::from_utf8_lossy(&bytes)))?;
    Cursor::parse(text).map(Some)
}

impl CursorStore for EmbeddedLog {
    async fn load(&self, key: &CursorKey) -> Result<Option<Cursor>, CursorError> {
        let name = key.to_string();
        let stored = self.attempt(move |_, opened| match opened.database.begin_read()?.open_table(CURSORS) {
            Ok(cursors) => Ok(cursors.get(name.as_str())?.map(|text| text.value().to_vec())),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        });
        read_cursor(answered(stored.await)?)
    }

    async fn save(&self, key: &CursorKey, cursor: &Cursor) -> Result<(), CursorError> {
        let (name, text) = (key.to_string(), cursor.to_string());
        let saved = self.attempt(move |_, opened| {
            let transaction = opened.database.begin_write()?;
            transaction.open_table(CURSORS)?.insert(name.as_str(), text.as_bytes())?;
            transaction.commit()?;
            Ok(())
        });
        answered(saved.await)
    }

    async fn clear(&self, key: &CursorKey) -> Result<(), CursorError> {
        let name = key.to_string();
        let removed = self.attempt(move |_, opened| {
            let transaction = opened.database.begin_write()?;
            transaction.open_table(CURSORS)?.remove(name.as_str())?;
            transaction.commit()?;
            Ok(())
        });
        answered(removed.await)
    }
}

fn answered<T>(answer: Result<Result<T, Box<Error>>, LogError>) -> Result<T, CursorError> {
    match answer {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(CursorError::Unavailable(error)),
        Err(error @ LogError::Interrupted) => Err(CursorError::Unavailable(error.into())),
        Err(error) => Err(CursorError::Refused(error.into())),
    }
}
