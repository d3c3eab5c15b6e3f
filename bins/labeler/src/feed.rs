use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use standpipe_cursor::{Endpoint, Resume};
use standpipe_daemon::Prober;
use standpipe_daemon::ingest::Feed;
use standpipe_identity::{ClaimsOfFrame, FollowError, Followed, Patience, Residence, Verified, Verifier};
use standpipe_pipeline::Observer;
use standpipe_projection::{Admission, LabelDecoder, PoisonMemory};
use standpipe_subscription::{Settings, Subscription, SubscriptionError};

use crate::judged::{Given, JudgedDecoder};

const SUBSCRIBE_LABELS: &str = "com.atproto.label.subscribeLabels";

/// One labeler's labels.
pub(crate) struct LabelFeed {
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    pub(crate) checks: Option<Checks>,
    /// Unreadable frames that were met over earlier connections.
    pub(crate) poison: PoisonMemory,
}

/// How the signatures of labels are checked; not at all without.
#[derive(Clone)]
pub(crate) struct Checks {
    pub(crate) verifier: Verifier,
    pub(crate) patience: Patience,
    pub(crate) admission: Admission,
}

/// Where the labeler is.
pub(crate) enum Place {
    /// Where an operator wrote.
    At(Endpoint),
    /// Where its document says, which is looked at again this often.
    Named { residence: Arc<Residence>, every: Duration, prober: Prober },
}

impl Feed for LabelFeed {
    type Source = Verified<Followed<Subscription>, ClaimsOfFrame>;
    type Decoder = JudgedDecoder<fn() -> u64>;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self::Source, FollowError<SubscriptionError>> {
        let (settings, nsid) = (&self.settings, SUBSCRIBE_LABELS);
        let source = match &self.place {
            Place::At(host) => {
                let connected = Subscription::connect(settings, host, nsid, resume, observer).await;
                Followed::stays(connected.map_err(FollowError::Host)?)
            }
            Place::Named { residence, every, prober } => {
                let permits = residence.permits();
                let connect = async |host: &Endpoint| {
                    prober.looks_at(host, permits);
                    Subscription::connect_where(settings, host, permits, nsid, resume, observer).await
                };
                Followed::connect(residence, *every, connect).await?
            }
        };
        Ok(Verified::frames(source, self.checks.as_ref().map(Checks::asked)))
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder {
        let verdicts = Given::new(self.checks.is_some());
        let admission = self.checks.as_ref().map_or(Admission::All, |checks| checks.admission);
        let poison = self.poison.clone();
        JudgedDecoder(LabelDecoder::new(verdicts, admission, resume, poison, observer, now_micros))
    }
}

impl Checks {
    fn asked(&self) -> (Verifier, Patience) {
        (self.verifier.clone(), self.patience)
    }
}

/// The wall clock, by which unreadable frames are counted.
fn now_micros() -> u64 {
    u64::try_from(Timestamp::now().as_microsecond()).unwrap_or_default()
}
