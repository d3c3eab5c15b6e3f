use standpipe_cursor::Endpoint;
use standpipe_daemon::settings::{GapPolicy, Plan, Upstream};
use standpipe_daemon::{Daemon, HostSetup};
use standpipe_list_repos::{Bounds, PageLimit, Poison, Reach, Repos, Settings};
use standpipe_projection::{Announcements, ListedRepoSettings};
use standpipe_subscription::Tls;

use crate::rounds::Rounds;

/// What all hosts are read with.
pub(crate) struct Backfill {
    settings: Settings,
    announcements: Option<Announcements>,
}

impl Daemon for Backfill {
    type Reader = Rounds<Repos>;

    const NAME: &'static str = "backfill";
    const ABOUT: &'static str = "Enumerates the repos of AT Protocol hosts into Redis Streams, none skipped";
    const UPSTREAM: Upstream = Upstream::Relays;
    const STREAM: &'static str = "repo_backfill";
    const FIELD: &'static str = "repo";

    fn new(plan: &Plan) -> Self {
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
            bounds: Bounds { page_within: plan.deadlines.message_within, ..Bounds::default() },
        };
        Self { settings, announcements: plan.backfill.announce_once.map(Announcements::bounded) }
    }

    fn reader(&self, host: &Endpoint, setup: HostSetup<'_>) -> Rounds<Repos> {
        let HostSetup { plan, key, prober } = setup;
        let repos = ListedRepoSettings {
            standings: plan.backfill.standings.clone(),
            dids: plan.repos.dids.clone(),
            announcements: self.announcements.as_ref().map(Announcements::of_host),
        };
        Rounds {
            listing: Repos,
            settings: self.settings.clone(),
            host: host.clone(),
            repos,
            key,
            limits: plan.limits,
            prober,
            state: plan.state.path().to_owned(),
            interval: plan.backfill.interval,
            again: plan.backfill.again,
        }
    }
}
