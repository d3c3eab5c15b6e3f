use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use standpipe_cursor::{Cursor, CursorKey, Resume, Seq, Start};
use standpipe_daemon::ingest::Ingest;
use standpipe_daemon::settings::OnFutureCursor;
use standpipe_pipeline::{Limits, Observer};
use standpipe_supervisor::{ChildResult, Scope};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use super::host::{Act, ScriptedFeed};
use super::sink::{Readiness, ScriptedSink, Stored};

/// What one life of a host comes to.
pub(crate) type Life = Pin<Box<dyn Future<Output = ChildResult> + Send>>;

/// One host before a sink of its own, and the strings that move both.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) stored: Arc<Mutex<Stored>>,
    pub(crate) resumes: Arc<Mutex<Vec<Resume>>>,
    feed: ScriptedFeed,
    acts: UnboundedSender<Act>,
    readiness: watch::Sender<Readiness>,
}

impl Scene {
    pub(crate) fn new(name: &'static str, readiness: Readiness, stored: Option<u64>) -> Self {
        let (feed, acts) = ScriptedFeed::new();
        let cursor = stored.map(|seq| Seq::new(seq).unwrap().into());
        let stored = Arc::new(Mutex::new(Stored { cursor, entries: Vec::new() }));
        let resumes = feed.resumes();
        Self { name, stored, resumes, feed, acts, readiness: watch::Sender::new(readiness) }
    }

    /// How the host is ingested: an entry a batch, so that its sink is soon full.
    pub(crate) fn ingest(&self, on_future_cursor: OnFutureCursor) -> Ingest {
        let key = CursorKey::new("firehose_live", &self.name.parse().unwrap());
        let limits = Limits { max_entries: 1, park_after: Duration::from_secs(20), ..Limits::default() };
        Ingest::new(key, Start::Live, on_future_cursor, limits)
    }

    /// The lives of the host's child.
    pub(crate) fn lives(
        &self,
        ingest: Ingest,
        observer: Arc<dyn Observer>,
    ) -> impl Fn(Scope) -> Life + Clone + Send + Sync + use<> {
        let ingest = Arc::new(ingest);
        let Self { feed, stored, readiness, .. } = self.clone();
        move |scope| {
            let (ingest, feed, stored) = (Arc::clone(&ingest), feed.clone(), Arc::clone(&stored));
            let (readiness, observer) = (readiness.subscribe(), Arc::clone(&observer));
            let sinks = move |observer| ScriptedSink::new(readiness.clone(), Arc::clone(&stored), observer);
            Box::pin(async move { ingest.run(&feed, sinks, observer, scope).await })
        }
    }

    pub(crate) fn acts(&self, acts: impl IntoIterator<Item = Act>) {
        acts.into_iter().for_each(|act| self.acts.send(act).unwrap());
    }

    pub(crate) fn sink_is(&self, readiness: Readiness) {
        self.readiness.send_replace(readiness);
    }

    pub(crate) fn cursor(&self) -> Option<u64> {
        self.stored.lock().unwrap().cursor.as_ref().and_then(Cursor::seq).map(Seq::number)
    }
}
