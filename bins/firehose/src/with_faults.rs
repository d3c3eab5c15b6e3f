//! The firehose daemon with faults of its own making, for checks of what becomes of them. It is not shipped: it is built
//! with the feature `faults` alone.
//!
//! `FIREHOSE_FAULTS` has them, separated by commas: `panic@HOST=500` panics in the child of that host once it has had 500
//! messages over one connection. Each happens once a process; one that cannot be read ends the start.

mod feed;
mod firehose;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Endpoint, Resume};
use standpipe_daemon::ingest::{Feed, Subscriber};
use standpipe_daemon::settings::{Plan, Upstream};
use standpipe_daemon::{BoxError, Daemon, HostSetup};
use standpipe_pipeline::{Observer, RawMessage, Source};
use standpipe_projection::RepoDecoder;
use standpipe_subscription::{Subscription, SubscriptionError};

use crate::feed::RepoFeed;
use crate::firehose::Firehose;

/// The daemon itself, whose feeds go wrong as asked.
struct WithFaults(Firehose);

impl Daemon for WithFaults {
    type Host = Endpoint;
    type Reader = Subscriber<FaultyFeed>;

    const NAME: &'static str = Firehose::NAME;
    const ABOUT: &'static str = Firehose::ABOUT;
    const UPSTREAM: Upstream = Firehose::UPSTREAM;
    const STREAM: &'static str = Firehose::STREAM;
    const FIELD: &'static str = Firehose::FIELD;

    fn new(plan: &Plan) -> Result<Self, BoxError> {
        Firehose::new(plan).map(Self)
    }

    fn hosts(plan: &Plan) -> Vec<Endpoint> {
        plan.hosts.clone()
    }

    #[expect(clippy::disallowed_methods, reason = "faults are no settings of the product")]
    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Subscriber<FaultyFeed> {
        let asked = std::env::var("FIREHOSE_FAULTS").unwrap_or_default();
        let faults = asked.split_terminator(',').filter_map(|fault| Fault::parse(fault, host)).collect();
        Subscriber::new(setup.by_seq(), FaultyFeed { feed: self.0.feed(host), faults })
    }
}

/// A panic at one message of a connection.
struct Fault {
    message: u64,
    happened: AtomicBool,
}

impl Fault {
    /// The fault that was asked for, if it is this host's.
    #[expect(clippy::panic, reason = "a check that asks for nothing would show nothing")]
    fn parse(asked: &str, host: &Endpoint) -> Option<Arc<Self>> {
        let place = asked.strip_prefix("panic@").and_then(|place| place.rsplit_once('='));
        let read = place.and_then(|(name, message)| Some((name, message.parse().ok()?)));
        let Some((name, message)) = read else { panic!("{asked:?} is no fault") };
        (name == host.name()).then(|| Arc::new(Self { message, happened: AtomicBool::new(false) }))
    }
}

struct FaultyFeed {
    feed: RepoFeed,
    faults: Vec<Arc<Fault>>,
}

impl Feed for FaultyFeed {
    type Source = FaultySource;
    type Decoder = RepoDecoder<fn() -> u64>;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<FaultySource, SubscriptionError> {
        let source = self.feed.connect(resume, observer).await?;
        Ok(FaultySource { source, messages: 0, faults: self.faults.clone() })
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder {
        self.feed.decoder(resume, observer)
    }
}

struct FaultySource {
    source: Subscription,
    messages: u64,
    faults: Vec<Arc<Fault>>,
}

impl Source for FaultySource {
    type Item = RawMessage;
    type Error = SubscriptionError;

    async fn next(&mut self) -> Result<Option<RawMessage>, SubscriptionError> {
        for fault in self.faults.iter().filter(|fault| fault.message == self.messages) {
            let happened = fault.happened.swap(true, Ordering::Relaxed);
            assert!(happened, "asked to panic at message {}", self.messages);
        }
        let message = self.source.next().await?;
        self.messages += 1;
        Ok(message)
    }

    async fn park(&mut self) {
        self.source.park().await;
    }
}

fn main() -> ExitCode {
    standpipe_daemon::main::<WithFaults>()
}
