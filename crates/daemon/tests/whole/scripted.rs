//! A host and a sink that do what a test tells them.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorKey, Resume, Seq, Start};
use standpipe_daemon::ingest::{Feed, Ingest};
use standpipe_daemon::settings::{OnFutureCursor, QuarantinePlan};
use standpipe_daemon::{HostHealth, Metrics, Quarantine};
use standpipe_pipeline::{
    Ack, Acquire, Acquired, Backpressure, Batch, Decoder, Limits, Never, Observation, Observer, OpenBatch,
    Remedy, Sink, Source, Transient,
};
use standpipe_supervisor::{ChildSpec, Handle, Outcome, Supervisor};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Mutex as AsyncMutex, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

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

/// What the host does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// Accepts a connection.
    Accept,
    /// Refuses a connection.
    Refuse(Remedy),
    /// Sends a frame that becomes an entry.
    Frame(u64),
    /// Sends such a frame, which gives itself this time.
    FrameAt(u64, &'static str),
    /// Answers a ping.
    Answer,
    /// Sends a frame that is dropped.
    Dropped(u64),
    /// Sends a frame that is quarantined.
    Unusable(u64),
    /// Sends something after which reading cannot go on.
    Halting(Remedy),
    /// Breaks the connection.
    Break(Remedy),
    /// Makes the decoder panic.
    Panic,
}

/// How the sink is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    Flowing,
    Full,
    Away,
    /// It takes a batch and never says what became of it.
    Stuck,
    Refusing(Remedy),
}

pub(crate) struct ScriptedFeed {
    acts: Arc<AsyncMutex<UnboundedReceiver<Act>>>,
    resumes: Arc<Mutex<Vec<Resume>>>,
}

impl Feed for ScriptedFeed {
    type Source = ScriptedSource;
    type Decoder = ScriptedDecoder;
    type Resume = Resume;

    async fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> Result<ScriptedSource, Scripted> {
        self.resumes.lock().unwrap().push(resume);
        observer.observe(Observation::Connecting);
        match self.acts.lock().await.recv().await {
            Some(Act::Accept) => {
                observer.observe(Observation::Connected { resume });
                Ok(ScriptedSource { acts: Arc::clone(&self.acts), observer: Arc::clone(observer) })
            }
            Some(Act::Refuse(remedy)) => Err(Scripted(remedy)),
            other => panic!("not connected, and told to {other:?}"),
        }
    }

    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> ScriptedDecoder {
        let after = match resume {
            Resume::After(seq) => Some(seq),
            Resume::Live | Resume::Oldest => None,
        };
        ScriptedDecoder { observer, after, has_to_begin: true }
    }
}

pub(crate) struct ScriptedSource {
    acts: Arc<AsyncMutex<UnboundedReceiver<Act>>>,
    observer: Arc<dyn Observer>,
}

impl Source for ScriptedSource {
    type Item = Act;
    type Error = Scripted;

    async fn next(&mut self) -> Result<Option<Act>, Scripted> {
        loop {
            match self.acts.lock().await.recv().await {
                Some(Act::Answer) => self.observer.observe(Observation::Alive),
                Some(Act::Break(remedy)) => return Err(Scripted(remedy)),
                act => return Ok(act),
            }
        }
    }
}

pub(crate) struct ScriptedDecoder {
    observer: Arc<dyn Observer>,
    after: Option<Seq>,
    has_to_begin: bool,
}

impl Decoder for ScriptedDecoder {
    type Item = Act;
    type Halt = Scripted;

    fn decode(&mut self, act: Act, batch: &mut OpenBatch) -> Result<(), Scripted> {
        let mut time = "2026-07-04T14:38:08.999Z";
        let number = match act {
            Act::Frame(number) | Act::FrameAt(number, _) => {
                let written: Result<(), Never> = batch.append("create", |entry| {
                    entry.extend_from_slice(b"{}");
                    Ok(())
                });
                written.unwrap();
                batch.noted("handle_malformed");
                if let Act::FrameAt(_, given) = act {
                    time = given;
                }
                number
            }
            Act::Dropped(number) => {
                batch.dropped("collection_filtered");
                number
            }
            Act::Unusable(number) => {
                batch.dropped("cbor_truncated");
                let frame = &number.to_be_bytes();
                let seq = Some(number);
                self.observer.observe(Observation::Quarantined { reason: "cbor_truncated", seq, frame });
                self.observer.observe(Observation::Gap {
                    reason: "outdated_cursor",
                    from: Seq::new(1),
                    to: None,
                    time: "",
                });
                number
            }
            Act::Halting(remedy) => return Err(Scripted(remedy)),
            Act::Panic => panic!("scripted panic"),
            Act::Accept | Act::Answer | Act::Refuse(_) | Act::Break(_) => {
                panic!("connected, and told to {act:?}")
            }
        };
        let seq = Seq::new(number).unwrap();
        if std::mem::take(&mut self.has_to_begin) {
            self.observer.observe(Observation::Began { after: self.after, seq, time });
        }
        batch.close_frame(seq, 8, time);
        Ok(())
    }
}

/// The sink of one incarnation; all share what is stored.
#[derive(Clone)]
pub(crate) struct ScriptedSink {
    readiness: watch::Receiver<Readiness>,
    stored: Arc<Mutex<Stored>>,
    observer: Arc<dyn Observer>,
}

#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) entries: u64,
}

impl ScriptedSink {
    async fn wait(&mut self) -> Result<(), Scripted> {
        loop {
            let readiness = *self.readiness.borrow_and_update();
            let told = match readiness {
                Readiness::Flowing => Backpressure::Flowing,
                Readiness::Full => Backpressure::Full { backlog: 100 },
                Readiness::Away => Backpressure::Unavailable { cause: &Scripted(Remedy::Retry) },
                Readiness::Refusing(remedy) => return Err(Scripted(remedy)),
                Readiness::Stuck => std::future::pending().await,
            };
            self.observer.observe(Observation::Backpressure(told));
            if readiness == Readiness::Flowing {
                return Ok(());
            }
            self.readiness.changed().await.unwrap();
        }
    }
}

impl Acquire for ScriptedSink {
    type Sink = Self;
    type Error = Scripted;

    async fn acquire(&self, _: &CursorKey) -> Result<Acquired<Self>, Scripted> {
        let mut sink = self.clone();
        // A full stream keeps nobody from taking over.
        if *sink.readiness.borrow() != Readiness::Full {
            sink.wait().await?;
        }
        let cursor = self.stored.lock().unwrap().cursor.clone();
        Ok(Acquired { sink, cursor })
    }
}

impl Sink for ScriptedSink {
    type Error = Scripted;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, Scripted> {
        if !batch.is_empty() || *self.readiness.borrow() != Readiness::Full {
            self.wait().await?;
        }
        let mut stored = self.stored.lock().unwrap();
        assert_eq!(stored.cursor.as_ref(), batch.from(), "a batch that does not follow what is stored");
        stored.cursor = Some(batch.through().clone());
        stored.entries += batch.len() as u64;
        Ok(Ack::applied(Some(stored.entries)))
    }
}

/// One supervised host with its metrics, and the strings that move it.
pub(crate) struct Stage {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stored: Arc<Mutex<Stored>>,
    pub(crate) resumes: Arc<Mutex<Vec<Resume>>>,
    acts: UnboundedSender<Act>,
    readiness: watch::Sender<Readiness>,
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
        let bounds = QuarantinePlan { frames: 10, bytes: 1 << 20 };
        let quarantine = Quarantine::new(folder.path().into(), bounds);
        let metrics =
            Arc::new(Metrics::new("firehose", "firehose_live", Some(100), quarantine.intake()).unwrap());
        let ledger = metrics.open_ledger(HOST);
        let (acts, receiver) = unbounded_channel();
        let (readiness, is_ready) = watch::channel(readiness);
        let resumes = Arc::default();
        let stored = Stored { cursor: stored.map(|seq| Seq::new(seq).unwrap().into()), entries: 0 };
        let stored = Arc::new(Mutex::new(stored));
        let feed = Arc::new(ScriptedFeed {
            acts: Arc::new(AsyncMutex::new(receiver)),
            resumes: Arc::clone(&resumes),
        });
        let key = CursorKey::new("firehose_live", &HOST.parse().unwrap());
        let limits = Limits { max_entries: 1, park_after: Duration::from_secs(20), ..Limits::default() };
        let ingest = Ingest::new(key, Start::Live, on_future_cursor, limits);
        let ingest = Arc::new(match looked_at {
            Some(address) => ingest.probing(metrics.prober(&address.parse().unwrap(), &ledger)),
            None => ingest,
        });
        let shared = Arc::clone(&stored);
        let child = move |scope| {
            let (ingest, feed, stored) = (Arc::clone(&ingest), Arc::clone(&feed), Arc::clone(&shared));
            let (readiness, observer) = (is_ready.clone(), Arc::clone(&ledger) as Arc<dyn Observer>);
            let sinks = move |observer| ScriptedSink {
                readiness: readiness.clone(),
                stored: Arc::clone(&stored),
                observer,
            };
            async move { ingest.run(&*feed, sinks, observer, scope).await }
        };
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
        Self { metrics, stored, resumes, acts, readiness, supervisor, stop, run, _folder: folder }
    }

    pub(crate) fn acts(&self, acts: impl IntoIterator<Item = Act>) {
        acts.into_iter().for_each(|act| self.acts.send(act).unwrap());
    }

    pub(crate) fn sink_is(&self, readiness: Readiness) {
        self.readiness.send_replace(readiness);
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
        let seen = async {
            loop {
                if let Some(seen) = look() {
                    return seen;
                }
                sleep(Duration::from_millis(5)).await;
            }
        };
        let within = timeout(Duration::from_hours(1), seen).await;
        within.unwrap_or_else(|_| panic!("in vain: {:?}", self.metrics.health()))
    }

    pub(crate) fn cursor(&self) -> Option<u64> {
        self.stored.lock().unwrap().cursor.as_ref().and_then(Cursor::seq).map(Seq::number)
    }

    pub(crate) async fn stop(mut self) -> Outcome {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.run).await.unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "the test's own supervisor has to run beside the test")]
fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(future)
}
