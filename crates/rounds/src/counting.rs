use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_daemon::HostLedger;
use standpipe_pipeline::{Ack, Acquire, Acquired, Batch, Remedy, Sink, Transient};
use thiserror::Error;

use crate::account::Account;
use crate::mark::{self, Place};
use crate::marks::Marks;
use crate::owed::Owed;

/// How long until a store is asked again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Sinks that keep the account of a round, and tell of what is owed.
pub(crate) struct Counting<A> {
    pub(crate) sinks: A,
    pub(crate) ledger: Arc<HostLedger>,
    pub(crate) marks: Marks,
    /// What is counted; `None`: what was owed, which is no part of a list.
    pub(crate) count: Option<(&'static str, Account)>,
}

/// The sink of one host and round.
pub(crate) struct CountingSink<K> {
    sink: K,
    key: CursorKey,
    ledger: Arc<HostLedger>,
    marks: Marks,
    account: Option<Account>,
}

/// Why a batch was not taken.
#[derive(Debug, Error)]
pub(crate) enum CountingError<E> {
    #[error(transparent)]
    Sink(E),
    #[error("read what is stored beside the host's cursor")]
    Beside(#[source] CursorError),
}

impl<E: Transient> Transient for CountingError<E> {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Sink(error) => error.remedy(),
            Self::Beside(CursorError::Unavailable(_)) => Remedy::RetryAfter(AGAIN),
            Self::Beside(CursorError::Unreadable { .. } | CursorError::Refused(_) | _) => Remedy::Fail,
        }
    }
}

impl<A: Acquire + CursorStore + Clone> Acquire for Counting<A> {
    type Sink = CountingSink<A::Sink>;
    type Error = CountingError<A::Error>;

    async fn acquire(&self, key: &CursorKey) -> Result<Acquired<Self::Sink>, Self::Error> {
        let Acquired { sink, cursor } = self.sinks.acquire(key).await.map_err(CountingError::Sink)?;
        if let Some((round, account)) = &self.count {
            match Place::of(cursor.as_ref()) {
                Ok(Place::Done) => account.was_done().await,
                place => {
                    let is_begin = matches!(place, Ok(Place::Behind(None)));
                    account.resumes(round, cursor.as_ref(), is_begin);
                }
            }
        }
        // From here on nobody else changes it: what an earlier writer still tries is refused with its batch.
        self.marks.load(&self.sinks).await.map_err(CountingError::Beside)?;
        self.ledger.owes(self.marks.owed().ranges());
        let sink = CountingSink {
            sink,
            key: key.clone(),
            ledger: Arc::clone(&self.ledger),
            marks: self.marks.clone(),
            account: self.count.as_ref().map(|(_, account)| account.clone()),
        };
        Ok(Acquired { sink, cursor })
    }
}

impl<K> CountingSink<K> {
    /// What is owed once the batch is stored, where it changes that.
    fn owed(&self, batch: &Batch) -> Option<Owed> {
        let gaps = self.marks.gaps_key();
        let beside = || batch.beside().iter().find(|beside| beside.key == *gaps);
        let stored: Option<&Cursor> =
            if self.key == *gaps { Some(batch.through()) } else { beside().map(|beside| &beside.through) };
        stored.and_then(|stored| Owed::of(Some(stored)).ok())
    }
}

impl<K: Sink> Sink for CountingSink<K> {
    type Error = CountingError<K::Error>;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Self::Error> {
        if let Some(account) = &self.account {
            account.expects(batch).await;
        }
        let ack = self.sink.deliver(batch).await.map_err(CountingError::Sink)?;
        if let Some(account) = &self.account {
            account.delivered();
            if batch.through() == &mark::done() {
                account.completes(self.key.host()).await;
            }
        }
        if let Some(owed) = self.owed(batch) {
            self.ledger.owes(owed.ranges());
        }
        Ok(ack)
    }
}
