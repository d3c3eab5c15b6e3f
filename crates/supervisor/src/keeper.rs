use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime;
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Pace;
use crate::intensity::Ledger;
use crate::observer::Observers;
use crate::record::Record;
use crate::tasks::Tasks;
use crate::vitals::Vitals;
use crate::{
    ChildSpec, Ending, ExitReport, OnGiveUp, Restart, Scope, StopSignal, Verdict, lines, panics, watchdog,
};

/// What the other side may ask for as the time of the next attempt.
const SHORTEST_RETRY_AFTER: Duration = Duration::from_secs(1);
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(15);

/// Keeps one child: incarnation, ending, report, wait, and again.
pub(crate) struct Keeper {
    spec: ChildSpec,
    on_give_up: OnGiveUp,
    record: Arc<Record>,
    stop: StopSignal,
    pace: Pace,
    ledger: Ledger,
    ordinals: Arc<AtomicU64>,
    observers: Observers,
    life: Option<Life>,
}

/// An incarnation that has not been reported on.
struct Life {
    incarnation: u64,
    vitals: Arc<Vitals>,
    ended: Option<Ended>,
}

/// An ending, and its place among all others: taken when it came, since telling of it may take a while.
struct Ended {
    ending: Ending,
    ordinal: u64,
    at: Instant,
}

impl Keeper {
    pub(crate) fn new(
        spec: ChildSpec,
        record: Arc<Record>,
        random: fastrand::Rng,
        on_give_up: OnGiveUp,
        ordinals: Arc<AtomicU64>,
        observers: Observers,
    ) -> Self {
        let pace = Pace::new(spec.backoff, random);
        let ledger = Ledger::new(spec.intensity);
        let stop = record.stopper.signal();
        record.admit(Instant::now());
        Self { spec, on_give_up, record, stop, pace, ledger, ordinals, observers, life: None }
    }

    /// Runs until the child has ended for good; answers the last report, if it ever began.
    pub(crate) async fn keep(mut self) -> Option<Arc<ExitReport>> {
        let mut last = None;
        while !self.stop.is_given() {
            self.live().await;
            let Some(report) = self.conclude() else { break };
            let restart_in = report.verdict.restart_in();
            last = Some(report);
            let Some(restart_in) = restart_in else { break };
            tokio::select! {
                biased;
                () = self.stop.given() => {}
                () = sleep(restart_in) => {}
            }
        }
        last
    }

    /// Runs one incarnation to its end.
    async fn live(&mut self) {
        let (incarnation, vitals) = self.record.begin(Instant::now());
        self.life = Some(Life { incarnation, vitals: Arc::clone(&vitals), ended: None });
        let (child, host) = (&*self.spec.name, self.spec.host.as_deref());
        let span = tracing::info_span!("child", child, host, incarnation);
        lines::started(child, host, incarnation, self.spec.is_quiet);

        let tasks = Arc::new(Tasks::new(runtime::Handle::current(), span));
        let stall_after = self.spec.stall_after;
        let scope = Scope {
            child: Arc::clone(&self.spec.name),
            host: self.spec.host.clone(),
            incarnation,
            stop: self.stop.clone(),
            vitals: Arc::clone(&vitals),
            tasks: Arc::downgrade(&tasks),
            is_quiet: self.spec.is_quiet,
        };
        let factory = Arc::clone(&self.spec.factory);
        tasks.start_child(async move { factory(scope).await });

        let ended = tokio::select! {
            biased;
            ending = tasks.ending() => Some(ending),
            () = self.stop.given() => None,
            stalled = watchdog::stalled(&vitals, stall_after) => Some(stalled),
        };
        let grace = self.spec.grace;
        let ending = match ended {
            Some(ending) => ending,
            None => timeout(grace, tasks.ending()).await.unwrap_or(Ending::Aborted { grace: Some(grace) }),
        };
        let (ordinal, at) = (self.next_ordinal(), Instant::now());
        let ending = tasks.clear(ending).await;
        let backtrace = ending.backtrace().cloned();
        if let Some(life) = &mut self.life {
            life.ended = Some(Ended { ending, ordinal, at });
        }
        if let Some(backtrace) = backtrace {
            panics::resolve(backtrace).await;
        }
    }

    fn next_ordinal(&self) -> u64 {
        self.ordinals.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Judges an ending and tells of it, if there is one to tell of. An incarnation that has not ended is cut off.
    fn conclude(&mut self) -> Option<Arc<ExitReport>> {
        let Life { incarnation, vitals, ended } = self.life.take()?;
        let now = Instant::now();
        let cut_off =
            || Ended { ending: Ending::Aborted { grace: None }, ordinal: self.next_ordinal(), at: now };
        let Ended { ending, ordinal, at } = ended.unwrap_or_else(cut_off);
        let ran_for = at.saturating_duration_since(vitals.began());
        let spends = ending.spends_intensity();
        let over_until = if spends { self.ledger.spend(now) } else { self.ledger.over_until() };
        let is_over = spends && over_until.is_some();
        let verdict = self.verdict(&ending, ran_for, vitals.has_progressed(), is_over);
        let report = Arc::new(ExitReport {
            child: Arc::clone(&self.spec.name),
            host: self.spec.host.clone(),
            incarnation,
            ordinal,
            ran_for,
            state: vitals.state(),
            ending,
            last_seq: vitals.last_seq(),
            last_event_time: vitals.last_event_time(),
            events: vitals.events(),
            bytes: vitals.bytes(),
            verdict,
        });
        self.record.end(&report, now, over_until);
        lines::exit(&report, self.spec.is_quiet);
        self.observers.exited(&report);
        Some(report)
    }

    fn verdict(&mut self, ending: &Ending, ran_for: Duration, progressed: bool, is_over: bool) -> Verdict {
        let is_stopping = self.stop.is_given();
        let (if_it_rests, is_trouble, asked) = match ending {
            Ending::Finished => (Verdict::Finished, false, None),
            Ending::Stopped | Ending::Aborted { .. } => (Verdict::Stopped, false, None),
            Ending::Lost { retry_after, .. } => (Verdict::GaveUp, true, *retry_after),
            Ending::Failed { .. } | Ending::Panicked { .. } | Ending::Stalled { .. } => {
                (Verdict::GaveUp, true, None)
            }
        };
        let goes_on = match self.spec.restart {
            Restart::Always => true,
            Restart::OnTrouble => is_trouble,
            Restart::Never => false,
        };
        if is_stopping && is_trouble {
            return Verdict::Stopped;
        }
        if is_stopping || !goes_on {
            return if_it_rests;
        }
        let drawn = self.pace.after(ran_for, progressed);
        match (is_over, self.on_give_up) {
            (true, OnGiveUp::Exit) => Verdict::GaveUp,
            (true, OnGiveUp::Stay) => Verdict::RestartAtCap { after: self.spec.backoff.cap },
            (false, OnGiveUp::Exit | OnGiveUp::Stay) => {
                let asked = asked.map(|asked| asked.clamp(SHORTEST_RETRY_AFTER, LONGEST_RETRY_AFTER));
                Verdict::Restart { after: asked.unwrap_or_default().max(drawn) }
            }
        }
    }
}

impl Drop for Keeper {
    /// An incarnation that is cut off because the supervisor was dropped, or its runtime, is reported on all
    /// the same.
    fn drop(&mut self) {
        self.record.stopper.give();
        self.conclude();
        self.record.close();
    }
}
