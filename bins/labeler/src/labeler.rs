//! What the daemon is: what it reads, and where that goes.

use standpipe_cursor::Endpoint;
use standpipe_daemon::ingest::Subscriber;
use standpipe_daemon::settings::{Plan, Upstream};
use standpipe_daemon::{Daemon, HostSetup};
use standpipe_subscription::{Settings, Tls};

use crate::feed::LabelFeed;

/// What all labelers are read with.
pub(crate) struct Labeler {
    settings: Settings,
}

impl Daemon for Labeler {
    type Reader = Subscriber<LabelFeed>;

    const NAME: &'static str = "labeler";
    const ABOUT: &'static str =
        "Reads AT Protocol labelers into Redis Streams, every label and every negation once";
    const UPSTREAM: Upstream = Upstream::Labelers;
    const STREAM: &'static str = "label_live";
    const FIELD: &'static str = "labels";

    fn new(plan: &Plan) -> Self {
        let tls = plan.roots_file.as_deref().map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
        let (user_agent, deadlines) = (plan.user_agent.clone(), plan.deadlines);
        Self { settings: Settings { user_agent, tls, deadlines } }
    }

    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Subscriber<LabelFeed> {
        Subscriber::new(setup.by_seq(), LabelFeed::new(self.settings.clone(), host.clone()))
    }
}
