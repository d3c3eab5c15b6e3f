use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::sync::Arc;

use standpipe_cursor::Endpoint;
use standpipe_eventstream::{Did, DidMethod, Tid};
use standpipe_pipeline::{Decoder, Never, Observation, Observer, OpenBatch, RepoPage, RepoRow};
use standpipe_stream_entry::backfill::ListedRepo;
use standpipe_stream_entry::firehose::AccountStatus;

use crate::recent::Recent;
use crate::{DidFilter, HostAnnouncements, StandingFilter};

/// How many of the host's accounts are remembered to notice that it lists one twice. Hosts repeat rows at the seams
/// of their pages, which have at most a thousand.
const REPEATS_WITHIN: NonZeroUsize = NonZeroUsize::new(8192).unwrap();

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
/// explains (`docs/events.md`); a malformed one is also observed as [`Observation::Quarantined`]. A row with an account
/// that can be looked up is never malformed: what else is wrong with it is left out of the entry, and counted.
pub struct ListedRepoDecoder {
    host: String,
    settings: ListedRepoSettings,
    repeats: Recent<()>,
    observer: Arc<dyn Observer>,
}

impl ListedRepoDecoder {
    /// A decoder for pages of this host.
    pub fn new(host: &Endpoint, settings: ListedRepoSettings, observer: Arc<dyn Observer>) -> Self {
        let host = format!("https://{}", host.name());
        Self { host, settings, repeats: Recent::bounded(REPEATS_WITHIN), observer }
    }

    fn row(&mut self, row: &RepoRow, batch: &mut OpenBatch) {
        if let Err(reason) = check_did(&row.did) {
            batch.dropped(reason);
            let frame = row.did.as_bytes();
            let frame = frame.get(..Did::MAX_LEN).unwrap_or(frame);
            self.observer.observe(Observation::Quarantined { reason, seq: None, frame });
            return;
        }
        if self.repeats.meet(&row.did, |_| ()).is_some() {
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
    fn entry<'a>(&'a self, row: &'a RepoRow, batch: &mut OpenBatch) -> ListedRepo<'a> {
        let mut rev = row.rev.as_str();
        if rev.is_empty() {
            batch.noted("rev_missing");
        } else if rev.len() > MAX_WORD_LEN {
            batch.noted("rev_too_long");
            rev = "";
        } else if Tid::parse(rev).is_err() {
            batch.noted("rev_no_tid");
        }
        let mut status = row.status.as_deref();
        if status.is_some_and(|status| status.len() > MAX_WORD_LEN) {
            batch.noted("status_too_long");
            status = None;
        }
        if row.active.is_none() {
            batch.noted("active_missing");
        }
        ListedRepo {
            did: row.did.as_str().into(),
            host: self.host.as_str().into(),
            rev: rev.into(),
            status: status.map(AccountStatus::from),
            active: row.active.unwrap_or(true),
        }
    }
}

impl Decoder for ListedRepoDecoder {
    type Item = RepoPage;
    type Halt = Never;

    fn decode(&mut self, page: RepoPage, batch: &mut OpenBatch) -> Result<(), Never> {
        debug_assert_ne!(
            page.sent.as_ref(),
            Some(&page.through),
            "a source yields no page that leads nowhere"
        );
        for row in &page.rows {
            self.row(row, batch);
        }
        batch.close_frame(page.through, page.bytes, "");
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
