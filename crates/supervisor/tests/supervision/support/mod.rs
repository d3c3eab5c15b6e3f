mod lines;
mod outlived;
mod scripted;
mod steady;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{Builder, ExitReport, Heartbeat, Observer, Outcome, State, Supervisor};
use tokio::time::{sleep, timeout};

pub(crate) use lines::{Lines, keep_callsites_awake};
pub(crate) use outlived::{SetWhenDropped, outlived_scope};
pub(crate) use scripted::{Act, scripted};
pub(crate) use steady::steady;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Every state that a child may be in.
pub(crate) const STATES: [State; 8] = [
    State::Starting,
    State::Connecting,
    State::Streaming,
    State::Full,
    State::Unavailable,
    State::Parked,
    State::Held,
    State::Waiting,
];

/// Keeps what the supervisor tells.
#[derive(Clone, Default)]
pub(crate) struct Recorder {
    reports: Arc<Mutex<Vec<Arc<ExitReport>>>>,
    heartbeats: Arc<Mutex<Vec<Heartbeat>>>,
}

impl Recorder {
    pub(crate) fn reports(&self) -> Vec<Arc<ExitReport>> {
        self.reports.lock().unwrap().clone()
    }

    pub(crate) fn reports_of(&self, child: &str) -> Vec<Arc<ExitReport>> {
        self.reports().into_iter().filter(|report| &*report.child == child).collect()
    }

    pub(crate) fn heartbeats(&self) -> Vec<Heartbeat> {
        self.heartbeats.lock().unwrap().clone()
    }
}

impl Observer for Recorder {
    fn exited(&self, report: &Arc<ExitReport>) {
        self.reports.lock().unwrap().push(Arc::clone(report));
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) {
        self.heartbeats.lock().unwrap().push(heartbeat.clone());
    }
}

/// No run of a test is longer, in paused time.
const A_WEEK: Duration = Duration::from_hours(7 * 24);

/// A supervisor's builder with a fixed seed and a recorder.
pub(crate) fn recorded() -> (Builder, Recorder) {
    keep_callsites_awake();
    let recorder = Recorder::default();
    (Supervisor::builder().seed(1).observer(recorder.clone()), recorder)
}

/// Runs until the children have ended by themselves.
pub(crate) async fn run_out(builder: Builder) -> Outcome {
    run(builder, pending()).await
}

/// Runs for a while, then stops.
pub(crate) async fn run_for(builder: Builder, time: Duration) -> Outcome {
    run(builder, sleep(time)).await
}

async fn run(builder: Builder, stop: impl Future<Output = ()>) -> Outcome {
    keep_callsites_awake();
    timeout(A_WEEK, builder.build().unwrap().run(stop)).await.expect("it comes back")
}
