use std::convert::Infallible;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::sync::Arc;

use standpipe_cursor::{Cursor, Endpoint};
use standpipe_eventstream::{Did, DidMethod, Tid};
use standpipe_pipeline::{Decoder, Never, Observation, Observer, OpenBatch, RepoPage, RepoRow};
use standpipe_stream_entry::backfill::ListedRepo;
use standpipe_stream_entry::firehose::AccountStatus;

use crate::recent::Recent;
use crate::{DidFilter, HostAnnouncements, StandingFilter};

/// How many of the host's accounts are remembered to notice that it lists one twice. Hosts repeat rows at the seams
/// of their pages, which have at most a thousand.
const REPEATS_WITHIN: NonZeroUsize = NonZeroUsize::new(8192).unwrap();

/// How many unusable rows of a page are observed, the first of them. All are counted.
const QUARANTINED_A_PAGE: usize = 3;

/// The longest `rev` or `status` that is written, in bytes. A TID has 13, the longest known status 14.
const MAX_WORD_LEN: usize = 128;

/// What becomes of the rows of a host's list of repositories.
#[derive(Clone, Debug, Default)]
pub struct ListedRepoSettings {
    /// Accounts of which standing become entries.
    pub standings: StandingFilter,
    /// Which accounts become entries.
    pub dids: DidFilter,
    /// Where each repo is announced once for all hosts: this host's share. `None`: each host announces all it lists.
    pub announcements: Option<HostAnnouncements>,
}

/// Turns pages of a host's list of repositories into entries of `repo_backfill`: one entry a row, one frame a page.
///
/// A row that is not written is counted in the batch by a reason, a closed set of words that the page on entries
/// explains (`docs/events.md`); the first few malformed ones of a page are also observed as
/// [`Observation::Quarantined`], by their account. A row with an account that can be looked up is never malformed: what
/// else is wrong with it is left out of the entry, and counted. Rows that the source could not make sense of are counted
/// here, and observed there, where their bytes are.
pub struct ListedRepoDecoder<P> {
    host: String,
    end: Cursor,
    settings: ListedRepoSettings,
    repeats: Recent<()>,
    observer: Arc<dyn Observer>,
    pages: PhantomData<fn(P)>,
}

impl<P> ListedRepoDecoder<P> {
    /// A decoder for pages of this host. `end` is stored with the rows of the page that the host calls the last:
    /// the mark for "done", which is thereby never there before they are.
    pub fn new(
        host: &Endpoint,
        end: Cursor,
        settings: ListedRepoSettings,
        observer: Arc<dyn Observer>,
    ) -> Self {
        let host = format!("https://{}", host.name());
        let repeats = Recent::bounded(REPEATS_WITHIN);
        Self { host, end, settings, repeats, observer, pages: PhantomData }
    }

    fn row(&mut self, row: RepoRow<'_>, quarantined: &mut usize, batch: &mut OpenBatch) {
        if let Err(reason) = check_did(row.did) {
            batch.dropped(reason);
            if *quarantined < QUARANTINED_A_PAGE {
                *quarantined += 1;
                let frame = row.did.as_bytes();
                let frame = frame.get(..Did::MAX_LEN).unwrap_or(frame);
                self.observer.observe(Observation::Quarantined { reason, seq: None, frame });
            }
            return;
        }
        if self.repeats.meet(row.did, |_| ()).is_some() {
            batch.noted("repeated_row");
        }
        let repo = self.entry(row, batch);
        let passes = if !self.settings.dids.passes(&repo.did) {
            Err("did_filtered")
        } else if !self.settings.standings.passes(repo.active, repo.status.as_ref()) {
            Err("status_filtered")
        } else if self.settings.announcements.as_ref().is_some_and(|all| !all.claim(&repo.did, repo.active)) {
            Err("announced_elsewhere")
        } else {
            Ok(())
        };
        match passes {
            Err(reason) => batch.dropped(reason),
            Ok(()) => {
                let Ok(()) = batch.append("repo", |buffer| {
                    repo.write(buffer);
                    Ok::<(), Infallible>(())
                });
            }
        }
    }

    /// What the row says, without what cannot be written.
    fn entry<'a>(&'a self, row: RepoRow<'a>, batch: &mut OpenBatch) -> ListedRepo<'a> {
        let mut rev = row.rev;
        if rev.is_empty() {
            batch.noted("rev_missing");
        } else if rev.len() > MAX_WORD_LEN {
            batch.noted("rev_too_long");
            rev = "";
        } else if Tid::parse(rev).is_err() {
            batch.noted("rev_no_tid");
        }
        let mut status = row.status;
        if status.is_some_and(|status| status.len() > MAX_WORD_LEN) {
            batch.noted("status_too_long");
            status = None;
        }
        ListedRepo {
            did: row.did.into(),
            host: self.host.as_str().into(),
            rev: rev.into(),
            status: status.map(AccountStatus::from),
            active: row.active,
        }
    }
}

impl<P: RepoPage> Decoder for ListedRepoDecoder<P> {
    type Item = P;
    type Halt = Never;

    fn decode(&mut self, page: P, batch: &mut OpenBatch) -> Result<(), Never> {
        for (reason, rows) in page.unreadable().iter() {
            for _ in 0..rows {
                batch.dropped(reason);
            }
        }
        let mut quarantined = 0;
        for row in page.rows() {
            self.row(row, &mut quarantined, batch);
        }
        let through = page.through().unwrap_or(&self.end).clone();
        batch.close_frame(through, page.received_bytes(), "");
        Ok(())
    }
}

/// Why nothing can be looked up under the name, if so.
fn check_did(did: &str) -> Result<(), &'static str> {
    match Did::parse(did).map(Did::method) {
        Ok(DidMethod::Plc | DidMethod::Web) => Ok(()),
        Ok(DidMethod::Other) => Err("did_method"),
        Err(_) => Err("did_syntax"),
    }
}
