//! A host and a sink that do what a test tells them.

mod host;
mod scene;
mod sink;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::Resume;
use standpipe_daemon::settings::{OnFutureCursor, QuarantinePlan};
use standpipe_daemon::{HostHealth, HostLedger, Metrics, Quarantine};
use standpipe_pipeline::{Observer, Remedy, Transient};
use standpipe_supervisor::{ChildSpec, Handle, Outcome, Supervisor};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

pub(crate) use self::host::Act;
pub(crate) use self::scene::{Life, Scene};
pub(crate) use self::sink::Readiness;

pub(crate) const HOST: &str = "relay.example";

/// An error that says what helps against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scripted(pub(crate) Remedy);

impl fmt::Display for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scripted {:?}", self.0)
    }
}

impl Error for Scripted {}

impl Transient for Scripted {
    fn remedy(&self) -> Remedy {
        self.0
    }
}

/// One supervised host with its metrics, and the strings that move it.
pub(crate) struct Stage {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) ledger: Arc<HostLedger>,
    scene: Scene,
    pub(crate) supervisor: Handle,
    stop: Option<oneshot::Sender<()>>,
    run: JoinHandle<Outcome>,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// A host whose child has begun, before a sink that flows.
    pub(crate) fn begin(on_future_cursor: OnFutureCursor) -> Self {
        Self::begin_with(Readiness::Flowing, None, on_future_cursor)
    }

    pub(crate) fn begin_with(
        readiness: Readiness,
        stored: Option<u64>,
        on_future_cursor: OnFutureCursor,
    ) -> Self {
        Self::begin_looking(readiness, stored, on_future_cursor, None)
    }

    /// A host that is looked at, at this address, before it is tried again.
    pub(crate) fn begin_looking(
        readiness: Readiness,
        stored: Option<u64>,
        on_future_cursor: OnFutureCursor,
        looked_at: Option<&str>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let metrics = metrics(folder.path());
        let ledger = metrics.open_ledger(HOST);
        let scene = Scene::new(HOST, readiness, stored);
        let ingest = scene.ingest(on_future_cursor);
        let ingest = match looked_at {
            Some(address) => ingest.probing(metrics.prober(Some(&address.parse().unwrap()), &ledger)),
            None => ingest,
        };
        let child = scene.lives(ingest, Arc::clone(&ledger) as Arc<dyn Observer>);
        let seed = fastrand::u64(..);
        println!("seed {seed}");
        let supervisor = Supervisor::builder()
            .seed(seed)
            .observer(metrics.listener())
            .heartbeat_lines(false)
            .child(ChildSpec::new(HOST, child).host(HOST))
            .build()
            .unwrap();
        let handle = supervisor.handle();
        metrics.watch(handle.clone());
        let (stop, stopped) = oneshot::channel();
        let run = spawn(supervisor.run(async {
            let _ = stopped.await;
        }));
        let (supervisor, stop) = (handle, Some(stop));
        Self { metrics, ledger, scene, supervisor, stop, run, _folder: folder }
    }

    /// Lets paused time pass until the host is in this state; answers what health says then.
    pub(crate) async fn until(&self, state: &str) -> HostHealth {
        let in_state = |host: &HostHealth| host.state == state;
        self.until_some(|| self.metrics.health().hosts.into_iter().find(in_state)).await
    }

    /// Lets paused time pass until this much is stored.
    pub(crate) async fn until_cursor(&self, seq: u64) {
        self.until_some(|| (self.cursor() == Some(seq)).then_some(())).await;
    }

    /// Lets paused time pass until there have been so many connections; answers from where each went on.
    pub(crate) async fn until_resumes(&self, count: usize) -> Vec<Resume> {
        self.until_some(|| {
            Some(self.resumes.lock().unwrap().clone()).filter(|resumes| resumes.len() == count)
        })
        .await
    }

    pub(crate) async fn until_some<T>(&self, look: impl Fn() -> Option<T>) -> T {
        until_some(look).await.unwrap_or_else(|| panic!("in vain: {:?}", self.metrics.health()))
    }

    pub(crate) async fn stop(mut self) -> Outcome {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.run).await.unwrap()
    }
}

impl Deref for Stage {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

/// Metrics of a daemon whose stream is full at 100 entries, with a quarantine in this folder.
pub(crate) fn metrics(folder: &Path) -> Arc<Metrics> {
    let quarantine = Quarantine::new(folder.into(), QuarantinePlan { frames: 10, bytes: 1 << 20 });
    Arc::new(Metrics::new("firehose", "firehose_live", Some(100), quarantine.intake()).unwrap())
}

/// Lets paused time pass until there is something to see; an hour at most.
pub(crate) async fn until_some<T>(look: impl Fn() -> Option<T>) -> Option<T> {
    let seen = async {
        loop {
            if let Some(seen) = look() {
                return seen;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_hours(1), seen).await.ok()
}

#[expect(clippy::disallowed_methods, reason = "the test's own supervisor has to run beside the test")]
pub(crate) fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}
