use std::future::Future;

use crate::{Cursor, CursorError, CursorKey};

/// Stored cursors, for operators and for sinks without transactions.
///
/// Sinks with transactions store the cursor together with the events that it covers and need [`save`](Self::save)
/// only for an operator's word.
pub trait CursorStore {
    /// What is stored under the key, or `None` when nothing is.
    ///
    /// Cancel-safe: it only reads.
    ///
    /// # Errors
    ///
    /// See [`CursorError`]; an error never means "nothing is stored".
    fn load(&self, key: &CursorKey) -> impl Future<Output = Result<Option<Cursor>, CursorError>> + Send;

    /// Stores the cursor, whatever was stored before.
    ///
    /// Not cancel-safe: a cancelled call may or may not have stored it.
    ///
    /// # Errors
    ///
    /// See [`CursorError`].
    fn save(&self, key: &CursorKey, cursor: &Cursor) -> impl Future<Output = Result<(), CursorError>> + Send;

    /// Removes what is stored, so that the host is begun as one that was never read. Nothing there is no error.
    ///
    /// Not cancel-safe: a cancelled call may or may not have removed it.
    ///
    /// # Errors
    ///
    /// See [`CursorError`].
    fn clear(&self, key: &CursorKey) -> impl Future<Output = Result<(), CursorError>> + Send;
}
