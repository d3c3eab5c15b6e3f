use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

/// What this process knows about its hosts, across their writers, by cursor key.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Bytes, Known>>);

/// What is known about one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// A cursor has been seen or stored, so its absence is a loss and no beginning.
    pub(crate) cursor: bool,
    /// Another process has taken the host over, so it is not taken back without an operator's word.
    pub(crate) fenced: bool,
    /// What is stored was told once. A host that is taken up every few minutes, as one of thousands, is told no more.
    pub(crate) told: bool,
}

impl Memory {
    pub(crate) fn recall(&self, key: &Bytes) -> Known {
        self.lock().get(key).copied().unwrap_or_default()
    }

    pub(crate) fn note(&self, key: &Bytes, change: impl FnOnce(&mut Known)) {
        change(self.lock().entry(key.clone()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Bytes, Known>> {
        // Flags cannot be left half written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
