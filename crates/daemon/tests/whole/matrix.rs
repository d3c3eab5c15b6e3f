//! Every ending of an ingestion in every state, beside a host that has no trouble.

mod cells;
mod fate;
mod run;

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use standpipe_cursor::{Resume, Seq};
use standpipe_pipeline::Remedy;
use standpipe_supervisor::{Ending, ExitReport, State};
use tokio::sync::watch;
use tokio::time::{Instant, interval, sleep};

use self::cells::{Expected, HOLD, SHORT_GRACE, STATES, WAYS, Way, is_reason_to_wait};
use self::fate::Fate;
use self::run::{Reported, Run};
use crate::scripted::{Act, HOST, Readiness, Scene, until_some};

const SECOND: Duration = Duration::from_secs(1);
const SIBLING: &str = "labeler.example";
/// Longer than anybody may be without a sign of life or a reason.
const LONG: Duration = Duration::from_mins(11);
/// How exactly a wait is seen to be over.
const LOOK: Duration = Duration::from_millis(10);

/// A host whose life shall end, and one that says something every second.
struct Cell {
    name: String,
    host: Scene,
    sibling: Scene,
    fate: watch::Sender<Fate>,
    /// The number of the last frame that the host was made to send.
    sent: AtomicU64,
    beats: Mutex<Vec<Instant>>,
    is_beating: AtomicBool,
    grace: Duration,
}

impl Cell {
    fn new(way: Way, state: State) -> Self {
        Self {
            name: format!("{way:?} in {state:?}"),
            host: Scene::new(HOST, Readiness::Flowing, Some(40)),
            sibling: Scene::new(SIBLING, Readiness::Flowing, None),
            fate: watch::Sender::new(Fate::ItsOwn),
            sent: AtomicU64::new(40),
            beats: Mutex::default(),
            is_beating: AtomicBool::new(false),
            grace: if way == Way::DoesNotGo { SHORT_GRACE } else { 5 * SHORT_GRACE },
        }
    }

    fn begin(&self) -> Run {
        self.sibling.acts([Act::Accept]);
        self.is_beating.store(true, Ordering::Relaxed);
        Run::begin(&self.host, &self.sibling, &self.fate, self.grace)
    }

    /// Makes the sibling's host say something every second, for as long as it is connected.
    async fn beat(&self) -> std::convert::Infallible {
        let mut seconds = interval(SECOND);
        loop {
            seconds.tick().await;
            if self.is_beating.load(Ordering::Relaxed) {
                let mut beats = self.beats.lock().unwrap();
                beats.push(Instant::now());
                self.sibling.acts([Act::Frame(beats.len() as u64)]);
            }
        }
    }

    fn send(&self, frames: u64) {
        for _ in 0..frames {
            self.host.acts([Act::Frame(self.sent.fetch_add(1, Ordering::Relaxed) + 1)]);
        }
    }

    async fn until_cursor(&self, seq: u64) {
        let there = until_some(|| (self.host.cursor() == Some(seq)).then_some(())).await;
        assert!(there.is_some(), "{}: the cursor is {:?}, not {seq}", self.name, self.host.cursor());
    }

    /// Brings the second life of the host into the state; the first one stored 41.
    async fn enter(&self, run: &Run, state: State) {
        self.host.acts([Act::Accept]);
        self.send(1);
        self.host.acts([Act::Break(Remedy::Retry)]);
        run.until(2, State::Connecting).await;
        if state == State::Connecting {
            return;
        }
        self.host.acts([Act::Accept]);
        self.send(1);
        self.until_cursor(42).await;
        if state == State::Held {
            self.fate.send_replace(Fate::Lingers);
            self.host.acts([Act::Halting(Remedy::Hold(HOLD))]);
        } else if state != State::Streaming {
            let is_away = state == State::Unavailable;
            self.host.sink_is(if is_away { Readiness::Away } else { Readiness::Full });
            // Behind a second batch the host goes unread, and is given back.
            self.send(if state == State::Parked { 2 } else { 1 });
        }
        run.until(2, state).await;
    }

    /// Does what ends the life, or would end it in another state.
    async fn provoke(&self, run: &Run, way: Way, state: State) {
        match way {
            Way::Befalls(fate) => drop(self.fate.send_replace(fate)),
            Way::IsRemoved => run.remove().await,
            Way::IsStopped | Way::IsSilent => {}
            Way::DoesNotGo => {
                // In the other states it is the batch on its way that takes longer than the grace.
                if state == State::Streaming {
                    self.mute().await;
                } else if matches!(state, State::Connecting | State::Held) {
                    self.fate.send_replace(Fate::Defies);
                }
                run.remove().await;
            }
            Way::SinkBreaks => self.sink_turns(Readiness::Refusing(Remedy::Retry), state),
            Way::SinkFences => self.sink_turns(Readiness::Refusing(Remedy::Fail), state),
            Way::SinkPanics => self.sink_turns(Readiness::Panicking, state),
            Way::SinkIsMute => self.mute().await,
            Way::DecoderHolds if state == State::Held => drop(self.fate.send_replace(Fate::ItsOwn)),
            Way::SourceEnds
            | Way::SourceBreaks
            | Way::SourceFails
            | Way::SourcePanics
            | Way::DecoderBreaks
            | Way::DecoderFails
            | Way::DecoderHolds
            | Way::DecoderPanics => self.host.acts(way.act(state)),
        }
        if way.waits_for_the_sink(state) {
            self.stays(run, state).await;
            self.host.sink_is(Readiness::Flowing);
        }
    }

    /// The sink does so at the batch that waits for it, or at the next.
    fn sink_turns(&self, readiness: Readiness, state: State) {
        self.host.sink_is(readiness);
        if state == State::Streaming {
            self.send(1);
        }
    }

    async fn mute(&self) {
        self.host.sink_is(Readiness::Mute);
        self.send(1);
        self.until_cursor(43).await;
    }

    /// The second life goes on in this state, however long nothing happens.
    async fn stays(&self, run: &Run, state: State) {
        sleep(LONG).await;
        let child = run.of_host().unwrap();
        assert_eq!((child.incarnation, child.phase.as_str()), (2, state.as_str()), "{}", self.name);
    }

    fn check(&self, report: &ExitReport, expected: &Expected) {
        let case = &self.name;
        assert_eq!((report.incarnation, report.host.as_deref()), (2, Some(HOST)), "{case}");
        assert_eq!(
            (report.ending.kind(), report.ending.cause()),
            (expected.kind, expected.cause.clone()),
            "{case}"
        );
        assert_eq!(report.state, expected.state, "{case}");
        assert_eq!(report.last_seq, Some(expected.last_seq), "{case}");
        assert_eq!((report.events, report.bytes), (expected.events, 8 * expected.events), "{case}");
        assert_eq!(report.verdict.as_str(), expected.verdict, "{case}");
        let panicked = if let Ending::Panicked { task, place, backtrace, .. } = &report.ending {
            assert!(backtrace.is_some(), "{case}");
            let place = place.as_ref().unwrap();
            Some((task.as_deref(), place.file.rsplit('/').next().unwrap()))
        } else {
            None
        };
        assert_eq!(panicked, expected.panicked, "{case}");
        assert_eq!(self.host.cursor(), Some(expected.durable), "{case}");
    }

    /// The host is taken up again when the verdict says, and goes on exactly behind what is stored.
    async fn goes_on(&self, run: &Run, (at, report): &Reported, expected: &Expected) {
        self.host.sink_is(Readiness::Flowing);
        self.fate.send_replace(Fate::ItsOwn);
        if let Some(wait) = report.verdict.restart_in() {
            let allowed = waits(report);
            assert!(allowed.contains(&wait), "{}: {wait:?} is not in {allowed:?}", self.name);
            run.until(3, State::Connecting).await;
            let waited = at.elapsed();
            assert!((wait..wait + LOOK).contains(&waited), "{}: {waited:?}, not {wait:?}", self.name);
        } else if run.of_host().is_some() {
            sleep(LONG).await;
            assert_eq!(run.of_host().unwrap().phase.as_str(), "ended", "{}", self.name);
            run.remove().await;
            run.add();
            run.until(1, State::Connecting).await;
        } else {
            run.add();
            run.until(1, State::Connecting).await;
        }
        self.resumes_from(expected.durable).await;
    }

    async fn resumes_from(&self, durable: u64) {
        let resumes: Vec<Resume> = [40, 41, durable].map(|seq| Resume::After(Seq::new(seq).unwrap())).into();
        let seen = until_some(|| Some(self.host.resumes.lock().unwrap().clone()).filter(|all| all.len() > 2));
        assert_eq!(seen.await, Some(resumes), "{}", self.name);
    }

    /// The rest of the host's events, the stop, and what is in the sink then.
    async fn conclude(&self, run: Run) {
        let case = &self.name;
        self.host.acts([Act::Accept]);
        self.send(3);
        let last = self.sent.load(Ordering::Relaxed);
        self.until_cursor(last).await;
        self.is_beating.store(false, Ordering::Relaxed);
        let of_sibling: Vec<_> =
            run.stop().await.into_iter().filter(|(_, report)| &*report.child == SIBLING).collect();
        let [(_, only)] = &of_sibling[..] else { panic!("{case}: the sibling ended: {of_sibling:?}") };
        assert_eq!((only.incarnation, only.ending.kind()), (1, "stopped"), "{case}");

        let numbers = |scene: &Scene| {
            scene.stored.lock().unwrap().entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(numbers(&self.host), (41..=last).collect::<Vec<_>>(), "{case}");
        let beats = self.beats.lock().unwrap();
        assert_eq!(numbers(&self.sibling), (1..=beats.len() as u64).collect::<Vec<_>>(), "{case}");
        let stored = self.sibling.stored.lock().unwrap();
        let late = stored.entries.iter().zip(beats.iter()).find(|(entry, beat)| entry.at != **beat);
        assert_eq!(late, None, "{case}: the sibling waited");
    }

    async fn play(&self, way: Way, state: State) {
        let expected = Expected::of(way, state);
        let run = self.begin();
        self.enter(&run, state).await;
        if way == Way::IsSilent && is_reason_to_wait(state) {
            self.stays(&run, state).await;
            return self.goes_on_by_itself(run, state).await;
        }
        let run = if way == Way::IsStopped {
            self.is_beating.store(false, Ordering::Relaxed);
            let reported = run.stop().await;
            let (_, report) = reported.iter().rfind(|(_, report)| &*report.child == HOST).unwrap();
            assert!((2..=3).contains(&report.ordinal), "{}: {}", self.name, report.ordinal);
            self.check(report, &expected);
            self.host.sink_is(Readiness::Flowing);
            self.fate.send_replace(Fate::ItsOwn);
            let run = self.begin();
            self.resumes_from(expected.durable).await;
            run
        } else {
            self.provoke(&run, way, state).await;
            let reported = run.until_ended(2).await;
            assert_eq!(reported.1.ordinal, 2, "{}", self.name);
            self.check(&reported.1, &expected);
            self.is_counted(&run, expected.kind);
            self.goes_on(&run, &reported, &expected).await;
            run
        };
        self.conclude(run).await;
    }

    /// What had a reason to wait goes on in the same life; a hold ends with it.
    async fn goes_on_by_itself(&self, run: Run, state: State) {
        assert_eq!(run.reports_of(HOST).len(), 1, "{}", self.name);
        self.host.sink_is(Readiness::Flowing);
        self.fate.send_replace(Fate::ItsOwn);
        if state == State::Held {
            let reported = run.until_ended(2).await;
            let expected = Expected::of(Way::DecoderHolds, State::Held);
            self.check(&reported.1, &expected);
            self.goes_on(&run, &reported, &expected).await;
        } else if state == State::Parked {
            self.resumes_from(44).await;
            assert_eq!(run.of_host().unwrap().incarnation, 2, "{}", self.name);
        } else {
            self.until_cursor(43).await;
            assert_eq!(run.of_host().unwrap().incarnation, 2, "{}", self.name);
            // The connection that it had goes on; only for the rest of the check is it broken.
            self.host.acts([Act::Break(Remedy::Retry)]);
            self.resumes_from(43).await;
        }
        self.conclude(run).await;
    }

    fn is_counted(&self, run: &Run, kind: &str) {
        let exposition = run.metrics.exposition().unwrap();
        let count = 1 + u32::from(kind == "lost");
        let line = format!("standpipe_exits_total{{ending=\"{kind}\",host=\"{HOST}\"}} {count}\n");
        assert!(exposition.contains(&line), "{}: {line}{exposition}", self.name);
    }
}

/// How long may be waited after the second life: as long as was asked for, else a draw below a second, or below two
/// where the life came to nothing.
fn waits(report: &ExitReport) -> RangeInclusive<Duration> {
    if let Ending::Lost { retry_after: Some(asked), .. } = report.ending {
        return asked..=asked;
    }
    let came_to_something = report.events > 0 || report.ran_for >= Duration::from_mins(1);
    Duration::from_millis(100)..=if came_to_something { SECOND } else { 2 * SECOND }
}

async fn check(way: Way, state: State) {
    let cell = Cell::new(way, state);
    println!("{}", cell.name);
    tokio::select! {
        biased;
        never = cell.beat() => match never {},
        () = cell.play(way, state) => {}
    }
}

#[tokio::test(start_paused = true)]
async fn i9_every_ending_in_every_state_is_explained_loses_nothing_and_is_nobody_elses() {
    let mut cells = 0;
    for state in STATES {
        for way in WAYS.into_iter().filter(|way| way.arises_in(state)) {
            check(way, state).await;
            cells += 1;
        }
    }
    println!("{cells} cells");
}
