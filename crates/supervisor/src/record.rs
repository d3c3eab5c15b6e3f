use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::status::{ChildStatus, Phase, Standing};
use crate::stop::Stopper;
use crate::vitals::Vitals;
use crate::{ChildSpec, ExitReport, Heartbeat, Verdict};

/// What is known of one child: written at its turning points, read by whoever asks.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) child: Arc<str>,
    pub(crate) host: Option<Arc<str>>,
    pub(crate) stage: u8,
    pub(crate) stopper: Stopper,
    dismissed: AtomicBool,
    closed: watch::Sender<bool>,
    account: Mutex<Account>,
}

#[derive(Debug)]
struct Account {
    turn: Turn,
    incarnation: u64,
    vitals: Option<Arc<Vitals>>,
    earlier_events: u64,
    earlier_bytes: u64,
    last_exit: Option<Arc<ExitReport>>,
    over_until: Option<Instant>,
    told: Told,
}

/// What the last heartbeat said, to tell the difference in the next.
#[derive(Debug)]
struct Told {
    at: Instant,
    events: u64,
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    NotStarted,
    Running,
    BackingOff { until: Instant },
    Ended { verdict: Verdict },
}

impl Record {
    pub(crate) fn new(spec: &ChildSpec) -> Self {
        let account = Account {
            turn: Turn::NotStarted,
            incarnation: 0,
            vitals: None,
            earlier_events: 0,
            earlier_bytes: 0,
            last_exit: None,
            over_until: None,
            told: Told { at: Instant::now(), events: 0, bytes: 0 },
        };
        Self {
            child: Arc::clone(&spec.name),
            host: spec.host.clone(),
            stage: spec.stage,
            stopper: Stopper::new(),
            dismissed: AtomicBool::new(false),
            closed: watch::Sender::new(false),
            account: Mutex::new(account),
        }
    }

    /// Notes that the child is kept from now on, and that its heartbeats count from here.
    pub(crate) fn admit(&self, now: Instant) {
        self.lock().told.at = now;
    }

    /// Asks the child to leave for good.
    pub(crate) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
        self.stopper.give();
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.lock().incarnation > 0
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
        account.turn = Turn::Running;
        account.vitals = Some(Arc::clone(&vitals));
        (account.incarnation, vitals)
    }

    pub(crate) fn end(&self, report: &Arc<ExitReport>, now: Instant, over_until: Option<Instant>) {
        let mut account = self.lock();
        account.turn = match report.verdict.restart_in() {
            Some(after) => Turn::BackingOff { until: now + after },
            None => Turn::Ended { verdict: report.verdict },
        };
        account.over_until = over_until;
        account.last_exit = Some(Arc::clone(report));
    }

    /// Closes the account of a child that is kept no longer; it was stopped, unless it had ended for good.
    pub(crate) fn close(&self) {
        let mut account = self.lock();
        account.turn = match account.turn {
            Turn::NotStarted | Turn::Running | Turn::BackingOff { .. } => {
                Turn::Ended { verdict: Verdict::Stopped }
            }
            Turn::Ended { verdict } => Turn::Ended { verdict },
        };
        drop(account);
        self.closed.send_replace(true);
    }

    /// Waits until the account is closed, after the last report. Cancel-safe.
    pub(crate) async fn closed(&self) {
        // The sender is ours, so it cannot be gone.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    pub(crate) fn status(&self, now: Instant) -> ChildStatus {
        self.status_of(&self.lock(), now)
    }

    /// What is new since the last heartbeat.
    pub(crate) fn beat(&self, now: Instant) -> Heartbeat {
        let mut account = self.lock();
        let status = self.status_of(&account, now);
        let told = Told { at: now, events: status.events, bytes: status.bytes };
        let before = mem::replace(&mut account.told, told);
        Heartbeat {
            events: status.events.saturating_sub(before.events),
            bytes: status.bytes.saturating_sub(before.bytes),
            since: now.saturating_duration_since(before.at),
            status,
        }
    }

    fn status_of(&self, account: &Account, now: Instant) -> ChildStatus {
        let vitals = account.vitals.as_deref();
        ChildStatus {
            child: Arc::clone(&self.child),
            host: self.host.clone(),
            phase: account.turn.at(now, vitals),
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

impl Turn {
    fn at(self, now: Instant, vitals: Option<&Vitals>) -> Phase {
        match (self, vitals) {
            (Self::Running, Some(vitals)) => Phase::Running {
                state: vitals.state(),
                running_for: now.saturating_duration_since(vitals.began()),
                state_for: vitals.state_for(now),
                waiting_for: vitals.waiting_for(),
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
