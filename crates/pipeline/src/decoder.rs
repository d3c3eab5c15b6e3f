use crate::{OpenBatch, Transient};

/// Turns one item of a source into entries of the open batch. Pure: no I/O and no clock of its own.
pub trait Decoder: Send {
    /// What the source yields.
    type Item: Send;
    /// Why reading this host cannot go on: the peer's doing, never a panic.
    type Halt: Transient;

    /// Appends the item's entries and closes the frame, or counts why there are none.
    ///
    /// One item that cannot be used is no reason to halt: it is counted with [`OpenBatch::dropped`], and the frame
    /// is closed so that the cursor moves past it. Entries of a frame that was not closed are discarded.
    ///
    /// # Errors
    ///
    /// A halt ends the connection. What was closed before is still delivered.
    fn decode(&mut self, item: Self::Item, batch: &mut OpenBatch) -> Result<(), Self::Halt>;
}
