use std::future::{Future, ready};

use bytes::Bytes;

use crate::Transient;

/// What a host sends, item by item, in the host's order.
pub trait Source: Send {
    /// One frame or page.
    type Item: Send;
    /// Why no further item can be had.
    type Error: Transient;

    /// The next item, or `None` when the host has sent all that there is.
    ///
    /// Cancel-safe: an item is either returned or still there, and calling it without polling does nothing (a
    /// `select!` calls it even for a branch that is switched off). It waits without bound only while the host is
    /// known to be alive; everything else has a deadline of the source's own.
    ///
    /// # Errors
    ///
    /// The connection is over; a new source begins from the durable cursor.
    fn next(&mut self) -> impl Future<Output = Result<Option<Self::Item>, Self::Error>> + Send;

    /// Takes leave of the host in good order, because nothing will be read for long. `next` is not called after it.
    ///
    /// Bounded in time by the source. Not cancel-safe: a cancelled call may leave the connection half closed.
    fn park(&mut self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// One websocket message as a host sent it, however long, whole and unjudged.
///
/// The protocol is binary. A text message is passed on all the same, since only a decoder knows whether it has met
/// the same broken message before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RawMessage {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(Bytes),
}
