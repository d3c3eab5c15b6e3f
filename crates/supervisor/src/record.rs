use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::status::{ChildStatus, Phase, Standing};
use crate::stop::Stopper;
use crate::vitals::Vitals;
use crate::{ExitReport, Verdict};

/// What is known of one child: written at its turning points, read by whoever asks.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) child: Arc<str>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) stopper: Stopper,
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    stage: Stage,
    incarnation: u64,
    vitals: Option<Arc<Vitals>>,
    earlier_events: u64,
    earlier_bytes: u64,
    last_exit: Option<Arc<ExitReport>>,
    over_until: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    NotStarted,
    Running,
    BackingOff { until: Instant },
    Ended { verdict: Verdict },
}

impl Record {
    pub(crate) fn new(child: Arc<str>, host: Option<Arc<str>>) -> Self {
        let account = Account {
            stage: Stage::NotStarted,
            incarnation: 0,
            vitals: None,
            earlier_events: 0,
            earlier_bytes: 0,
            last_exit: None,
            over_until: None,
        };
        Self { child, host, stopper: Stopper::new(), account: Mutex::new(account) }
    }

    /// Opens the next incarnation, whose vitals know what the one before saw last.
    pub(crate) fn begin(&self, now: Instant) -> (u64, Arc<Vitals>) {
        let mut account = self.lock();
        let before = account.vitals.take();
        if let Some(before) = &before {
            account.earlier_events += before.events();
            account.earlier_bytes += before.bytes();
        }
        let last_seq = before.as_ref().and_then(|before| before.last_seq());
        let last_event_time = before.as_ref().and_then(|before| before.last_event_time());
        let vitals = Arc::new(Vitals::new(now, last_seq, last_event_time));
        account.incarnation += 1;
        account.stage = Stage::Running;
        account.vitals = Some(Arc::clone(&vitals));
        (account.incarnation, vitals)
    }

    pub(crate) fn end(&self, report: &Arc<ExitReport>, now: Instant, over_until: Option<Instant>) {
        let mut account = self.lock();
        account.stage = match report.verdict.restart_in() {
            Some(after) => Stage::BackingOff { until: now + after },
            None => Stage::Ended { verdict: report.verdict },
        };
        account.over_until = over_until;
        account.last_exit = Some(Arc::clone(report));
    }

    /// Closes the account of a child that is kept no longer; it was stopped, unless it had ended for good.
    pub(crate) fn close(&self) {
        let mut account = self.lock();
        account.stage = match account.stage {
            Stage::NotStarted | Stage::Running | Stage::BackingOff { .. } => {
                Stage::Ended { verdict: Verdict::Stopped }
            }
            Stage::Ended { verdict } => Stage::Ended { verdict },
        };
    }

    pub(crate) fn status(&self, now: Instant) -> ChildStatus {
        let account = self.lock();
        let vitals = account.vitals.as_deref();
        ChildStatus {
            child: Arc::clone(&self.child),
            host: self.host.clone(),
            phase: account.stage.at(now, vitals),
            standing: account.standing(now),
            incarnation: account.incarnation,
            restarts: account.incarnation.saturating_sub(1),
            last_seq: vitals.and_then(Vitals::last_seq),
            last_event_time: vitals.and_then(Vitals::last_event_time),
            events: account.earlier_events + vitals.map_or(0, Vitals::events),
            bytes: account.earlier_bytes + vitals.map_or(0, Vitals::bytes),
            last_exit: account.last_exit.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    fn standing(&self, now: Instant) -> Standing {
        match self.over_until {
            Some(until) if now < until => Standing::OverIntensity { for_another: until - now },
            Some(_) | None => Standing::Sound,
        }
    }
}

impl Stage {
    fn at(self, now: Instant, vitals: Option<&Vitals>) -> Phase {
        match (self, vitals) {
            (Self::Running, Some(vitals)) => Phase::Running {
                state: vitals.state(),
                running_for: now.saturating_duration_since(vitals.began()),
                state_for: vitals.state_for(now),
                connected_for: vitals.connected_for(now),
            },
            (Self::NotStarted | Self::Running, _) => Phase::NotStarted,
            (Self::BackingOff { until }, _) => {
                Phase::BackingOff { restart_in: until.checked_duration_since(now).unwrap_or(Duration::ZERO) }
            }
            (Self::Ended { verdict }, _) => Phase::Ended { verdict },
        }
    }
}
