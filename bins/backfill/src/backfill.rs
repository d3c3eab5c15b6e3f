use std::num::NonZeroU32;
use std::sync::Arc;

use standpipe_cursor::Endpoint;
use standpipe_daemon::settings::{GapPolicy, Plan, Upstream};
use standpipe_daemon::{BoxError, Daemon, HostSetup};
use standpipe_list_repos::{Bounds, PageLimit, Poison, Reach, Repos, ReposByCollection, Settings};
use standpipe_projection::{Announcements, ListedRepoSettings};
use standpipe_rounds::Rounds;
use standpipe_subscription::Tls;
use tokio::sync::Semaphore;

use crate::lists::Lists;

/// How many requests to one host of many may fail in a row, before others have its turn.
const TRIES_OF_MANY: Option<NonZeroU32> = NonZeroU32::new(5);

/// What all hosts are read with.
pub(crate) struct Backfill {
    settings: Settings,
    announcements: Option<Announcements>,
    turns: Arc<Semaphore>,
}

impl Daemon for Backfill {
    type Host = Endpoint;
    type Reader = Lists;

    const NAME: &'static str = "backfill";
    const ABOUT: &'static str = "Enumerates the repos of AT Protocol hosts into Redis Streams, none skipped";
    const UPSTREAM: Upstream = Upstream::Relays;
    const STREAM: &'static str = "repo_backfill";
    const FIELD: &'static str = "repo";

    fn new(plan: &Plan) -> Result<Self, BoxError> {
        let tls = plan.roots_file.as_deref().map_or_else(Tls::with_platform_roots, Tls::with_roots_in);
        let settings = Settings {
            user_agent: plan.user_agent.as_str().to_owned(),
            tls: tls.client_config(),
            reach: Reach::Written,
            limit: PageLimit::new(plan.backfill.page_limit).unwrap_or_default(),
            poison: match plan.backfill.gaps {
                GapPolicy::Hold => Poison::Hold,
                GapPolicy::SkipRow { at_most } => Poison::SkipRow { at_most },
            },
            bounds: Bounds {
                page_within: plan.deadlines.message_within,
                // Where all have a place, nobody waits for one that is down.
                give_up_after: TRIES_OF_MANY.filter(|_| plan.hosts.len() > plan.backfill.hosts_at_once.get()),
                ..Bounds::default()
            },
        };
        let turns = Arc::new(Semaphore::new(plan.backfill.hosts_at_once.get()));
        let announcements = plan.backfill.announce_once.map(Announcements::bounded);
        Ok(Self { settings, announcements, turns })
    }

    fn hosts(plan: &Plan) -> Vec<Endpoint> {
        plan.hosts.clone()
    }

    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Lists {
        match setup.plan.backfill.collection.clone() {
            None => Lists::Repos(self.rounds(Repos, host, setup)),
            Some(collection) => {
                // The list is another, and so is its cursor.
                let setup = HostSetup { key: setup.key.beside(&collection), ..setup };
                Lists::Collection(self.rounds(ReposByCollection { collection }, host, setup))
            }
        }
    }
}

impl Backfill {
    fn rounds<L>(&self, listing: L, host: &Endpoint, setup: HostSetup<'_>) -> Rounds<L> {
        let HostSetup { plan, key, prober, .. } = setup;
        let repos = ListedRepoSettings {
            standings: plan.backfill.standings.clone(),
            dids: plan.repos.dids.clone(),
            announcements: self.announcements.as_ref().map(Announcements::of_host),
        };
        Rounds {
            listing,
            settings: self.settings.clone(),
            host: host.clone(),
            repos,
            key,
            limits: plan.limits,
            prober,
            state: plan.state.path().to_owned(),
            interval: plan.backfill.interval,
            again: plan.backfill.again,
            gaps_again: plan.backfill.gaps_again,
            estimates: plan.backfill.collection.is_none(),
            turns: Arc::clone(&self.turns),
        }
    }
}
