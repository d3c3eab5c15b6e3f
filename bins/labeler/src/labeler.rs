//! What the daemon is: what it reads, and where that goes.

use standpipe_daemon::ingest::Subscriber;
use standpipe_daemon::settings::{Plan, Upstream};
use standpipe_daemon::{BoxError, Daemon, Host as _, HostSetup, Labeler};
use standpipe_subscription::{Settings, Tls};

use crate::feed::LabelFeed;

/// What all labelers are read with.
pub(crate) struct LabelerDaemon {
    settings: Settings,
}

impl Daemon for LabelerDaemon {
    type Host = Labeler;
    type Reader = Subscriber<LabelFeed>;

    const NAME: &'static str = "labeler";
    const ABOUT: &'static str =
        "Reads AT Protocol labelers into Redis Streams, every label and every negation once";
    const UPSTREAM: Upstream = Upstream::Labelers;
    const STREAM: &'static str = "label_live";
    const FIELD: &'static str = "labels";

    fn new(plan: &Plan) -> Result<Self, BoxError> {
        if let Some(labeler) = plan.labelers.iter().find(|labeler| labeler.endpoint().is_none()) {
            return Err(format!("{labeler} is not looked up yet; write where it is").into());
        }
        let tls = plan.roots_file.as_deref().map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
        let (user_agent, deadlines) = (plan.user_agent.clone(), plan.deadlines);
        Ok(Self { settings: Settings { user_agent, tls, deadlines } })
    }

    fn hosts(plan: &Plan) -> &[Labeler] {
        &plan.labelers
    }

    fn reader(&self, host: &Labeler, setup: HostSetup<'_, Labeler>) -> Subscriber<LabelFeed> {
        Subscriber::new(setup.by_seq(), LabelFeed::new(self.settings.clone(), host.clone()))
    }
}
