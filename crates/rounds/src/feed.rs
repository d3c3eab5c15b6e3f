use std::sync::{Arc, Mutex, PoisonError};

use standpipe_cursor::{Cursor, Endpoint};
use standpipe_daemon::ingest::Feed;
use standpipe_list_repos::{ListError, Listing, Page, RepoRows, Rows as _, Settings, Walk};
use standpipe_pipeline::{Counts, Decoder, Never, Observer, OpenBatch, RepoPage, RepoRow, Source};
use standpipe_projection::{ListedRepoDecoder, ListedRepoSettings};

use crate::mark::{self, Place};

/// One round's pages of one host.
pub(crate) struct ListFeed<L> {
    pub(crate) listing: L,
    pub(crate) settings: Settings,
    pub(crate) host: Endpoint,
    pub(crate) repos: ListedRepoSettings,
    pub(crate) ending: Ending,
    pub(crate) tail: Tail,
}

/// What is stored with the rows of a host's last page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// That the enumeration is done.
    Done,
    /// Where the next round goes on.
    Tail,
}

/// Where a round goes on that begins behind the last page, once that page was read. Clones are one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<Option<Cursor>>>);

impl Tail {
    fn is(&self, mark: Cursor) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(mark);
    }

    pub(crate) fn mark(&self) -> Option<Cursor> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl<L: Listing<Rows = RepoRows> + Clone + Sync> Feed for ListFeed<L> {
    type Source = Pages<L>;
    type Decoder = PageDecoder;
    type Resume = Place;

    async fn connect(&self, resume: Place, observer: &Arc<dyn Observer>) -> Result<Pages<L>, ListError> {
        if resume == Place::Done {
            return Ok(Pages(None));
        }
        let (from, observer) = (resume.cursor().cloned(), Arc::clone(observer));
        Walk::open(&self.listing, &self.settings, &self.host, from, observer).map(Some).map(Pages)
    }

    fn decoder(&self, resume: Place, observer: Arc<dyn Observer>) -> PageDecoder {
        let known = match resume {
            Place::Tail { account, .. } => Some(account),
            Place::Behind(_) | Place::Done => None,
        };
        PageDecoder {
            inner: ListedRepoDecoder::new(&self.host, mark::done(), self.repos.clone(), observer),
            ending: self.ending,
            tail: self.tail.clone(),
            known,
        }
    }
}

/// The pages; none, where all is done.
pub(crate) struct Pages<L: Listing>(Option<Walk<L>>);

impl<L: Listing<Rows = RepoRows>> Source for Pages<L> {
    type Item = Page<RepoRows>;
    type Error = ListError;

    async fn next(&mut self) -> Result<Option<Self::Item>, ListError> {
        match &mut self.0 {
            Some(walk) => walk.next().await,
            None => Ok(None),
        }
    }

    async fn park(&mut self) {
        if let Some(walk) = &mut self.0 {
            walk.park().await;
        }
    }
}

/// Gives pages to the decoder of rows, and knows what the last one is worth.
pub(crate) struct PageDecoder {
    inner: ListedRepoDecoder<KnownPage>,
    ending: Ending,
    tail: Tail,
    /// The account up to which the first page was written already.
    known: Option<String>,
}

impl Decoder for PageDecoder {
    type Item = Page<RepoRows>;
    type Halt = Never;

    fn decode(&mut self, page: Page<RepoRows>, batch: &mut OpenBatch) -> Result<(), Never> {
        if page.gap.is_some() {
            batch.noted("rows_withheld");
        }
        let known = self.known.take();
        let place = known.and_then(|known| page.rows.iter().position(|row| row.did == known));
        let skip = place.map_or(0, |place| place + 1);
        let mut through = RepoPage::through(&page).cloned();
        if through.is_none() {
            let mark = mark::tail(page.rows.last(), page.after.as_ref());
            self.tail.is(mark.clone());
            if self.ending == Ending::Tail {
                if page.rows.len() == skip {
                    // What is stored is as good, and may be the same to the byte.
                    return Ok(());
                }
                through = Some(mark);
            }
        }
        self.inner.decode(KnownPage { page, skip, through }, batch)
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
