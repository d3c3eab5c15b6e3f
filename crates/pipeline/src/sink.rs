use std::future::Future;

use standpipe_cursor::{Cursor, CursorKey};

use crate::{Batch, Transient};

/// Makes batches of one host durable, together with the cursor that they reach.
pub trait Sink: Send {
    /// Why this writer cannot go on.
    type Error: Transient;

    /// Makes the batch durable, all of it or nothing, if it follows what is stored: its entries, its cursor, and the
    /// cursors [beside](Batch::beside) that one, each of which has to be as the batch expects it.
    ///
    /// A sink without transactions stores the cursors beside before the batch's own.
    ///
    /// Backpressure is waiting here: while the sink is full or does not answer, the future stays pending, for as
    /// long as that lasts, and says so through [`Observation::Backpressure`](crate::Observation::Backpressure).
    ///
    /// Cancel-safe in this sense: after a cancelled call the batch is stored whole or not at all, and the next
    /// writer learns which from the stored cursor. The same sink must not be used again.
    ///
    /// # Errors
    ///
    /// Only what waiting does not cure: another writer took over, the stored cursor is another one, a setting is
    /// wrong. Nothing of the batch was stored by this call.
    fn deliver(&mut self, batch: &Batch) -> impl Future<Output = Result<Ack, Self::Error>> + Send;
}

/// The answer to a delivery: the batch is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Entries in the stream after this batch, where the sink knows it.
    pub backlog: Option<u64>,
    /// The batch had been stored by an earlier try whose answer was lost.
    pub already: bool,
}

impl Ack {
    /// The batch was stored by this call.
    #[must_use]
    pub fn applied(backlog: Option<u64>) -> Self {
        Self { backlog, already: false }
    }

    /// The batch had been stored by an earlier call.
    #[must_use]
    pub fn already(backlog: Option<u64>) -> Self {
        Self { backlog, already: true }
    }
}

/// Where writers come from: takes over a host and says from where to go on.
pub trait Acquire: Send + Sync {
    /// The writer of one host.
    type Sink: Sink<Error = Self::Error>;
    /// Why no writer can be had.
    type Error: Transient;

    /// Becomes the one writer of this key; an earlier writer is refused from here on.
    ///
    /// Waits while the store does not answer, and says so through
    /// [`Observation::Backpressure`](crate::Observation::Backpressure).
    /// Cancel-safe: a cancelled call may have fenced an earlier writer, and nothing else.
    ///
    /// # Errors
    ///
    /// What waiting does not cure: a key of the wrong type, refused credentials, an unreadable cursor.
    fn acquire(
        &self,
        key: &CursorKey,
    ) -> impl Future<Output = Result<Acquired<Self::Sink>, Self::Error>> + Send;
}

/// A writer, and the cursor behind which everything of its host is durable.
#[derive(Debug)]
pub struct Acquired<K> {
    /// The writer.
    pub sink: K,
    /// What is stored; `None` when this host was never read.
    pub cursor: Option<Cursor>,
}
