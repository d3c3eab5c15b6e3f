//! 24 hours under paused time, compared with what the documentation says of waits and intensity, told in this file a
//! second time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_supervisor::{
    ChildResult, ChildSpec, Done, Ending, ExitReport, Heartbeat, Observer, Scope, Standing, State,
    Supervisor, Trouble, Verdict,
};
use tokio::time::{Instant, sleep};

use crate::support::{MINUTE, SECOND, keep_callsites_awake};

const DAY: Duration = Duration::from_hours(24);
const MINUTES_A_DAY: u32 = 1_440;

/// Tokio's clock ticks in milliseconds.
const TICK: Duration = Duration::from_millis(2);

type Ended = (Duration, Arc<ExitReport>);
type Beaten = (Duration, Heartbeat);

/// What was told, and when.
#[derive(Clone)]
struct Diary {
    began: Instant,
    ends: Arc<Mutex<Vec<Ended>>>,
    beats: Arc<Mutex<Vec<Beaten>>>,
}

impl Observer for Diary {
    fn exited(&self, report: &Arc<ExitReport>) {
        self.ends.lock().unwrap().push((self.began.elapsed(), Arc::clone(report)));
    }

    fn heartbeat(&self, heartbeat: &Heartbeat) {
        self.beats.lock().unwrap().push((self.began.elapsed(), heartbeat.clone()));
    }
}

/// What a life is like, drawn from the seed.
#[derive(Clone, Copy, Debug)]
enum Temper {
    /// Something every few seconds.
    Busy,
    /// Nothing ever, but alive.
    Quiet,
    /// Lost after up to two minutes, with progress or without.
    Lossy,
    /// Fails, panics or stalls after up to two minutes.
    Faulty,
    /// Fails at once some ten times in a row, then works for up to half an hour.
    Moody,
}

const CHILDREN: [(&str, Temper); 6] = [
    ("busy", Temper::Busy),
    ("quiet", Temper::Quiet),
    ("lossy", Temper::Lossy),
    ("lossier", Temper::Lossy),
    ("faulty", Temper::Faulty),
    ("moody", Temper::Moody),
];

async fn live(scope: Scope, temper: Temper, mut random: fastrand::Rng) -> ChildResult {
    scope.set_state(State::Streaming);
    let life = Duration::from_millis(random.u64(0..120_000));
    match temper {
        Temper::Busy => run(&scope, Duration::MAX, |scope| scope.progressed(2, 64)).await,
        Temper::Quiet => run(&scope, Duration::MAX, Scope::alive).await,
        Temper::Lossy => {
            let progresses = random.u8(0..3) == 0;
            let work = move |scope: &Scope| if progresses { scope.progressed(1, 32) } else { scope.alive() };
            run(&scope, life, work).await?;
            Err(Trouble::lost("reset by peer"))
        }
        Temper::Faulty => {
            run(&scope, life, Scope::alive).await?;
            match random.u8(0..4) {
                0 => Err(Trouble::failed("wrong type")),
                1 => panic!("torn frame"),
                2 => {
                    scope.stopped().await;
                    Ok(Done::Stopped)
                }
                _ => Err(Trouble::lost("reset by peer")),
            }
        }
        Temper::Moody => {
            if random.u8(0..10) == 0 {
                run(&scope, life * 15, |scope| scope.progressed(1, 32)).await?;
            }
            Err(Trouble::failed("wrong type"))
        }
    }
}

/// Does something every few seconds for that long. A stop is passed on as a loss, which nobody judges.
async fn run(scope: &Scope, time: Duration, work: impl Fn(&Scope)) -> ChildResult {
    let began = Instant::now();
    loop {
        let pause = time.saturating_sub(began.elapsed()).min(4 * SECOND);
        if pause.is_zero() {
            return Ok(Done::Finished);
        }
        tokio::select! {
            biased;
            () = scope.stopped() => return Err(Trouble::lost("stopped")),
            () = sleep(pause) => work(scope),
        }
    }
}

async fn a_day(seed: u64) -> Diary {
    println!("seed {seed}");
    keep_callsites_awake();
    let diary = Diary { began: Instant::now(), ends: Arc::default(), beats: Arc::default() };
    let mut random = fastrand::Rng::with_seed(seed);
    let mut builder = Supervisor::builder().seed(seed).observer(diary.clone());
    for (name, temper) in CHILDREN {
        let random = Mutex::new(random.fork());
        builder = builder.child(ChildSpec::new(name, move |scope| {
            let random = random.lock().unwrap().fork();
            live(scope, temper, random)
        }));
    }
    builder.build().unwrap().run(sleep(DAY + SECOND)).await;
    diary
}

impl Diary {
    fn ends_of(&self, child: &str) -> Vec<Ended> {
        let ends = self.ends.lock().unwrap();
        // The last one is the stop.
        let mut of: Vec<_> = ends.iter().filter(|(_, report)| &*report.child == child).cloned().collect();
        of.retain(|(at, _)| *at < DAY + SECOND);
        of
    }

    fn beats_of(&self, child: &str) -> Vec<Beaten> {
        let beats = self.beats.lock().unwrap();
        beats.iter().filter(|(_, beat)| &*beat.status.child == child).cloned().collect()
    }
}

/// A wait lies between 100 ms and a ceiling that doubles from 1 s to 60 s; the row of doublings ends by progress or a
/// minute of running.
fn check_waits(ends: &[Ended]) -> u32 {
    let mut in_a_row = 0_u32;
    let mut capped = 0;
    for (_, report) in ends {
        if report.events > 0 || report.ran_for >= MINUTE {
            in_a_row = 0;
        }
        let ceiling = (SECOND * 2_u32.pow(in_a_row.min(10))).min(MINUTE);
        in_a_row += 1;
        capped += u32::from(ceiling == MINUTE);
        match report.verdict {
            Verdict::Restart { after } => {
                assert!(after >= Duration::from_millis(100) && after <= ceiling, "{report:?} of {ceiling:?}");
            }
            Verdict::RestartAtCap { after } => assert_eq!(after, MINUTE),
            Verdict::Finished | Verdict::Stopped | Verdict::GaveUp => panic!("{report:?}"),
        }
    }
    for pair in ends.windows(2) {
        let [(ended, report), (next_ended, next)] = pair else { unreachable!() };
        let due = *ended + report.verdict.restart_in().unwrap();
        let begun = next_ended.saturating_sub(next.ran_for);
        assert!(begun + TICK >= due && begun <= due + TICK, "begun at {begun:?}, due at {due:?}");
    }
    capped
}

/// Over with the sixth ending of its own doing within five minutes, and until five minutes have passed without one.
#[derive(Default)]
struct Account {
    spent: VecDeque<Duration>,
    over_until: Option<Duration>,
}

impl Account {
    const WINDOW: Duration = Duration::from_mins(5);

    fn is_over(&self, at: Duration) -> bool {
        self.over_until.is_some_and(|until| at < until)
    }

    fn spend(&mut self, at: Duration) -> bool {
        self.spent.retain(|spent| at < *spent + Self::WINDOW);
        self.spent.push_back(at);
        if self.is_over(at) || self.spent.len() >= 6 {
            self.over_until = Some(at + Self::WINDOW);
        }
        self.is_over(at)
    }
}

/// Answers how often the child came to be over its intensity, and how often it came back.
fn check_intensity(ends: &[Ended], beats: &[Beaten]) -> (u32, u32) {
    let mut account = Account::default();
    let (mut over, mut back) = (0, 0);
    let mut beats = beats.iter().peekable();
    let mut was_over = false;
    let mut look = |account: &Account, until: Duration| {
        while let Some((at, beat)) = beats.next_if(|(at, _)| *at < until) {
            let is_over = account.is_over(*at);
            assert_eq!(beat.status.standing != Standing::Sound, is_over, "at {at:?}: {beat:?}");
            back += u32::from(was_over && !is_over);
            was_over = is_over;
        }
    };
    for (at, report) in ends {
        look(&account, *at);
        let was_over = account.is_over(*at);
        let spends =
            matches!(report.ending, Ending::Failed { .. } | Ending::Panicked { .. } | Ending::Stalled { .. });
        let is_at_cap = spends && account.spend(*at);
        over += u32::from(is_at_cap && !was_over);
        assert_eq!(report.verdict.as_str() == "restart_at_cap", is_at_cap, "at {at:?}: {report:?}");
    }
    look(&account, DAY + SECOND);
    (over, back)
}

#[tokio::test(start_paused = true)]
async fn a_day_of_faults_goes_as_documented_minute_by_minute() {
    for seed in [20_261_125, 7] {
        let diary = a_day(seed).await;
        let (mut capped, mut over, mut back) = (0, 0, 0);
        for (child, _) in CHILDREN {
            let (ends, beats) = (diary.ends_of(child), diary.beats_of(child));
            let told_at: Vec<_> = beats.iter().map(|(at, _)| *at).collect();
            let minutes: Vec<_> = (1..=MINUTES_A_DAY).map(|minute| minute * MINUTE).collect();
            assert_eq!(told_at, minutes, "{child}: at every minute, no more and no less");
            let events: u64 = beats.iter().map(|(_, beat)| beat.events).sum();
            assert_eq!(events, beats.last().unwrap().1.status.events, "{child}");

            capped += check_waits(&ends);
            let (times_over, times_back) = check_intensity(&ends, &beats);
            println!("{child}: {} endings, {times_over} times over, {times_back} back", ends.len());
            (over, back) = (over + times_over, back + times_back);
        }
        assert!(diary.ends_of("busy").is_empty() && diary.ends_of("quiet").is_empty());
        assert!(diary.ends_of("lossy").len() > 500 && capped > 10, "{capped} at the cap");
        assert!(over > 5 && back > 5, "{over} times over its intensity, {back} times back");
        let kinds = diary.ends_of("faulty").iter().map(|(_, r)| r.ending.kind()).collect::<Vec<_>>();
        for kind in ["failed", "panicked", "stalled", "lost"] {
            assert!(kinds.contains(&kind), "{kind} in {kinds:?}");
        }
    }
}

/// In a runtime of its own, so that no day begins between two ticks of the clock.
fn course(seed: u64) -> Vec<(Duration, String, &'static str, Verdict)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let diary = runtime.unwrap().block_on(a_day(seed));
    let ends = CHILDREN.iter().flat_map(|(child, _)| diary.ends_of(child));
    let mut ends: Vec<_> = ends.collect();
    ends.sort_by_key(|(_, report)| report.ordinal);
    ends.iter().map(|(at, r)| (*at, r.child.to_string(), r.ending.kind(), r.verdict)).collect()
}

#[test]
fn one_seed_gives_one_day() {
    let (one, other) = (course(3), course(3));
    let differs = one.iter().zip(&other).find(|(one, other)| one != other);
    assert_eq!(differs, None);
    assert_eq!(one.len(), other.len());
}
