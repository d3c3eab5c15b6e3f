use std::sync::Arc;

use jiff::Timestamp;
use standpipe_cursor::Resume;
use standpipe_daemon::ingest::Feed;
use standpipe_daemon::{Host as _, Labeler};
use standpipe_pipeline::Observer;
use standpipe_projection::{Admission, LabelDecoder, PoisonMemory, Unasked};
use standpipe_subscription::{Settings, Subscription, SubscriptionError};

const SUBSCRIBE_LABELS: &str = "com.atproto.label.subscribeLabels";

/// One labeler's labels.
pub(crate) struct LabelFeed {
    settings: Settings,
    host: Labeler,
    /// Unreadable frames that were met over earlier connections.
    poison: PoisonMemory,
}

impl LabelFeed {
    pub(crate) fn new(settings: Settings, host: Labeler) -> Self {
        Self { settings, host, poison: PoisonMemory::default() }
    }
}

impl Feed for LabelFeed {
    type Source = Subscription;
    type Decoder = LabelDecoder<Unasked, fn() -> u64>;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Subscription, SubscriptionError> {
        let Some(host) = self.host.endpoint() else { return std::future::pending().await };
        Subscription::connect(&self.settings, host, SUBSCRIBE_LABELS, resume, observer).await
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder {
        LabelDecoder::new(Unasked, Admission::All, resume, self.poison.clone(), observer, now_micros)
    }
}

/// The wall clock, by which unreadable frames are counted.
fn now_micros() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}
