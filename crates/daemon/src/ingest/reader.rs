use std::future::Future;
use std::sync::Arc;

use standpipe_cursor::{CursorStore, Resume};
use standpipe_pipeline::{Acquire, Observer};
use standpipe_supervisor::{ChildResult, Scope};

use super::{Feed, Ingest};
use crate::HostLedger;

/// What the child of one host does. It lives as long as the child, over all of its incarnations.
pub trait Reader: Send + Sync + 'static {
    /// Runs one incarnation: until the stop, the end of the work, or trouble.
    ///
    /// `sinks` makes what writers come from, told the observer of this incarnation; its cursors are where an operator
    /// would look for them. `ledger` is the account of the host, and hears everything too.
    ///
    /// Cancel-safe: the sink stays consistent, and the next incarnation begins from what is stored.
    ///
    /// # Errors
    ///
    /// [`Trouble::Lost`](standpipe_supervisor::Trouble::Lost) for the world's doing,
    /// [`Trouble::Failed`](standpipe_supervisor::Trouble::Failed) for ours.
    fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        ledger: Arc<HostLedger>,
        scope: Scope,
    ) -> impl Future<Output = ChildResult> + Send;
}

/// Reads a host of numbered events from its cursor on, for ever.
#[derive(Debug)]
pub struct Subscriber<F> {
    ingest: Ingest,
    feed: F,
}

impl<F: Feed<Resume = Resume> + 'static> Subscriber<F> {
    /// The reader of one host.
    #[must_use]
    pub fn new(ingest: Ingest, feed: F) -> Self {
        Self { ingest, feed }
    }
}

impl<F: Feed<Resume = Resume> + 'static> Reader for Subscriber<F> {
    async fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        sinks: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        ledger: Arc<HostLedger>,
        scope: Scope,
    ) -> ChildResult {
        self.ingest.run(&self.feed, sinks, ledger, scope).await
    }
}
