//! What the daemon is: what it reads, and where that goes.

use standpipe_cursor::Endpoint;
use standpipe_daemon::ingest::Subscriber;
use standpipe_daemon::settings::{Plan, Upstream};
use standpipe_daemon::{BoxError, Daemon, HostSetup};
use standpipe_projection::RepoSettings;
use standpipe_subscription::{Settings, Tls};

use crate::feed::RepoFeed;

/// What all relays are read with.
pub(crate) struct Firehose {
    settings: Settings,
    repos: RepoSettings,
}

impl Daemon for Firehose {
    type Host = Endpoint;
    type Reader = Subscriber<RepoFeed>;

    const NAME: &'static str = "firehose";
    const ABOUT: &'static str = "Reads AT Protocol relays into Redis Streams, every event once";
    const UPSTREAM: Upstream = Upstream::Relays;
    const STREAM: &'static str = "firehose_live";
    const FIELD: &'static str = "event";

    fn new(plan: &Plan) -> Result<Self, BoxError> {
        let tls = plan.roots_file.as_deref().map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
        let (user_agent, deadlines) = (plan.user_agent.clone(), plan.deadlines);
        Ok(Self { settings: Settings { user_agent, tls, deadlines }, repos: plan.repos.clone() })
    }

    fn hosts(plan: &Plan) -> Vec<Endpoint> {
        plan.hosts.clone()
    }

    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Subscriber<RepoFeed> {
        Subscriber::new(setup.by_seq(), self.feed(host))
    }
}

impl Firehose {
    /// What the host sends.
    pub(crate) fn feed(&self, host: &Endpoint) -> RepoFeed {
        RepoFeed::new(self.settings.clone(), host.clone(), self.repos.clone())
    }
}
