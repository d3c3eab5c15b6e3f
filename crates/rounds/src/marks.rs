use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorError, CursorKey, CursorStore};
use standpipe_list_repos::{Gap, Page, Through};
use standpipe_pipeline::{OpenBatch, Remedy, Transient};
use thiserror::Error;

use crate::owed::Owed;

/// How often a host is tried again that owes too much.
const HELD_RETRY: Duration = Duration::from_mins(5);

/// What is stored beside the cursor of a round, as this incarnation knows it: where the round for what is new goes on,
/// and what is owed. Clones are one.
///
/// What changes of it is stored in one step with the pages that it is about, and only where nobody else has changed it.
#[derive(Clone)]
pub(crate) struct Marks {
    new: CursorKey,
    gaps: CursorKey,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    new: Option<Cursor>,
    /// What is stored of what is owed, or is on its way there.
    stored: Option<Cursor>,
    owed: Owed,
    is_noted: bool,
    is_full: bool,
}

/// More ranges are owed than can be kept.
#[derive(Debug, Error)]
#[error(
    "go past rows that {after} is before: more ranges are owed by the host than can be kept; tell its operator, or \
     clear what is owed"
)]
pub(crate) struct OwedTooMuch {
    after: u64,
}

impl Transient for OwedTooMuch {
    fn remedy(&self) -> Remedy {
        Remedy::Hold(HELD_RETRY)
    }
}

impl Marks {
    /// The marks beside this cursor, not yet loaded.
    pub(crate) fn beside(key: &CursorKey) -> Self {
        Self { new: key.beside("new"), gaps: key.beside("gaps"), known: Arc::default() }
    }

    /// Under which name what is owed is stored.
    pub(crate) fn gaps_key(&self) -> &CursorKey {
        &self.gaps
    }

    /// Reads what is stored.
    pub(crate) async fn load(&self, store: &impl CursorStore) -> Result<(), CursorError> {
        let (new, stored) = (store.load(&self.new).await?, store.load(&self.gaps).await?);
        let owed = Owed::of(stored.as_ref())?;
        self.change(|known| {
            *known = Known { new, stored, owed, is_noted: known.is_noted, is_full: false };
        });
        Ok(())
    }

    /// A round goes on with what is owed.
    pub(crate) fn resumes(&self, owed: &Owed) {
        self.change(|known| {
            known.owed.clone_from(owed);
            known.stored = owed.text().filter(|_| known.stored.is_some() || !owed.is_empty());
        });
    }

    /// A page was read, and perhaps rows before it could not be.
    pub(crate) fn read<R>(&self, page: &Page<R>) -> Result<(), OwedTooMuch> {
        let after = match (page.gap, &page.after) {
            (Some(gap), _) => Some(gap.through.number()),
            (None, Some(after)) => number(after),
            (None, None) => Some(0),
        };
        let through = match &page.through {
            Through::Cursor(through) => number(through),
            Through::End => Some(u64::MAX),
        };
        self.change(|known| {
            let mut owed = known.owed.clone();
            if let Some(Gap { after, through }) = page.gap {
                owed.owe((after.number(), through.number()));
            }
            if let (Some(after), Some(through)) = (after, through) {
                owed.read((after, through));
            }
            if owed.text().is_none() {
                known.is_full = true;
                return Err(OwedTooMuch { after: page.gap.map_or(0, |gap| gap.after.number()) });
            }
            known.owed = owed;
            known.is_noted |= page.gap.is_some();
            Ok(())
        })
    }

    /// A range that was owed was read. Answers what is stored for it; `None` where that is too much to be stored: then it
    /// is owed as before.
    pub(crate) fn read_owed(&self, range: Gap) -> Option<Cursor> {
        self.change(|known| {
            let mut owed = known.owed.clone();
            owed.read((range.after.number(), range.through.number()));
            let stored = owed.text()?;
            (known.owed, known.stored) = (owed, Some(stored.clone()));
            Some(stored)
        })
    }

    /// What is owed is stored with this batch, where it has changed.
    pub(crate) fn store_owed(&self, batch: &mut OpenBatch) {
        self.change(|known| {
            let text = known.owed.text().filter(|_| known.stored.is_some() || !known.owed.is_empty());
            if let Some(text) = text.filter(|text| known.stored.as_ref() != Some(text)) {
                batch.store_beside(&self.gaps, known.stored.replace(text.clone()), text);
            }
        });
    }

    /// Where the round for what is new goes on is stored with this batch.
    pub(crate) fn store_new(&self, mark: Cursor, batch: &mut OpenBatch) {
        self.change(|known| {
            if known.new.as_ref() != Some(&mark) {
                batch.store_beside(&self.new, known.new.replace(mark.clone()), mark);
            }
        });
    }

    /// Whether anything is owed.
    pub(crate) fn is_owed(&self) -> bool {
        self.change(|known| !known.owed.is_empty())
    }

    /// What is owed.
    pub(crate) fn owed(&self) -> Owed {
        self.change(|known| known.owed.clone())
    }

    /// Whether a range was noted since this was asked last.
    pub(crate) fn take_noted(&self) -> bool {
        self.change(|known| std::mem::take(&mut known.is_noted))
    }

    /// Whether a round ended because no more can be kept.
    pub(crate) fn is_full(&self) -> bool {
        self.change(|known| known.is_full)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> T {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The number that a host's cursor is. Zeros before it do not make it another one.
fn number(cursor: &Cursor) -> Option<u64> {
    let text = cursor.to_string();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
