use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use redb::{Builder, ConcurrencyMode, Database, Error, ReadableDatabase};

use crate::acknowledgement::LogId;
use crate::{LogError, LogSettings, durable_file, tables};

/// The length of the mark with which a database begins once it is complete.
const MARK_BYTES: usize = 9;
/// A new database takes less than this.
const UNBEGUN_BYTES: u64 = 8 << 20;
/// How much a disk must take before more is tried.
const PROBE_BYTES: usize = 256 << 10;

/// The one open database of a process. Everything here waits for the disk.
///
/// After a failed write or sync redb refuses all further work, so the database is closed then and opened anew, and
/// repaired, at once: readers need an open file or a clean one. As repair reads the whole file, no further work is
/// tried before the disk takes a small file. The lock is held during the work: writes are serial anyway.
pub(crate) struct Store {
    path: PathBuf,
    cache_bytes: usize,
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    opened: Option<Opened>,
    /// Whether it was ever open. A file that could be used once is waited for, whatever has become of it.
    was_open: bool,
    /// Whether the last work failed in a way that may pass.
    failing: bool,
}

/// An open log.
pub(crate) struct Opened {
    pub(crate) database: Database,
    pub(crate) log: LogId,
}

/// Why work on the store was not done.
pub(crate) enum Fault {
    /// The disk is full or fails; the same work may succeed later.
    Unavailable(Box<Error>),
    /// Another process holds the file: a writer, or for a moment a reader that repairs it.
    Held,
    /// Waiting does not help.
    Refused(LogError),
}

impl Store {
    pub(crate) fn new(settings: &LogSettings) -> Self {
        Self { path: settings.folder.log_file(), cache_bytes: settings.cache_bytes, slot: Mutex::default() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Does the work on the open database, opening it first where necessary. What the work did not commit is undone.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&Opened) -> Result<T, Error>) -> Result<T, Fault> {
        // Whoever panicked here left at worst an uncommitted transaction, which is undone.
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.failing {
            self.probe().map_err(|error| Fault::Unavailable(Box::new(error.into())))?;
        }
        let opened = match slot.opened.take() {
            Some(opened) => opened,
            None => self.open(slot.was_open)?,
        };
        slot.was_open = true;
        match work(&opened) {
            Ok(done) => {
                slot.opened = Some(opened);
                slot.failing = false;
                Ok(done)
            }
            Err(error) => {
                drop(opened);
                let fault = self.judge(error);
                slot.failing = matches!(fault, Fault::Unavailable(_));
                if slot.failing {
                    slot.opened = self.open(true).ok();
                }
                Err(fault)
            }
        }
    }

    fn open(&self, was_open: bool) -> Result<Opened, Fault> {
        let waits = |error: &io::Error| was_open || passes(error);
        let refuse = |source| Fault::Refused(LogError::Open { path: self.path(), source });
        // Only at the start may a log be begun: in the place of one that vanished it would be without its cursors.
        let opened = if was_open {
            builder(self.cache_bytes).open(&self.path).map_err(Error::from).and_then(identified)
        } else {
            self.create()
        };
        match opened {
            Ok(opened) => Ok(opened),
            Err(Error::DatabaseAlreadyOpen | Error::LockProtocolMismatch) => Err(Fault::Held),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Err(Fault::Refused(self.foreign(Error::Io(error))))
            }
            Err(Error::Io(error)) if !waits(&error) => Err(refuse(error)),
            Err(Error::Unsupported) => Err(refuse(io::ErrorKind::Unsupported.into())),
            Err(error) => Err(self.judge(error)),
        }
    }

    /// Whether the disk takes anything.
    fn probe(&self) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push("~");
        let write = |mut file: File| file.write_all(&vec![0; PROBE_BYTES]).and_then(|()| file.sync_all());
        let written = File::create(&beside).and_then(write);
        // A probe that stays is overwritten by the next one.
        let _ = fs::remove_file(&beside);
        written
    }

    /// Opens the file, or begins one.
    fn create(&self) -> Result<Opened, Error> {
        if let Some(folder) = self.path.parent() {
            durable_file::create_folder(folder)?;
        }
        let create =
            || builder(self.cache_bytes).create(&self.path).map_err(Error::from).and_then(identified);
        match create() {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::InvalidData && self.clear_unbegun() => {
                create()
            }
            opened => opened,
        }
    }

    /// Empties a file that a crash left before redb had written its first mark, at the very first start. Whether it
    /// did so. Nobody has such a file open: redb shares a lock on every file that it has open.
    fn clear_unbegun(&self) -> bool {
        let clear = || -> io::Result<bool> {
            let mut file = File::options().read(true).write(true).open(&self.path)?;
            file.try_lock()?;
            let mut mark = [1; MARK_BYTES];
            file.read_exact(&mut mark)?;
            let unbegun = mark == [0; MARK_BYTES] && file.metadata()?.len() <= UNBEGUN_BYTES;
            if unbegun {
                file.set_len(0)?;
            }
            Ok(unbegun)
        };
        clear().unwrap_or(false)
    }

    fn judge(&self, error: Error) -> Fault {
        #[expect(clippy::wildcard_enum_match_arm, reason = "redb's enum is not exhaustive")]
        match error {
            Error::Io(_)
            | Error::Backend(_)
            | Error::PreviousIo
            | Error::DatabaseClosed
            | Error::LockPoisoned(_)
            | Error::TransactionPoisoned => Fault::Unavailable(Box::new(error)),
            Error::UpgradeRequired(_) => Fault::Refused(self.foreign(error)),
            other => Fault::Refused(LogError::Damaged { path: self.path(), source: Box::new(other) }),
        }
    }

    fn foreign(&self, error: Error) -> LogError {
        LogError::Foreign { path: self.path(), source: Box::new(error) }
    }
}

/// Whether a failure to open is one that passes by itself, so that a daemon may start and wait for it.
fn passes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge
            | io::ErrorKind::Interrupted
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::TimedOut
    )
}

/// How both sides open the file: one process writes, others read at the same time.
pub(crate) fn builder(cache_bytes: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_concurrency_mode(ConcurrencyMode::SingleWriter).set_cache_size(cache_bytes);
    builder.set_repair_callback(|repair| {
        if repair.progress() <= 0.0 {
            tracing::info!("the log was not closed, as after a crash: it is checked and repaired");
        }
    });
    builder
}

/// The log in the database, which is begun if there is none.
pub(super) fn identified(database: Database) -> Result<Opened, Error> {
    if let Some(log) = tables::identify(&database.begin_read()?)? {
        return Ok(Opened { database, log });
    }
    let log = LogId(fastrand::u64(..));
    let transaction = database.begin_write()?;
    tables::found(&transaction, log)?;
    transaction.commit()?;
    Ok(Opened { database, log })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StateFolder;

    fn use_it(store: &Store) -> Result<LogId, Fault> {
        store.with(|opened| Ok(opened.log))
    }

    #[test]
    fn i11_a_log_that_was_open_is_waited_for_and_not_begun_anew() {
        let temporary = tempfile::tempdir().unwrap();
        let state = temporary.path().join("state");
        let away = temporary.path().join("away");
        let store = Store::new(&LogSettings::new(StateFolder::new(&state)));
        fs::write(&state, "in the way").unwrap();
        assert!(matches!(use_it(&store), Err(Fault::Refused(LogError::Open { .. }))));
        fs::remove_file(&state).unwrap();
        let Ok(log) = use_it(&store) else { panic!("a log is begun") };

        let failed: Result<(), _> = store.with(|_| {
            fs::rename(&state, &away).unwrap();
            Err(io::Error::other("a cable came loose").into())
        });
        assert!(matches!(failed, Err(Fault::Unavailable(_))));
        assert!(matches!(use_it(&store), Err(Fault::Unavailable(_))));
        fs::create_dir(&state).unwrap();
        assert!(matches!(use_it(&store), Err(Fault::Unavailable(_))));
        fs::remove_dir(&state).unwrap();
        fs::rename(&away, &state).unwrap();
        assert!(matches!(use_it(&store), Ok(same) if same == log));
    }

    #[test]
    fn a_log_whose_disk_fails_stays_open_for_readers_and_is_left_alone_until_the_disk_takes_something() {
        let temporary = tempfile::tempdir().unwrap();
        let store = Store::new(&LogSettings::new(StateFolder::new(temporary.path())));
        assert!(use_it(&store).is_ok());
        let failed: Result<(), _> = store.with(|_| Err(io::Error::other("a cable came loose").into()));
        assert!(matches!(failed, Err(Fault::Unavailable(_))));
        let second = builder(1 << 20).open(store.path());
        assert!(matches!(second, Err(redb::DatabaseError::DatabaseAlreadyOpen)), "it is not open");
        builder(1 << 20).open_read_only(store.path()).unwrap();
        let in_the_way = temporary.path().join("log.redb~");
        fs::create_dir(&in_the_way).unwrap();
        for _ in 0..3 {
            let tried: Result<(), _> = store.with(|_| panic!("no work is done"));
            assert!(matches!(tried, Err(Fault::Unavailable(_))));
        }
        fs::remove_dir(&in_the_way).unwrap();
        assert!(use_it(&store).is_ok());
        assert!(!in_the_way.exists());
        fs::create_dir(&in_the_way).unwrap();
        assert!(use_it(&store).is_ok(), "a disk that works is not asked");
    }
}
