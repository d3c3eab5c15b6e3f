use std::sync::Arc;

use standpipe_cursor::Endpoint;
use standpipe_daemon::ingest::Feed;
use standpipe_list_repos::{ListError, Listing, RepoRows, Settings, Walk};
use standpipe_pipeline::Observer;
use standpipe_projection::{ListedRepoDecoder, ListedRepoSettings};

use crate::decoder::{Known, PageDecoder};
use crate::mark::{self, Place};
use crate::marks::Marks;
use crate::pages::{Aside, Pages};
use crate::turns::Turn;

/// One round's pages of one host.
pub(crate) struct ListFeed<L: Listing> {
    pub(crate) listing: L,
    pub(crate) settings: Settings,
    pub(crate) host: Endpoint,
    pub(crate) repos: ListedRepoSettings,
    pub(crate) ending: Ending,
    pub(crate) marks: Marks,
    pub(crate) aside: Aside<L>,
    pub(crate) turn: Arc<Turn>,
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
            return Ok(Pages::none(Arc::clone(&self.turn)));
        }
        let observer = Arc::clone(observer);
        // An operator may have moved the cursor meanwhile.
        let left = self.aside.take_up().filter(|walk| walk.cursor() == resume.cursor());
        let walk = if let Some(walk) = left {
            walk.observed_by(observer)
        } else {
            let from = resume.cursor().cloned();
            Walk::open(&self.listing, &self.settings, &self.host, from, observer)?
        };
        Ok(Pages::of(walk, Arc::clone(&self.turn), self.aside.clone()))
    }

    fn decoder(&self, resume: Place, observer: Arc<dyn Observer>) -> PageDecoder {
        let rows_left = usize::from(self.settings.limit.rows().min(L::MAX_LIMIT));
        let known = match resume {
            Place::Tail { account, .. } => {
                let bytes_left = self.settings.bounds.page_max_bytes;
                Some(Known { account, rows_left, bytes_left, held: Vec::new() })
            }
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
