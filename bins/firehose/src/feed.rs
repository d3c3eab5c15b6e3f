use std::sync::Arc;

use jiff::Timestamp;
use standpipe_cursor::{Endpoint, Resume};
use standpipe_daemon::ingest::Feed;
use standpipe_pipeline::Observer;
use standpipe_projection::{PoisonMemory, RepoDecoder, RepoSettings};
use standpipe_subscription::{Settings, Subscription, SubscriptionError};

const SUBSCRIBE_REPOS: &str = "com.atproto.sync.subscribeRepos";

/// One relay's repository events.
pub(crate) struct RepoFeed {
    settings: Settings,
    host: Endpoint,
    repos: RepoSettings,
    /// Unreadable frames that were met over earlier connections.
    poison: PoisonMemory,
}

impl RepoFeed {
    pub(crate) fn new(settings: Settings, host: Endpoint, repos: RepoSettings) -> Self {
        Self { settings, host, repos, poison: PoisonMemory::default() }
    }
}

impl Feed for RepoFeed {
    type Source = Subscription;
    type Decoder = RepoDecoder<fn() -> u64>;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Subscription, SubscriptionError> {
        Subscription::connect(&self.settings, &self.host, SUBSCRIBE_REPOS, resume, observer).await
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder {
        RepoDecoder::new(&self.repos, resume, self.poison.clone(), observer, now_micros)
    }
}

/// The wall clock, which decides whether a revision is from the future. Before 1970 everything is.
fn now_micros() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}
