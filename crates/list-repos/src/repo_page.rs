use standpipe_cursor::Cursor;
use standpipe_pipeline::{Counts, RepoPage, RepoRow};

use crate::{Page, Repo, RepoRows, Rows as _, Through};

impl RepoPage for Page<RepoRows> {
    fn through(&self) -> Option<&Cursor> {
        match &self.through {
            Through::Cursor(cursor) => Some(cursor),
            Through::End => None,
        }
    }

    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>> {
        self.rows.iter().map(row)
    }

    fn unreadable(&self) -> &Counts {
        self.rows.dropped()
    }

    fn received_bytes(&self) -> usize {
        self.received_bytes
    }
}

/// A row as a decoder sees it.
pub(crate) fn row(repo: Repo<'_>) -> RepoRow<'_> {
    RepoRow { did: repo.did, rev: repo.rev, status: repo.status, active: repo.active }
}
