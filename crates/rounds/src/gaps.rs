use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorError, Endpoint, Seq};
use standpipe_daemon::ingest::{Feed, Resuming};
use standpipe_list_repos::{Gap, ListError, Listing, RepoRows, Revisit, Revisited, Settings};
use standpipe_pipeline::{Counts, Decoder, Never, Observer, OpenBatch, RepoPage, RepoRow};
use standpipe_projection::{ListedRepoDecoder, ListedRepoSettings};

use crate::mark;
use crate::marks::Marks;
use crate::owed::Owed;

/// For how long a host is asked for what it owes, before others have their turn, and what is new.
const ASKED_FOR: Duration = Duration::from_mins(1);

/// What a host owes, and can give now.
pub(crate) struct GapsFeed<L> {
    pub(crate) listing: L,
    pub(crate) settings: Settings,
    pub(crate) host: Endpoint,
    pub(crate) repos: ListedRepoSettings,
    pub(crate) marks: Marks,
}

/// Reads what is stored as what is owed.
#[derive(Debug)]
pub(crate) struct ByOwed;

impl Resuming for ByOwed {
    type Resume = Owed;

    fn resume(&self, stored: Option<&Cursor>) -> Result<Owed, CursorError> {
        Owed::of(stored)
    }

    fn parameter(&self, resume: &Owed) -> impl tracing::Value {
        u64::try_from(resume.ranges().len()).unwrap_or(u64::MAX)
    }
}

impl<L: Listing<Rows = RepoRows> + Clone + Sync> Feed for GapsFeed<L> {
    type Source = Revisit<L>;
    type Decoder = GapsDecoder;
    type Resume = Owed;

    async fn connect(&self, resume: Owed, observer: &Arc<dyn Observer>) -> Result<Revisit<L>, ListError> {
        let mut ranges: Vec<Gap> = resume.ranges().iter().filter_map(gap).collect();
        // Where there are more than there is time for, each has its turn.
        if !ranges.is_empty() {
            let first = fastrand::usize(..ranges.len());
            ranges.rotate_left(first);
        }
        let observer = Arc::clone(observer);
        Revisit::open(&self.listing, &self.settings, &self.host, ranges, ASKED_FOR, observer)
    }

    fn decoder(&self, resume: Owed, observer: Arc<dyn Observer>) -> GapsDecoder {
        self.marks.resumes(&resume);
        let inner = ListedRepoDecoder::new(&self.host, mark::done(), self.repos.clone(), observer);
        GapsDecoder { inner, marks: self.marks.clone() }
    }
}

fn gap((after, through): &(u64, u64)) -> Option<Gap> {
    Some(Gap { after: Seq::new(*after)?, through: Seq::new(*through)? })
}

/// Writes what was read of a range, and with it what is owed still.
pub(crate) struct GapsDecoder {
    inner: ListedRepoDecoder<Repaid>,
    marks: Marks,
}

impl Decoder for GapsDecoder {
    type Item = Revisited;
    type Halt = Never;

    fn decode(&mut self, found: Revisited, batch: &mut OpenBatch) -> Result<(), Never> {
        // What has lost its middle is two ranges, for which there may be no room: it is left for another time.
        let Some(through) = self.marks.read_owed(found.range) else { return Ok(()) };
        self.inner.decode(Repaid { found, through }, batch)
    }
}

/// Rows that were owed, and what is owed without them.
pub(crate) struct Repaid {
    found: Revisited,
    through: Cursor,
}

impl RepoPage for Repaid {
    fn through(&self) -> Option<&Cursor> {
        Some(&self.through)
    }

    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>> {
        self.found.rows()
    }

    fn unreadable(&self) -> &Counts {
        self.found.unreadable()
    }

    fn received_bytes(&self) -> usize {
        self.found.received_bytes()
    }
}
