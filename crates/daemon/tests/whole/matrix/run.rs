use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_daemon::Metrics;
use standpipe_daemon::settings::OnFutureCursor;
use standpipe_supervisor::{
    ChildSpec, ChildStatus, ExitReport, Handle, Observer, Outcome, State, Supervisor,
};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::fate::{Fate, lived};
use crate::scripted::{Scene, metrics, spawn, until_some};

/// An ending, and when it was reported.
pub(crate) type Reported = (Instant, Arc<ExitReport>);

/// Two hosts under one supervisor.
pub(crate) struct Run {
    pub(crate) metrics: Arc<Metrics>,
    recorder: Recorder,
    supervisor: Handle,
    host: Scene,
    spec: ChildSpec,
    stop: oneshot::Sender<()>,
    outcome: JoinHandle<Outcome>,
    _folder: tempfile::TempDir,
}

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Reported>>>);

impl Observer for Recorder {
    fn exited(&self, report: &Arc<ExitReport>) {
        self.0.lock().unwrap().push((Instant::now(), Arc::clone(report)));
    }
}

impl Run {
    /// Begins to ingest the host, which fate may befall, and its sibling.
    pub(crate) fn begin(host: &Scene, sibling: &Scene, fate: &watch::Sender<Fate>, grace: Duration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(folder.path());
        let lives = |scene: &Scene| {
            let ledger = metrics.open_ledger(scene.name);
            scene.lives(scene.ingest(OnFutureCursor::Hold), ledger)
        };
        let (own, fate) = (lives(host), fate.subscribe());
        let child = move |scope: standpipe_supervisor::Scope| lived(own(scope.clone()), fate.clone(), scope);
        let spec = ChildSpec::new(host.name, child).host(host.name).grace(grace);
        let recorder = Recorder::default();
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let supervisor = Supervisor::builder()
            .seed(seed)
            .observer(recorder.clone())
            .observer(metrics.listener())
            .heartbeat_lines(false)
            .child(spec.clone())
            .child(ChildSpec::new(sibling.name, lives(sibling)).host(sibling.name))
            .build()
            .unwrap();
        let handle = supervisor.handle();
        metrics.watch(handle.clone());
        let (stop, stopped) = oneshot::channel();
        let outcome = spawn(supervisor.run(async { drop(stopped.await) }));
        Self {
            metrics,
            recorder,
            supervisor: handle,
            host: host.clone(),
            spec,
            stop,
            outcome,
            _folder: folder,
        }
    }

    /// The endings of a host so far.
    pub(crate) fn reports_of(&self, host: &str) -> Vec<Reported> {
        let all = self.recorder.0.lock().unwrap();
        all.iter().filter(|(_, report)| &*report.child == host).cloned().collect()
    }

    /// Waits until the host has ended so often; answers the last.
    pub(crate) async fn until_ended(&self, times: usize) -> Reported {
        let ended = until_some(|| self.reports_of(self.host.name).into_iter().nth(times - 1)).await;
        ended.unwrap_or_else(|| panic!("it did not end: {:?}", self.supervisor.status()))
    }

    /// Waits until this life of the host is in this state.
    pub(crate) async fn until(&self, incarnation: u64, state: State) {
        let is_there =
            |child: &ChildStatus| child.incarnation == incarnation && child.phase.as_str() == state.as_str();
        let seen = until_some(|| self.of_host().filter(is_there)).await;
        seen.unwrap_or_else(|| panic!("not {state:?}: {:?}", self.supervisor.status()));
    }

    pub(crate) fn of_host(&self) -> Option<ChildStatus> {
        self.supervisor.status().children.into_iter().find(|child| &*child.child == self.host.name)
    }

    pub(crate) async fn remove(&self) {
        self.supervisor.remove(self.host.name).await.unwrap();
    }

    /// Takes the host up again, as a child that never was.
    pub(crate) fn add(&self) {
        self.supervisor.add(self.spec.clone()).unwrap();
    }

    /// Stops both; answers every ending, in the order in which they were told.
    pub(crate) async fn stop(self) -> Vec<Reported> {
        self.stop.send(()).unwrap();
        let outcome = self.outcome.await.unwrap();
        assert!(matches!(&outcome, Outcome::Stopped { aborted } if aborted.is_empty()), "{outcome:?}");
        let reported = self.recorder.0.lock().unwrap().clone();
        let ordinals: Vec<u64> = reported.iter().map(|(_, report)| report.ordinal).collect();
        assert_eq!(ordinals, (1..=reported.len() as u64).collect::<Vec<_>>());
        reported
    }
}
