use std::sync::Arc;

use standpipe_cursor::Endpoint;
use standpipe_daemon::ingest::Feed;
use standpipe_list_repos::{ListError, Listing, Page, RepoRows, Settings, Walk};
use standpipe_pipeline::{Observer, Source};
use standpipe_projection::{ListedRepoDecoder, ListedRepoSettings};

use crate::decoder::{Known, PageDecoder};
use crate::mark::{self, Place};
use crate::marks::Marks;

/// One round's pages of one host.
pub(crate) struct ListFeed<L> {
    pub(crate) listing: L,
    pub(crate) settings: Settings,
    pub(crate) host: Endpoint,
    pub(crate) repos: ListedRepoSettings,
    pub(crate) ending: Ending,
    pub(crate) marks: Marks,
}

/// What is stored with the rows of a host's last page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// That the enumeration is done.
    Done,
    /// Where the next round goes on.
    Tail,
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
        let rows_left = usize::from(self.settings.limit.rows().min(L::MAX_LIMIT));
        let known = match resume {
            Place::Tail { account, .. } => Some(Known { account, rows_left, held: Vec::new() }),
            Place::Behind(_) | Place::Done => None,
        };
        PageDecoder {
            inner: ListedRepoDecoder::new(&self.host, mark::done(), self.repos.clone(), observer),
            ending: self.ending,
            marks: self.marks.clone(),
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
