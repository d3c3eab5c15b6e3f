use std::ops::Bound;

use bytes::Bytes;
use redb::{Error, ReadableTable, WriteTransaction};
use standpipe_cursor::CursorKey;
use standpipe_pipeline::{Batch, Beside};

use super::Shared;
use super::store::Opened;
use crate::Retention;
use crate::tables::{CURSORS, FENCES, StreamState, entries, entries_of};

/// One batch as one transaction: the cursor compared, all entries appended, the cursor stored, the oldest retired.
pub(crate) struct Append {
    key: CursorKey,
    epoch: u64,
    from: Option<String>,
    through: String,
    entries: Vec<Bytes>,
    beside: Vec<Beside>,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It is durable.
    Applied { backlog: u64, retired: Retired },
    /// It was durable before.
    Already { backlog: u64 },
    /// The backlog is at the high-water mark; nothing was stored.
    Full { backlog: u64 },
    /// Another writer took over; nothing was stored.
    Fenced { current: u64 },
    /// Another cursor is stored, or beside it; nothing was stored.
    Mismatch { key: CursorKey, expected: Option<String>, stored: Option<String> },
}

/// What left the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retired {
    pub(crate) entries: u64,
    pub(crate) unread: u64,
}

impl Append {
    pub(super) fn new(key: CursorKey, epoch: u64, batch: &Batch) -> Self {
        let from = batch.from().map(ToString::to_string);
        let append = Self::of(key, epoch, from, batch.through().to_string(), batch.entries().collect());
        Self { beside: batch.beside().to_vec(), ..append }
    }

    pub(super) fn of(
        key: CursorKey,
        epoch: u64,
        from: Option<String>,
        through: String,
        entries: Vec<Bytes>,
    ) -> Self {
        Self { key, epoch, from, through, entries, beside: Vec::new() }
    }

    pub(super) fn run(&self, shared: &Shared, opened: &Opened) -> Result<Appended, Error> {
        let Shared { retention, readers, .. } = shared;
        let stream = self.key.stream();
        // Dropping a transaction undoes it; its commits are durable before they return, which is redb's default and
        // the only durability of a file that others read.
        let transaction = opened.database.begin_write()?;
        let key = self.key.to_string();
        let current = transaction.open_table(FENCES)?.get(key.as_str())?.map_or(0, |epoch| epoch.value());
        if current != self.epoch {
            return Ok(Appended::Fenced { current });
        }
        let mut state = StreamState::read_to_change(&transaction, stream)?;
        let backlog = |state: &StreamState| shared.backlog_of(opened, stream, state);
        {
            let mut cursors = transaction.open_table(CURSORS)?;
            let stored = cursors.get(key.as_str())?.map(|text| text.value().to_vec());
            if stored.as_deref() != self.from.as_ref().map(String::as_bytes) {
                if stored.as_deref() == Some(self.through.as_bytes()) {
                    return Ok(Appended::Already { backlog: backlog(&state) });
                }
                let (key, expected) = (self.key.clone(), self.from.clone());
                let stored = stored.map(|text| String::from_utf8_lossy(&text).into_owned());
                return Ok(Appended::Mismatch { key, expected, stored });
            }
            cursors.insert(key.as_str(), self.through.as_bytes())?;
            for Beside { key, from, through } in &self.beside {
                let (name, expected) = (key.to_string(), from.as_ref().map(ToString::to_string));
                let stored = cursors.get(name.as_str())?.map(|text| text.value().to_vec());
                if stored.as_deref() != expected.as_ref().map(String::as_bytes) {
                    let stored = stored.map(|text| String::from_utf8_lossy(&text).into_owned());
                    return Ok(Appended::Mismatch { key: key.clone(), expected, stored });
                }
                cursors.insert(name.as_str(), through.to_string().as_bytes())?;
            }
        }
        if let Retention::Block(block) = retention
            && !self.entries.is_empty()
        {
            let backlog = backlog(&state);
            if backlog >= block.high_water() {
                return Ok(Appended::Full { backlog });
            }
        }
        let begun = state;
        self.append(&transaction, &mut state)?;
        let retired = match retention {
            Retention::Keep { bytes } => {
                let left = self.retire(&transaction, &mut state, |state| {
                    state.bytes > bytes.get() && state.first < begun.next
                })?;
                let unread = if left == 0 { 0 } else { readers.unread(opened.log, stream, &begun, &state) };
                Retired { entries: left, unread }
            }
            Retention::Block(block) => {
                let wanted = readers.first_wanted(block, opened.log, stream, &state);
                self.retire(&transaction, &mut state, |state| state.first < wanted)?;
                Retired::default()
            }
        };
        if state != begun {
            state.write(&transaction, stream)?;
        }
        transaction.commit()?;
        Ok(Appended::Applied { backlog: backlog(&state), retired })
    }

    fn append(&self, transaction: &WriteTransaction, state: &mut StreamState) -> Result<(), Error> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let name = entries_of(self.key.stream());
        let mut table = transaction.open_table(entries(&name))?;
        let mut end = table.upper_bound_mut(Bound::<u64>::Unbounded)?;
        for entry in &self.entries {
            end.insert_before(state.next, entry.as_ref())?;
            state.next += 1;
            state.bytes += StreamState::weight(entry);
        }
        end.close()?;
        Ok(())
    }

    /// Removes the oldest entries while they are to go, in bounded steps: a lowered bound is reached over several
    /// batches. Answers how many left.
    fn retire(
        &self,
        transaction: &WriteTransaction,
        state: &mut StreamState,
        goes: impl Fn(&StreamState) -> bool,
    ) -> Result<u64, Error> {
        let most = 1_000 + 4 * self.entries.len() as u64;
        if !goes(state) {
            return Ok(0);
        }
        let name = entries_of(self.key.stream());
        let mut table = transaction.open_table(entries(&name))?;
        let mut left = 0;
        let mut oldest = table.extract_if(|_, _| true)?;
        while left < most && goes(state) {
            let Some(entry) = oldest.next() else { break };
            let (index, payload) = entry?;
            state.first = index.value() + 1;
            state.bytes = state.bytes.saturating_sub(StreamState::weight(payload.value()));
            left += 1;
        }
        Ok(left)
    }
}
