//! The firehose daemon with faults of its own making, for checks of what becomes of them. It is not shipped: it is built
//! with the feature `faults` alone.
//!
//! `FIREHOSE_FAULTS` has them, separated by commas: `panic@HOST=500` panics in the child of that host once it has had 500
//! messages over one connection, `stall@HOST=500` waits there for ever without a word. Each happens once a process.

mod feed;
mod firehose;

use std::future::pending;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Endpoint, Resume};
use standpipe_daemon::ingest::{Feed, Subscriber};
use standpipe_daemon::settings::{Plan, Upstream};
use standpipe_daemon::{Daemon, HostSetup};
use standpipe_pipeline::{Observer, RawMessage, Source};
use standpipe_projection::RepoDecoder;
use standpipe_subscription::{Subscription, SubscriptionError};

use crate::feed::RepoFeed;
use crate::firehose::Firehose;

/// The daemon itself, whose feeds go wrong as asked.
struct WithFaults(Firehose);

impl Daemon for WithFaults {
    type Reader = Subscriber<FaultyFeed>;

    const NAME: &'static str = Firehose::NAME;
    const ABOUT: &'static str = Firehose::ABOUT;
    const UPSTREAM: Upstream = Firehose::UPSTREAM;
    const STREAM: &'static str = Firehose::STREAM;
    const FIELD: &'static str = Firehose::FIELD;

    fn new(plan: &Plan) -> Self {
        Self(Firehose::new(plan))
    }

    #[expect(clippy::disallowed_methods, reason = "faults are no settings of the product")]
    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Subscriber<FaultyFeed> {
        let asked = std::env::var("FIREHOSE_FAULTS").unwrap_or_default();
        let faults = asked.split(',').filter_map(|fault| Fault::parse(fault, host)).collect();
        Subscriber::new(setup.by_seq(), FaultyFeed { feed: self.0.feed(host), faults })
    }
}

/// What goes wrong at which message of a connection.
struct Fault {
    kind: Kind,
    message: u64,
    happened: AtomicBool,
}

#[derive(Clone, Copy)]
enum Kind {
    Panic,
    Stall,
}

impl Fault {
    fn parse(asked: &str, host: &Endpoint) -> Option<Arc<Self>> {
        let (kind, place) = asked.split_once('@')?;
        let (name, message) = place.rsplit_once('=')?;
        let kind = match kind {
            "panic" => Kind::Panic,
            "stall" => Kind::Stall,
            _ => return None,
        };
        let message = message.parse().ok()?;
        (name == host.name()).then(|| Arc::new(Self { kind, message, happened: AtomicBool::new(false) }))
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
        Ok(FaultySource { source, messages: 0, stalls: false, faults: self.faults.clone() })
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder {
        self.feed.decoder(resume, observer)
    }
}

struct FaultySource {
    source: Subscription,
    messages: u64,
    stalls: bool,
    faults: Vec<Arc<Fault>>,
}

impl Source for FaultySource {
    type Item = RawMessage;
    type Error = SubscriptionError;

    #[expect(clippy::panic, reason = "that is what was asked for")]
    async fn next(&mut self) -> Result<Option<RawMessage>, SubscriptionError> {
        let due = self.faults.iter().filter(|fault| fault.message == self.messages);
        for fault in due.filter(|fault| !fault.happened.swap(true, Ordering::Relaxed)) {
            match fault.kind {
                Kind::Panic => panic!("asked to panic at message {}", fault.message),
                Kind::Stall => self.stalls = true,
            }
        }
        if self.stalls {
            pending::<()>().await;
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
