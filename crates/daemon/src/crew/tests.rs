//! Children that come later, and those that read no host.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use standpipe_cursor::Endpoint;
use standpipe_supervisor as supervisor;
use standpipe_supervisor::{BoxError, ChildResult, Done, OnGiveUp, Scope, State, Supervisor, Trouble};
use tokio::time::{sleep, timeout};

use super::*;
use crate::settings::{CommandLine, Config, Upstream};
use crate::{Health, Quarantine};

const RELAY: &str = "relay.example";
const DEAD: &str = "dead.example";

/// A daemon whose relay names one host, again and again, that is never there.
struct Scripted {
    attendant_fails: Arc<AtomicBool>,
    begun: Arc<AtomicUsize>,
}

struct Script {
    newcomers: Newcomers<Endpoint>,
    was_found: bool,
    begun: Arc<AtomicUsize>,
}

impl Daemon for Scripted {
    type Host = Endpoint;
    type Reader = Script;

    const NAME: &'static str = "scripted";
    const ABOUT: &'static str = "Does as it is told";
    const UPSTREAM: Upstream = Upstream::Relays;
    const STREAM: &'static str = "scripted_live";
    const FIELD: &'static str = "event";

    fn new(_: &Plan) -> Result<Self, BoxError> {
        Ok(Self { attendant_fails: Arc::default(), begun: Arc::default() })
    }

    fn hosts(plan: &Plan) -> Vec<Endpoint> {
        plan.hosts.clone()
    }

    fn reader(&self, _: &Endpoint, setup: HostSetup<'_>) -> Script {
        let HostSetup { newcomers, was_found, .. } = setup;
        Script { newcomers, was_found, begun: Arc::clone(&self.begun) }
    }

    fn attendants(&self) -> Vec<ChildSpec> {
        let fails = Arc::clone(&self.attendant_fails);
        let attendant = move |scope: Scope| {
            let fails = fails.load(Relaxed);
            async move {
                if fails {
                    return Err(Trouble::failed("the directory's key is unreadable"));
                }
                scope.set_state(State::Waiting);
                if timeout(Duration::from_secs(1), scope.stopped()).await.is_ok() {
                    return Ok(Done::Stopped);
                }
                Err(Trouble::lost("it begins anew"))
            }
        };
        vec![ChildSpec::new("identities", attendant)]
    }
}

impl Reader for Script {
    async fn read<A: Acquire + CursorStore + Clone + 'static>(
        &self,
        _: impl Fn(Arc<dyn Observer>) -> A + Clone + Send + Sync + 'static,
        _: Arc<HostLedger>,
        scope: Scope,
    ) -> ChildResult {
        if self.was_found {
            self.begun.fetch_add(1, Relaxed);
            return Err(Trouble::failed("no such host"));
        }
        scope.set_state(State::Waiting);
        let dead: Endpoint = DEAD.parse().unwrap();
        let taken_on = [dead.clone(), dead].map(|host| self.newcomers.take_on(host).unwrap());
        assert_eq!(taken_on, [true, false]);
        // Nor is a host of the settings.
        assert!(!self.newcomers.take_on(RELAY.parse().unwrap()).unwrap());
        scope.stopped().await;
        assert!(self.newcomers.take_on("late.example".parse().unwrap()).is_err());
        Ok(Done::Stopped)
    }
}

async fn crew(folder: &Path) -> (Arc<Crew<Scripted>>, Arc<Metrics>) {
    let state = folder.display().to_string();
    let arguments =
        ["scripted", "--relay-hosts", RELAY, "--sink", "log", "--state-dir", &state].map(OsString::from);
    let command_line = CommandLine::parse("scripted", "does as it is told", arguments).unwrap();
    let (plan, _) = Plan::read(Config::gather(&command_line, &[], folder), Upstream::Relays).unwrap();
    let quarantine = Quarantine::new(folder.join("quarantine"), plan.quarantine);
    let metrics = Metrics::new("scripted", Scripted::STREAM, None, quarantine.intake()).unwrap();
    let metrics = Arc::new(metrics);
    let names = (Scripted::STREAM, Scripted::FIELD);
    let sinks = Sinks::open(&plan.sink, &plan.state, names, &[]).await.unwrap();
    (Crew::new(plan, Arc::clone(&metrics), sinks).unwrap(), metrics)
}

async fn until(metrics: &Metrics, what: &str, mut wanted: impl FnMut(&Health) -> bool) -> Health {
    let looking = async {
        loop {
            let health = metrics.health();
            if wanted(&health) {
                return health;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_hours(24), looking).await.unwrap_or_else(|_| panic!("waited for {what}"))
}

/// Runs a daemon's children while somebody looks at them.
async fn watch(
    on_give_up: OnGiveUp,
    look: impl AsyncFnOnce(&Arc<Crew<Scripted>>, &Metrics),
) -> supervisor::Outcome {
    let folder = tempfile::tempdir().unwrap();
    let (crew, metrics) = crew(folder.path()).await;
    tokio::time::pause();
    let builder = Supervisor::builder().on_give_up(on_give_up).seed(1).observer(metrics.listener());
    let supervisor = crew.first().into_iter().fold(builder, supervisor::Builder::child).build().unwrap();
    metrics.watch(supervisor.handle());
    crew.works_for(supervisor.handle());
    supervisor.run(look(&crew, &metrics)).await
}

#[tokio::test]
async fn i8_a_host_that_was_found_is_one_child_that_may_fail_for_ever() {
    let outcome = watch(OnGiveUp::Exit, async |crew, metrics| {
        let begun = Arc::clone(&crew.daemon.begun);
        let health = until(metrics, "many lives", |_| begun.load(Relaxed) > 40).await;
        let of = |name: &str| health.hosts.iter().find(|host| host.host == name).unwrap().clone();
        assert_eq!(health.hosts.len(), 2, "{health:?}");
        assert!(health.ready && health.reason.is_none(), "{health:?}");
        assert!(!of(DEAD).ready && of(DEAD).found && of(RELAY).ready && !of(RELAY).found, "{health:?}");
        let shown = metrics.exposition().unwrap();
        assert!(!shown.contains(DEAD), "{shown}");
        let failed = shown.lines().find(|line| line.starts_with("standpipe_exits_total{ending=\"failed\""));
        assert!(failed.unwrap().contains("host=\"*\""), "{failed:?}");
    })
    .await;
    assert!(matches!(outcome, supervisor::Outcome::Stopped { .. }), "{outcome:?}");
}

#[tokio::test]
async fn an_attendant_that_fails_makes_the_daemon_unready_with_its_reason() {
    watch(OnGiveUp::Stay, async |crew, metrics| {
        until(metrics, "a daemon that is ready", |health| health.ready).await;
        crew.daemon.attendant_fails.store(true, Relaxed);
        let health = until(metrics, "trouble", |health| !health.ready).await;
        assert_eq!(
            health.reason.as_deref(),
            Some("identities fails: the directory's key is unreadable"),
            "{health:?}"
        );
        assert!(health.hosts.iter().all(|host| host.ready || host.found), "{health:?}");
    })
    .await;
}
