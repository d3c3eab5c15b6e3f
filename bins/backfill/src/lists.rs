use std::sync::Arc;

use standpipe_cursor::CursorStore;
use standpipe_daemon::HostLedger;
use standpipe_daemon::ingest::Reader;
use standpipe_list_repos::{Repos, ReposByCollection};
use standpipe_pipeline::{Acquire, Observer};
use standpipe_rounds::{HostWalk, Rounds};
use standpipe_supervisor::{ChildResult, Scope};

/// One host, by the list that is read of it.
pub(crate) enum Lists {
    Hosts(HostWalk),
    Repos(Rounds<Repos>),
    Collection(Rounds<ReposByCollection>),
}

impl Reader for Lists {
    async fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        ledger: Arc<HostLedger>,
        scope: Scope,
    ) -> ChildResult {
        match self {
            Self::Hosts(walk) => walk.read(sinks, ledger, scope).await,
            Self::Repos(rounds) => rounds.read(sinks, ledger, scope).await,
            Self::Collection(rounds) => rounds.read(sinks, ledger, scope).await,
        }
    }
}
