use std::time::Duration;

use standpipe_cursor::{CursorError, CursorKey, CursorStore};
use standpipe_pipeline::{Ack, Acquire, Acquired, Batch, Remedy, Sink, Transient};
use thiserror::Error;

use crate::account::Account;
use crate::feed::Tail;
use crate::mark::{self, Place};

/// How long until a store is asked again that did not answer.
const AGAIN: Duration = Duration::from_secs(1);

/// Sinks that keep the account of a round, and the mark for what is new behind its end.
pub(crate) struct Counting<A> {
    pub(crate) sinks: A,
    pub(crate) round: &'static str,
    pub(crate) account: Account,
    /// Where the mark behind the last page is stored before that page is, and what it is. `None`: the round's own
    /// cursor is that mark.
    pub(crate) tail: Option<(CursorKey, Tail)>,
}

/// The sink of one host and round.
pub(crate) struct CountingSink<A: Acquire> {
    sink: A::Sink,
    store: A,
    host: String,
    account: Account,
    tail: Option<(CursorKey, Tail)>,
}

/// Why a batch was not taken.
#[derive(Debug, Error)]
pub(crate) enum CountingError<E> {
    #[error(transparent)]
    Sink(E),
    #[error("store where the next round begins")]
    Tail(#[source] CursorError),
}

impl<E: Transient> Transient for CountingError<E> {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Sink(error) => error.remedy(),
            Self::Tail(CursorError::Unavailable(_)) => Remedy::RetryAfter(AGAIN),
            Self::Tail(CursorError::Unreadable { .. } | CursorError::Refused(_) | _) => Remedy::Fail,
        }
    }
}

impl<A: Acquire + CursorStore + Clone> Acquire for Counting<A> {
    type Sink = CountingSink<A>;
    type Error = CountingError<A::Error>;

    async fn acquire(&self, key: &CursorKey) -> Result<Acquired<Self::Sink>, Self::Error> {
        let Acquired { sink, cursor } = self.sinks.acquire(key).await.map_err(CountingError::Sink)?;
        let place = Place::of(cursor.as_ref());
        match place {
            Ok(Place::Done) => self.account.was_done(),
            place => {
                let is_begin = matches!(place, Ok(Place::Behind(None)));
                self.account.resumes(self.round, cursor.as_ref(), is_begin);
            }
        }
        let sink = CountingSink {
            sink,
            store: self.sinks.clone(),
            host: key.host().to_owned(),
            account: self.account.clone(),
            tail: self.tail.clone(),
        };
        Ok(Acquired { sink, cursor })
    }
}

impl<A: Acquire + CursorStore + Clone> Sink for CountingSink<A> {
    type Error = CountingError<A::Error>;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Self::Error> {
        let is_last = batch.through() == &mark::done();
        if is_last && let Some((key, Some(tail))) = self.tail.as_ref().map(|(key, tail)| (key, tail.mark())) {
            // Harmless if the batch does not come through: it counts only beside the mark that all is done.
            self.store.save(key, &tail).await.map_err(CountingError::Tail)?;
        }
        self.account.expects(batch).await;
        let ack = self.sink.deliver(batch).await.map_err(CountingError::Sink)?;
        self.account.delivered();
        if is_last {
            self.account.completes(&self.host).await;
        }
        Ok(ack)
    }
}
