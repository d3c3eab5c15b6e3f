use std::fs;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use standpipe_log_sink::{Retention, StateFolder};
use standpipe_supervisor as supervisor;
use standpipe_supervisor::{Outcome, Supervisor};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::acquaintances::Acquaintances;
use crate::admin::Admin;
use crate::crew::Crew;
use crate::daemon::Daemon;
use crate::found::OfNote;
use crate::host::Host;
use crate::journal::{Copier, Exits, Journal};
use crate::positions::Positions;
use crate::settings::{Plan, RedisPlan, SinkPlan};
use crate::signals::Signals;
use crate::sinks::Sinks;
use crate::status::About;
use crate::telemetry::Telemetry;
use crate::terminal::Terminal;
use crate::{Metrics, Quarantine, StartError, exit, summary};

/// How long what was quarantined at last may take to be written.
const LAST_FRAMES: Duration = Duration::from_secs(1);

/// No child is called stalled earlier.
const SHORTEST_STALL: Duration = Duration::from_mins(5);

/// A child that does not stop is cut off a little before the whole process would be.
const CHILDS_PART_OF_GRACE: f32 = 0.9;

/// Runs a daemon to its end; answers the exit code.
///
/// # Errors
///
/// [`StartError`], before any host was begun.
pub(crate) async fn run<D: Daemon>(
    plan: Plan,
    telemetry: &Telemetry,
    terminal: &Terminal,
    journal: &Arc<Journal>,
    mut copier: Copier,
) -> Result<u8, StartError> {
    let mut signals = Signals::install().map_err(StartError::Process)?;
    let quarantine = Quarantine::new(plan.state.path().join("quarantine"), plan.quarantine);
    let (mark, intake) = (high_water(&plan.sink), quarantine.intake());
    let metrics = Metrics::with_telemetry(D::NAME, D::STREAM, mark, intake, telemetry)?;
    let metrics = Arc::new(metrics);
    metrics.chronicled_by(Arc::clone(journal) as _);
    metrics.limit(plan.ready);
    if plan.origin_names {
        metrics.show_origin_names();
    }
    let admin = Admin::bind(plan.admin, Arc::clone(&metrics), about(&plan, journal.run())).await?;
    tracing::info!(
        daemon = D::NAME,
        version = env!("CARGO_PKG_VERSION"),
        hosts = D::hosts(&plan).len(),
        stream = D::STREAM,
        admin = %plan.admin,
        state = %plan.state.path().display(),
        "starting"
    );
    let (began, shown) = (Instant::now(), terminal.show(&metrics));

    let (asked, stop) = watch::channel(false);
    let (over, is_over) = watch::channel(false);
    let mut quarantine = pin!(quarantine.run(given(is_over)));
    let grace = plan.grace;
    let positions = Positions::of(plan.state.path(), D::NAME);
    let acquaintances = Acquaintances::of(plan.state.path(), D::NAME);
    let code = tokio::select! {
        biased;
        outcome = work::<D>(plan, Arc::clone(&metrics), journal, stop) => outcome,
        () = leave(&mut signals, &asked, grace, journal) => Ok(exit::STOPPED),
        never = admin.serve() => match never {},
        () = &mut quarantine => Ok(exit::STOPPED),
        never = copier.run() => match never {},
        never = positions.keep(&metrics) => match never {},
        never = acquaintances.keep(&metrics) => match never {},
    };
    positions.write(&metrics).await;
    acquaintances.write(&metrics).await;
    journal.farewell(&code);
    journal.flush();
    copier.finish().await;
    let code = code?;
    over.send_replace(true);
    let _ = timeout(LAST_FRAMES, quarantine).await;
    drop(shown);
    summary::tell(&metrics, began.elapsed());
    tracing::info!(daemon = D::NAME, code, "leaving");
    Ok(code)
}

/// Opens the sink, and supervises the hosts until they are stopped.
async fn work<D: Daemon>(
    plan: Plan,
    metrics: Arc<Metrics>,
    journal: &Arc<Journal>,
    stop: watch::Receiver<bool>,
) -> Result<u8, StartError> {
    let keys: Vec<_> = D::hosts(&plan).iter().map(|host| host.key(D::STREAM)).collect();
    let opening = Sinks::open(&plan.sink, &plan.state, (D::STREAM, D::FIELD), &keys);
    let sinks = tokio::select! {
        biased;
        () = given(stop.clone()) => return Ok(exit::STOPPED),
        sinks = opening => sinks?,
    };
    let crew = Crew::<D>::new(plan, Arc::clone(&metrics), sinks)?;
    let plan = crew.plan();
    let builder = Supervisor::builder().heartbeat_period(plan.heartbeat).on_give_up(plan.on_give_up);
    let builder = builder.observer(metrics.listener()).heartbeat_lines(false);
    let builder =
        builder.observer(OfNote { metrics: Arc::clone(&metrics), next: Exits(Arc::clone(journal)) });
    let supervisor = crew.first().into_iter().fold(builder, supervisor::Builder::child).build()?;
    Positions::of(plan.state.path(), D::NAME).recall(&metrics).await;
    Acquaintances::of(plan.state.path(), D::NAME).recall(&metrics).await;
    metrics.watch(supervisor.handle());
    crew.works_for(supervisor.handle());
    let until = async {
        tokio::select! {
            () = given(stop) => {}
            () = crew.sinks().watch(metrics.stream()) => {
                tracing::warn!("nobody reads what is written any more");
            }
        }
    };
    Ok(code(&supervisor.run(until).await))
}

fn code(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Finished | Outcome::Stopped { .. } => exit::STOPPED,
        Outcome::GaveUp { report, .. } => {
            tracing::error!(child = %report.child, cause = report.ending.cause(), "a host was given up");
            exit::GAVE_UP
        }
    }
}

/// Waits until there is nothing left to wait for: asks for the stop at the first signal, and completes at the second
/// or when the grace period is over. What was not delivered comes again from the cursor.
async fn leave(signals: &mut Signals, asked: &watch::Sender<bool>, grace: Duration, journal: &Journal) {
    let signal = signals.next().await;
    journal.asked_by(signal);
    tracing::info!(signal, grace = %humantime::format_duration(grace), "stopping");
    asked.send_replace(true);
    tokio::select! {
        signal = signals.next() => tracing::warn!(signal, "leaving at once"),
        () = sleep(grace) => tracing::warn!("the grace period is over; leaving"),
    }
}

async fn given(mut signal: watch::Receiver<bool>) {
    // The sender lives as long as the run.
    let _ = signal.wait_for(|given| *given).await;
}

/// Makes the folder, and a file in it to see whether that can be done.
pub(crate) fn make_state_folder(state: &StateFolder) -> Result<(), StartError> {
    let path = state.path();
    let attempt = path.join(".writable");
    let tried: io::Result<()> = fs::create_dir_all(path)
        .and_then(|()| fs::write(&attempt, []))
        .and_then(|()| fs::remove_file(&attempt));
    tried.map_err(|source| StartError::StateFolder { path: path.to_owned(), source })
}

/// After how long without a sign of life a child is stalled: longer than any wait of its own that has a deadline.
pub(crate) fn stall_after(plan: &Plan) -> Duration {
    let command = match &plan.sink {
        SinkPlan::Redis(RedisPlan { deadlines, .. }) => deadlines.command,
        SinkPlan::Log(_) | SinkPlan::Stdout => Duration::ZERO,
    };
    let pinged = plan.deadlines.ping_every + plan.deadlines.pong_within;
    [pinged, plan.deadlines.connect, command]
        .into_iter()
        .fold(SHORTEST_STALL, |longest, wait| longest.max(wait * 3))
}

/// How long a child may take to stop.
pub(crate) fn child_grace(plan: &Plan) -> Duration {
    plan.grace.mul_f32(CHILDS_PART_OF_GRACE)
}

/// What does not change while the daemon runs, for its pages.
fn about(plan: &Plan, run: &str) -> About {
    let (kind, low_water) = match &plan.sink {
        SinkPlan::Redis(redis) => ("redis", Some(redis.marks.low())),
        SinkPlan::Log(Retention::Block(block)) => ("log", Some(block.low_water())),
        SinkPlan::Log(Retention::Keep { .. }) => ("log", None),
        SinkPlan::Stdout => ("stdout", None),
    };
    About::new(kind, low_water, plan.effective.clone()).run(run)
}

fn high_water(sink: &SinkPlan) -> Option<u64> {
    match sink {
        SinkPlan::Redis(redis) => Some(redis.marks.high()),
        SinkPlan::Log(Retention::Block(block)) => Some(block.high_water()),
        SinkPlan::Log(Retention::Keep { .. }) | SinkPlan::Stdout => None,
    }
}

#[cfg(test)]
mod tests {
    use standpipe_supervisor::{Ending, ExitReport, State, Verdict};

    use super::*;

    #[test]
    fn what_the_supervisor_comes_back_with_has_a_code() {
        let report = ExitReport {
            child: "relay.example".into(),
            host: None,
            incarnation: 6,
            ordinal: 6,
            ran_for: Duration::ZERO,
            state: State::Starting,
            ending: Ending::Failed { error: "refused".into() },
            last_seq: None,
            last_event_time: None,
            events: 0,
            bytes: 0,
            verdict: Verdict::GaveUp,
        };
        assert_eq!(code(&Outcome::GaveUp { report: Arc::new(report), aborted: vec![] }), 70);
        assert_eq!(code(&Outcome::Stopped { aborted: vec![] }), 0);
        assert_eq!(code(&Outcome::Finished), 0);
    }
}
