//! What an operator sees of holds, gaps, silence and looks at both sides.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use standpipe_cursor::Resume;
use standpipe_daemon::settings::OnFutureCursor;
use standpipe_daemon::{Chronicle, Gap, ReadyLimits};
use standpipe_pipeline::Remedy;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::pages::{get, with_pages};
use crate::scripted::{Act, Readiness, Stage};

const HOLD: Remedy = Remedy::Hold(Duration::from_mins(5));

/// What was told to be written down.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    fn by(stage: &Stage) -> Arc<Self> {
        let told = Arc::new(Self::default());
        stage.metrics.chronicled_by(Arc::<Self>::clone(&told) as _);
        told
    }

    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl Chronicle for Told {
    fn held(&self, _: &Arc<str>, cause: &str, last_seq: Option<u64>) {
        self.note(format!("held: {cause}, after {last_seq:?}"));
    }

    fn released(&self, _: &Arc<str>) {
        self.note("released".to_owned());
    }

    fn gap(&self, _: &Arc<str>, gap: &Gap) {
        self.note(format!("gap: {} from {:?} to {:?}", gap.reason, gap.from, gap.to));
    }

    fn recent(&self) -> Vec<Value> {
        vec![serde_json::json!({"at": "2026-07-04T14:38:08Z", "kind": "released"})]
    }

    fn written(&self) -> u64 {
        0
    }

    fn lost(&self) -> Vec<(&'static str, u64)> {
        vec![]
    }
}

/// What `/status` says of the one host.
async fn host(stage: &Stage) -> Value {
    let (_, body) = with_pages(stage, async |address| get(address, "/status").await).await;
    serde_json::from_str::<Value>(&body).unwrap()["hosts"][0].clone()
}

fn shows(stage: &Stage, line: &str) -> bool {
    stage.metrics.exposition().unwrap().lines().any(|shown| shown == line)
}

#[tokio::test(start_paused = true)]
async fn a_held_host_is_told_once_and_released_with_its_first_news() {
    let stage = Stage::begin_with(Readiness::Flowing, Some(1_000), OnFutureCursor::Hold);
    let told = Told::by(&stage);
    stage.acts([Act::Accept, Act::Halting(HOLD), Act::Accept, Act::Halting(HOLD)]);
    stage
        .until_some(|| {
            shows(&stage, "standpipe_exits_total{ending=\"lost\",host=\"relay.example\"} 2").then_some(())
        })
        .await;
    assert!(shows(&stage, "standpipe_held{host=\"relay.example\"} 1"));
    let hold = host(&stage).await["hold"].clone();
    assert_eq!((&hold["cause"], &hold["tries"]), (&"scripted Hold(300s)".into(), &2.into()));
    stage.acts([Act::Accept, Act::Frame(1_001)]);
    stage.until_cursor(1_001).await;
    assert!(shows(&stage, "standpipe_held{host=\"relay.example\"} 0"));
    assert_eq!(host(&stage).await["hold"], Value::Null);
    assert_eq!(told.all(), ["held: scripted Hold(300s), after None", "released"]);
}

#[tokio::test(start_paused = true)]
async fn i11_a_host_that_is_released_by_an_operators_word_has_a_gap() {
    for (word, reason) in
        [(OnFutureCursor::Live, "future_cursor_live"), (OnFutureCursor::Oldest, "future_cursor_oldest")]
    {
        let stage = Stage::begin_with(Readiness::Flowing, Some(1_000), word);
        let told = Told::by(&stage);
        stage.acts([Act::Accept, Act::Halting(HOLD), Act::Accept, Act::Frame(5)]);
        stage.until_cursor(5).await;
        assert_eq!(told.all(), [format!("gap: {reason} from Some(1000) to Some(5)")]);
        assert!(shows(
            &stage,
            &format!("standpipe_gaps_total{{host=\"relay.example\",reason=\"{reason}\"}} 1")
        ));
        let gap = host(&stage).await["gaps"][0].clone();
        assert_eq!((&gap["from"], &gap["to"], &gap["reason"]), (&1_000.into(), &5.into(), &reason.into()));
        assert_eq!(stage.resumes.lock().unwrap()[1] == Resume::Live, word == OnFutureCursor::Live);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hole_that_a_host_shows_after_a_pause_is_a_gap_and_a_quiet_day_is_none() {
    let (noon, night) = ("2026-07-04T12:00:00Z", "2026-07-05T00:00:00Z");
    for (first, is_gap) in [(1_001, false), (90_000, true)] {
        let stage = Stage::begin(OnFutureCursor::Hold);
        let told = Told::by(&stage);
        let lost = Act::Break(Remedy::Retry);
        stage.acts([Act::Accept, Act::FrameAt(1_000, noon), lost, Act::Accept, Act::FrameAt(first, night)]);
        stage.until_cursor(first).await;
        let expected: &[&str] =
            if is_gap { &["gap: silent_hole from Some(1000) to Some(90000)"] } else { &[] };
        assert_eq!(told.all(), expected, "{first}");
        let gaps = host(&stage).await["gaps"].clone();
        assert_eq!(gaps.as_array().unwrap().len(), usize::from(is_gap));
        if is_gap {
            assert_eq!((&gaps[0]["from_time"], &gaps[0]["to_time"]), (&noon.into(), &night.into()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_host_that_answers_pings_is_never_restarted_and_one_that_does_not_is() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1)]);
    stage.until("streaming").await;
    for _ in 0..24 * 60 * 2 {
        sleep(Duration::from_secs(30)).await;
        stage.acts([Act::Answer]);
    }
    sleep(Duration::from_secs(1)).await;
    let child = stage.supervisor.status().children.remove(0);
    assert_eq!((child.restarts, child.phase.as_str()), (0, "streaming"));
    assert!(shows(&stage, "standpipe_signs_of_life_total{host=\"relay.example\"} 2880"));
    let silent_since = Instant::now();
    let report = stage.until_some(|| stage.supervisor.status().children[0].last_exit.clone()).await;
    assert_eq!(report.ending.kind(), "stalled");
    assert!(silent_since.elapsed() < Duration::from_mins(6));
    assert!(shows(&stage, "standpipe_restarts_total{ending=\"stalled\",host=\"relay.example\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn i10_a_sink_that_says_nothing_at_all_is_a_stall_that_names_it() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::Frame(1)]);
    stage.until_cursor(1).await;
    stage.sink_is(Readiness::Stuck);
    stage.acts([Act::Frame(2)]);
    let report = stage.until_some(|| stage.supervisor.status().children[0].last_exit.clone()).await;
    assert_eq!(report.ending.kind(), "stalled");
    let cause = report.ending.cause().unwrap();
    assert!(cause.contains("the sink to take a batch"), "{cause}");
    stage.sink_is(Readiness::Flowing);
    stage.acts([Act::Accept, Act::Frame(2)]);
    stage.until_cursor(2).await;
}

#[tokio::test(start_paused = true)]
async fn lag_makes_unready_only_where_a_limit_is_set() {
    let stage = Stage::begin(OnFutureCursor::Hold);
    stage.acts([Act::Accept, Act::FrameAt(1, "2020-01-01T00:00:00Z")]);
    stage.until_cursor(1).await;
    assert!(stage.metrics.health().ready);
    stage.metrics.limit(ReadyLimits { max_lag: Some(Duration::from_mins(5)) });
    let health = stage.metrics.health();
    let reason = health.hosts[0].reason.clone().unwrap();
    assert!(
        !health.ready && reason.starts_with("lags by ") && reason.ends_with(", more than 5m"),
        "{reason}"
    );
}

/// What was seen at the second try, at a host whose look is at this address; and how long that try was in coming.
async fn look(address: &str, second: Act) -> (Value, Duration) {
    let stage = Stage::begin_looking(Readiness::Flowing, None, OnFutureCursor::Hold, Some(address));
    stage.acts([Act::Accept, Act::Frame(1), Act::Break(Remedy::Retry), second]);
    stage.until("backing_off").await;
    let lost = Instant::now();
    stage.until_resumes(2).await;
    let came_after = lost.elapsed();
    let looked = "standpipe_probes_total{host=\"relay.example\",result=";
    stage.until_some(|| stage.metrics.exposition().unwrap().contains(looked).then_some(())).await;
    (host(&stage).await["last_look"].clone(), came_after)
}

#[tokio::test]
async fn both_sides_are_looked_at_before_a_host_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("ws://{}", listener.local_addr().unwrap());
    let never = Act::Refuse(Remedy::RetryAfter(Duration::from_mins(10)));
    let (seen, _) = look(&address, never).await;
    assert_eq!((&seen["host"]["result"], &seen["sink"]["result"]), (&"answers".into(), &"answers".into()));
    drop(listener);
    let (seen, _) = look(&address, never).await;
    assert_eq!(seen["host"]["result"], "silent");
    let cause = seen["host"]["cause"].as_str().unwrap();
    assert!(cause.contains("reach 127.0.0.1:"), "{cause}");
}

/// A listener that accepts nothing and whose queue is full, so that further attempts get no answer at all; and what
/// fills the queue. `None` where the platform cannot be brought to it.
async fn black_hole() -> Option<(String, (TcpListener, Vec<TcpStream>))> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind("127.0.0.1:0".parse().unwrap()).ok()?;
    let listener = socket.listen(1).ok()?;
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while queued.len() < 64 {
        match timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
            Ok(stream) => queued.push(stream.ok()?),
            Err(_) => return Some((format!("ws://{address}"), (listener, queued))),
        }
    }
    println!("skipped: no black hole to be had on this machine");
    None
}

#[tokio::test]
async fn i8_a_look_that_gets_no_answer_holds_up_no_try() {
    let Some((address, _held)) = black_hole().await else { return };
    tokio::time::pause();
    // The backoff is a second at most, and the look lasts two.
    let (seen, came_after) = look(&address, Act::Accept).await;
    assert!(came_after < Duration::from_millis(1_500), "{came_after:?}");
    assert_eq!(seen["host"]["result"], "answers", "the connection itself is the answer");
    let never = Act::Refuse(Remedy::RetryAfter(Duration::from_mins(10)));
    let (seen, came_after) = look(&address, never).await;
    assert!(came_after < Duration::from_millis(1_500), "{came_after:?}");
    assert_eq!(seen["host"]["cause"], "no connection within 2s");
}
