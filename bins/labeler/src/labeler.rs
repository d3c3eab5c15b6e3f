//! What the daemon is: what it reads, and where that goes.

use std::sync::Arc;
use std::time::Duration;

use standpipe_daemon::ingest::Subscriber;
use standpipe_daemon::settings::{IdentityPlan, LabelPlan, OlderThanKey, Plan, Upstream, Verify};
use standpipe_daemon::{BoxError, Daemon, HostSetup, Labeler, Lookups, attendant};
use standpipe_identity::{Bounds, History, Patience, Residence, Resolver, Verifier, WebReach};
use standpipe_projection::{Admission, PoisonMemory};
use standpipe_subscription::{Settings, Tls};
use standpipe_supervisor::ChildSpec;

use crate::feed::{Checks, LabelFeed, Place};

/// What all labelers are read with.
pub(crate) struct LabelerDaemon {
    settings: Settings,
    resolver: Resolver,
    reach: WebReach,
    checks: Option<Checks>,
    refresh: Duration,
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
        let tls = plan.roots_file.as_deref().map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
        let IdentityPlan { directory, refresh, remembered, is_private_network } = plan.identity.clone();
        let reach = if is_private_network { WebReach::PrivateNetwork } else { WebReach::Public };
        let defaults = Bounds::default();
        let resolver = Resolver::new(&standpipe_identity::Settings {
            user_agent: plan.user_agent.as_str().to_owned(),
            tls: tls.client_config(),
            directory,
            web: reach,
            bounds: Bounds {
                identities: remembered.get(),
                fresh_for: refresh,
                max_age: defaults.max_age.max(refresh),
                error_age: defaults.error_age.min(refresh),
                ..defaults
            },
        })?;
        let checks = checks(&plan.labels, &resolver);
        let (user_agent, deadlines) = (plan.user_agent.clone(), plan.deadlines);
        let settings = Settings { user_agent, tls, deadlines };
        Ok(Self { settings, resolver, reach, checks, refresh })
    }

    fn hosts(plan: &Plan) -> Vec<Labeler> {
        plan.labelers.clone()
    }

    fn reader(&self, host: &Labeler, setup: HostSetup<'_, Labeler>) -> Subscriber<LabelFeed> {
        let place = match host {
            Labeler::At(endpoint) => Place::At(endpoint.clone()),
            Labeler::Did(did) => Place::Named {
                residence: Arc::new(Residence::new(self.resolver.clone(), did, self.reach)),
                every: self.refresh,
                prober: setup.prober.clone(),
            },
        };
        let (settings, checks, poison) =
            (self.settings.clone(), self.checks.clone(), PoisonMemory::default());
        Subscriber::new(setup.by_seq(), LabelFeed { settings, place, checks, poison })
    }

    fn attendants(&self) -> Vec<ChildSpec> {
        let resolver = self.resolver.clone();
        let driving = move || {
            let resolver = resolver.clone();
            async move { resolver.drive().await }
        };
        vec![attendant("identities", "somebody to ask for an identity", driving)]
    }

    fn lookups(&self) -> Option<Arc<dyn Lookups>> {
        Some(Arc::new(Account(self.resolver.clone())))
    }
}

/// What came of lookups, and what is remembered of them.
struct Account(Resolver);

impl Lookups for Account {
    fn outcomes(&self) -> Vec<(&'static str, u64)> {
        self.0.lookups()
    }

    fn remembered(&self) -> u64 {
        self.0.remembered() as u64
    }

    fn keepsakes(&self) -> Vec<u8> {
        self.0.keepsakes()
    }

    fn recall(&self, keepsakes: &[u8]) {
        self.0.recall(keepsakes);
    }
}

fn checks(plan: &LabelPlan, resolver: &Resolver) -> Option<Checks> {
    let admission = match plan.verify {
        Verify::Off => return None,
        Verify::Mark => Admission::All,
        Verify::Enforce => Admission::Enforced,
    };
    let history = match plan.older_than_key {
        OlderThanKey::Failed => History::Failed,
        OlderThanKey::Unverified => History::Unverified,
    };
    let patience =
        Patience { within: plan.within, items: plan.frames, bytes: plan.bytes, ..Patience::default() };
    Some(Checks { verifier: Verifier::new(resolver.clone(), history), patience, admission })
}
