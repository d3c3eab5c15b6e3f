use std::num::NonZeroU32;
use std::time::Duration;

use standpipe_daemon::settings::{BackfillMode, GapPolicy, Plan, Upstream};
use standpipe_daemon::{BoxError, Daemon, HostSetup};
use standpipe_list_repos::{Bounds, PageLimit, Poison, Reach, Repos, ReposByCollection, Settings};
use standpipe_projection::{Announcements, ListedRepoSettings};
use standpipe_rounds::{Estimate, HostWalk, Known, NamedHost, Rounds, Turns};
use standpipe_subscription::Tls;

use crate::lists::Lists;

/// How many requests to one host of many may fail in a row, before others have its turn.
const TRIES_OF_MANY: Option<NonZeroU32> = NonZeroU32::new(5);

/// The same for one that a relay named. It comes again by itself, after a longer and longer time.
const TRIES_OF_FOUND: Option<NonZeroU32> = NonZeroU32::new(1);

/// How long a host that a relay named may take for a page, in the first life of its child.
const PATIENCE_WITH_FOUND: Duration = Duration::from_secs(10);

/// What all hosts are read with.
pub(crate) struct Backfill {
    settings: Settings,
    announcements: Option<Announcements>,
    turns: Turns,
    known: Known,
}

impl Daemon for Backfill {
    type Host = NamedHost;
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
        let turns = Turns::new(plan.backfill.hosts_at_once.get());
        let at_most = match &plan.backfill.mode {
            BackfillMode::Relay => 0,
            BackfillMode::Hosts { at_most, .. } => *at_most,
        };
        let known = Known::at_most(at_most, plan.hosts.iter().map(|host| host.name().to_owned()));
        let announcements = plan.backfill.announce_once.map(Announcements::bounded);
        Ok(Self { settings, announcements, turns, known })
    }

    fn hosts(plan: &Plan) -> Vec<NamedHost> {
        plan.hosts.iter().cloned().map(NamedHost::from).collect()
    }

    fn reader(&self, host: &NamedHost, setup: HostSetup<'_, NamedHost>) -> Lists {
        match (&setup.plan.backfill.mode, setup.plan.backfill.collection.clone()) {
            (BackfillMode::Hosts { interval, skip, .. }, _) if !setup.was_found => Lists::Hosts(HostWalk {
                settings: self.settings.clone(),
                relay: host.endpoint.clone(),
                newcomers: setup.newcomers,
                known: self.known.clone(),
                skip: skip.clone(),
                interval: *interval,
            }),
            (_, None) => Lists::Repos(self.rounds(Repos, host, setup)),
            (_, Some(collection)) => {
                // The list is another, and so is its cursor.
                let setup = HostSetup { key: setup.key.beside(&collection), ..setup };
                Lists::Collection(self.rounds(ReposByCollection { collection }, host, setup))
            }
        }
    }
}

impl Backfill {
    fn rounds<L>(&self, listing: L, host: &NamedHost, setup: HostSetup<'_, NamedHost>) -> Rounds<L> {
        let HostSetup { plan, key, prober, was_found, .. } = setup;
        let mut settings = Settings { reach: host.reach, ..self.settings.clone() };
        if was_found {
            settings.bounds.give_up_after = TRIES_OF_FOUND;
        }
        let repos = ListedRepoSettings {
            standings: plan.backfill.standings.clone(),
            dids: plan.repos.dids.clone(),
            announcements: self.announcements.as_ref().map(Announcements::of_host),
        };
        Rounds {
            listing,
            settings,
            host: host.endpoint.clone(),
            repos,
            key,
            limits: plan.limits,
            // A stranger's name may lead anywhere, and a look at it is not guarded.
            prober: (!was_found).then_some(prober),
            state: plan.state.path().to_owned(),
            interval: plan.backfill.interval,
            again: plan.backfill.again,
            gaps_again: plan.backfill.gaps_again,
            estimate: if was_found || plan.backfill.collection.is_some() {
                Estimate::Told(host.account_count)
            } else {
                Estimate::Ask
            },
            patience: was_found.then_some(PATIENCE_WITH_FOUND),
            turns: self.turns.clone(),
        }
    }
}
