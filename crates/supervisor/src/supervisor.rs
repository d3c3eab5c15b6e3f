use std::future::Future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::child::A_YEAR;
use crate::keepers::Keepers;
use crate::observer::Observers;
use crate::roster::Roster;
use crate::{ChildSpec, Ending, ExitReport, Handle, Observer, Phase, SetupError, Verdict, lines, panics};

/// What happens when a child is over its [`Intensity`](crate::Intensity), or ends in trouble and may not be
/// restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnGiveUp {
    /// Its siblings go on. So does a child that is over its intensity: it is restarted at the backoff's cap,
    /// and its [`Standing`](crate::Standing) says so.
    #[default]
    Stay,
    /// All children are stopped and [`Supervisor::run`] answers [`Outcome::GaveUp`].
    Exit,
}

/// Why [`Supervisor::run`] came back.
///
/// `aborted` holds the report of each child that did not stop within its grace period. Children that were
/// [removed](Handle::remove) have no part in it.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Every child ended by itself, its work done, or was removed.
    Finished,
    /// The supervisor was asked to stop.
    Stopped {
        /// Who did not stop in time.
        aborted: Vec<Arc<ExitReport>>,
    },
    /// A child was given up: with [`OnGiveUp::Exit`] that stopped its siblings, else they ended by
    /// themselves.
    GaveUp {
        /// The ending that did it; the first, if there were several.
        report: Arc<ExitReport>,
        /// Who did not stop in time.
        aborted: Vec<Arc<ExitReport>>,
    },
}

/// Children and how they are watched, ready to run.
///
/// See the [crate's documentation](crate) for the contract and an example.
#[derive(Debug)]
#[must_use = "a supervisor does nothing until it is run"]
pub struct Supervisor {
    roster: Arc<Roster>,
    heartbeat_period: Duration,
    heartbeat_lines: bool,
    on_give_up: OnGiveUp,
    observers: Observers,
    seed: u64,
}

impl Supervisor {
    /// A supervisor without children, with a heartbeat a minute, that stays when a child is over its
    /// intensity.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// A view for those who ask how the children are, such as health pages and metrics, and the way by which children
    /// come and go while it runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle { roster: Arc::clone(&self.roster) }
    }

    /// Starts all children and keeps them, and those that are added meanwhile, until `stop` resolves or all have
    /// ended for good.
    ///
    /// When asked to stop it signals every child of the lowest [stage](ChildSpec::stage), waits for each at most its
    /// grace period, and aborts those that go on; then the next stage. The wait is thus bounded by the sum, over the
    /// stages, of the longest grace period in each and 1 s for what was aborted to let go.
    ///
    /// Without a stop it comes back as soon as no child is left that may run, whether the last one ended by itself or
    /// was removed. To replace the last one, add the other first.
    ///
    /// The first call in a process puts a panic hook before the one that is installed, which keeps being
    /// called; a program that sets a hook of its own does so earlier.
    ///
    /// # Cancel safety
    ///
    /// Not cancel-safe: dropping the future aborts every child at its next `.await`. Those endings are
    /// reported too, as [`Ending::Aborted`] with no grace.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with time enabled. Children and observers that panic do not make it panic.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Outcome {
        panics::install_hook();
        let random = fastrand::Rng::with_seed(self.seed);
        let (roster, observers) = (&self.roster, &self.observers);
        let mut keepers = Keepers::new(Arc::clone(roster), self.on_give_up, observers.clone(), random);
        keepers.take_on_arrivals();

        let mut ticks = interval_at(Instant::now() + self.heartbeat_period, self.heartbeat_period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut stop = pin!(stop);
        let mut endings = Endings::new(self.on_give_up);
        loop {
            tokio::select! {
                biased;
                () = &mut stop, if !endings.were_asked_for => {
                    endings.were_asked_for = true;
                    tracing::info!("stopping all children");
                    keepers.stop();
                }
                () = roster.arrived() => keepers.take_on_arrivals(),
                ended = keepers.next() => match ended {
                    None if roster.close_if_nobody_arrived() => return endings.outcome(),
                    None => keepers.take_on_arrivals(),
                    Some(report) => {
                        if endings.add(report).is_break() {
                            tracing::error!("a child was given up; stopping all children");
                            keepers.stop();
                        }
                    }
                },
                _ = ticks.tick() => self.beat(),
            }
        }
    }

    /// Tells of every child that has not ended for good.
    fn beat(&self) {
        let now = Instant::now();
        for heartbeat in self.roster.records().iter().map(|record| record.beat(now)) {
            match heartbeat.status.phase {
                Phase::Ended { .. } => {}
                Phase::NotStarted | Phase::Running { .. } | Phase::BackingOff { .. } => {
                    if self.heartbeat_lines {
                        lines::heartbeat(&heartbeat);
                    }
                    self.observers.heartbeat(&heartbeat);
                }
            }
        }
    }
}

impl Drop for Supervisor {
    /// Nobody keeps what is added after the end.
    fn drop(&mut self) {
        self.roster.close();
    }
}

/// The last reports of the children that have ended for good.
struct Endings {
    on_give_up: OnGiveUp,
    were_asked_for: bool,
    gave_up: Option<Arc<ExitReport>>,
    aborted: Vec<Arc<ExitReport>>,
}

impl Endings {
    fn new(on_give_up: OnGiveUp) -> Self {
        Self { on_give_up, were_asked_for: false, gave_up: None, aborted: Vec::new() }
    }

    /// Notes how a child ended for good; breaks if its siblings shall end with it.
    fn add(&mut self, last: Option<Arc<ExitReport>>) -> ControlFlow<()> {
        let Some(report) = last else { return ControlFlow::Continue(()) };
        if let Ending::Aborted { .. } = report.ending {
            self.aborted.push(report);
            return ControlFlow::Continue(());
        }
        if report.verdict != Verdict::GaveUp || self.gave_up.is_some() {
            return ControlFlow::Continue(());
        }
        self.gave_up = Some(report);
        match self.on_give_up {
            OnGiveUp::Exit => ControlFlow::Break(()),
            OnGiveUp::Stay => ControlFlow::Continue(()),
        }
    }

    fn outcome(self) -> Outcome {
        let Self { on_give_up, were_asked_for, gave_up, aborted } = self;
        match gave_up {
            Some(report) if on_give_up == OnGiveUp::Exit || !were_asked_for => {
                Outcome::GaveUp { report, aborted }
            }
            Some(_) | None if were_asked_for => Outcome::Stopped { aborted },
            Some(_) | None => Outcome::Finished,
        }
    }
}

/// Puts a [`Supervisor`] together.
#[derive(Debug)]
pub struct Builder {
    children: Vec<ChildSpec>,
    heartbeat_period: Duration,
    heartbeat_lines: bool,
    on_give_up: OnGiveUp,
    observers: Observers,
    seed: Option<u64>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            children: Vec::new(),
            heartbeat_period: Duration::from_mins(1),
            heartbeat_lines: true,
            on_give_up: OnGiveUp::default(),
            observers: Observers::default(),
            seed: None,
        }
    }
}

impl Builder {
    /// Adds a child.
    #[must_use]
    pub fn child(mut self, child: ChildSpec) -> Self {
        self.children.push(child);
        self
    }

    /// Sets how often each child gives a sign of life; more than zero, at most a year.
    #[must_use]
    pub fn heartbeat_period(mut self, period: Duration) -> Self {
        self.heartbeat_period = period;
        self
    }

    /// Sets whether each heartbeat is a log line; it is by default. Without, an observer tells of it, who knows more.
    #[must_use]
    pub fn heartbeat_lines(mut self, lines: bool) -> Self {
        self.heartbeat_lines = lines;
        self
    }

    /// Sets what happens when a child is given up.
    #[must_use]
    pub fn on_give_up(mut self, on_give_up: OnGiveUp) -> Self {
        self.on_give_up = on_give_up;
        self
    }

    /// Adds an observer of exit reports and heartbeats.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(observer);
        self
    }

    /// Sets the seed from which every wait is drawn, so that a run can be repeated; random without it.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Checks everything and answers the supervisor.
    ///
    /// # Errors
    ///
    /// The first [`SetupError`] in the order of the children.
    pub fn build(self) -> Result<Supervisor, SetupError> {
        let period = self.heartbeat_period;
        if period.is_zero() || period > A_YEAR {
            return Err(SetupError::HeartbeatPeriod { period });
        }
        Ok(Supervisor {
            roster: Arc::new(Roster::new(self.children)?),
            heartbeat_period: period,
            heartbeat_lines: self.heartbeat_lines,
            on_give_up: self.on_give_up,
            observers: self.observers,
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..)),
        })
    }
}
