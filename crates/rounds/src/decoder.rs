use standpipe_cursor::Cursor;
use standpipe_list_repos::{Page, RepoRows, Rows as _};
use standpipe_pipeline::{Counts, Decoder, OpenBatch, RepoPage, RepoRow};
use standpipe_projection::ListedRepoDecoder;

use crate::feed::Ending;
use crate::mark;
use crate::marks::{Marks, OwedTooMuch};

/// Gives pages to the decoder of rows, and knows what is stored beside them.
pub(crate) struct PageDecoder {
    pub(crate) inner: ListedRepoDecoder<KnownPage>,
    pub(crate) ending: Ending,
    pub(crate) marks: Marks,
    pub(crate) known: Option<Known>,
}

/// Rows at the beginning that were written by the round before: those up to an account.
///
/// Pages may be smaller than the one in which that account was, so it is looked for until as many rows have come. Where
/// it is not among them, the host has taken it down, and nothing is known.
pub(crate) struct Known {
    pub(crate) account: String,
    /// How many more rows may come before it; a page without any counts as one.
    pub(crate) rows_left: usize,
    /// How many more bytes may, as received: what is held is no more than one page of the host may have.
    pub(crate) bytes_left: usize,
    pub(crate) held: Vec<Page<RepoRows>>,
}

impl Decoder for PageDecoder {
    type Item = Page<RepoRows>;
    type Halt = OwedTooMuch;

    fn decode(&mut self, page: Page<RepoRows>, batch: &mut OpenBatch) -> Result<(), OwedTooMuch> {
        let Some(mut known) = self.known.take() else { return self.page(page, 0, batch) };
        let place = page.rows.iter().position(|row| row.did == known.account);
        if let Some(place) = place {
            return self.page(page, place + 1, batch);
        }
        known.rows_left = known.rows_left.saturating_sub(page.rows.len().max(1));
        known.bytes_left = known.bytes_left.saturating_sub(page.received_bytes);
        let is_room = known.rows_left > 0 && known.bytes_left > 0;
        let may_come = is_room && RepoPage::through(&page).is_some();
        known.held.push(page);
        if may_come {
            self.known = Some(known);
            return Ok(());
        }
        known.held.into_iter().try_for_each(|page| self.page(page, 0, batch))
    }
}

impl PageDecoder {
    /// A page, the first rows of which are known.
    fn page(&mut self, page: Page<RepoRows>, skip: usize, batch: &mut OpenBatch) -> Result<(), OwedTooMuch> {
        let mut through = RepoPage::through(&page).cloned();
        let is_news = page.rows.len() > skip || page.gap.is_some();
        if through.is_none() && self.ending == Ending::Tail && !is_news {
            // What is stored is as good, and may be the same to the byte.
            return Ok(());
        }
        self.marks.read(&page)?;
        if through.is_none() {
            // What it is asked with the next time: a gap is not asked for again then.
            let behind = page.gap.map(|gap| gap.through.into()).or_else(|| page.after.clone());
            let mark = mark::tail(page.rows.last(), behind.as_ref());
            match self.ending {
                Ending::Done => self.marks.store_new(mark, batch),
                Ending::Tail => through = Some(mark),
            }
        }
        if page.gap.is_some() {
            batch.noted("rows_withheld");
        }
        self.marks.store_owed(batch);
        let Ok(()) = self.inner.decode(KnownPage { page, skip, through }, batch);
        Ok(())
    }
}

/// A page some of whose first rows are known.
pub(crate) struct KnownPage {
    page: Page<RepoRows>,
    skip: usize,
    through: Option<Cursor>,
}

impl RepoPage for KnownPage {
    fn through(&self) -> Option<&Cursor> {
        self.through.as_ref()
    }

    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>> {
        self.page.rows().skip(self.skip)
    }

    fn unreadable(&self) -> &Counts {
        self.page.unreadable()
    }

    fn received_bytes(&self) -> usize {
        self.page.received_bytes
    }
}

#[cfg(test)]
mod tests;
