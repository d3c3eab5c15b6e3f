//! One host's child: take over, resume, connect, pump, and begin again where that helps.

mod reporting;
mod spans;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Cursor, CursorError, CursorKey, Resume, Start};
use standpipe_pipeline::{
    Acquire, Acquired, Decoder, End, Limits, Observer, Pump, Remedy, Source, Transient,
};
use standpipe_supervisor::{Done, Scope, State, Trouble};

use self::reporting::Reporting;
use self::spans::Connection;
use crate::settings::OnFutureCursor;

/// Where the frames of one host come from, and what becomes of them.
pub trait Feed: Send + Sync {
    /// The connection.
    type Source: Source;
    /// What turns its items into entries.
    type Decoder: Decoder<Item = <Self::Source as Source>::Item>;

    /// Connects to the host and asks it to go on from there.
    ///
    /// Bounded in time, and cancel-safe: what was opened is closed.
    ///
    /// # Errors
    ///
    /// The host could not be reached, or refused.
    fn connect(
        &self,
        resume: Resume,
        observer: &Arc<dyn Observer>,
    ) -> impl Future<Output = Result<Self::Source, <Self::Source as Source>::Error>> + Send;

    /// A decoder for the connection that was resumed there.
    fn decoder(&self, resume: Resume, observer: Arc<dyn Observer>) -> Self::Decoder;
}

/// How one host is ingested. It lives as long as the child, over all of its incarnations.
#[derive(Debug)]
pub struct Ingest {
    /// Under which name the host's cursor is stored.
    pub key: CursorKey,
    /// Where to begin when nothing is stored.
    pub start: Start,
    /// What to do when what is stored is ahead of the host.
    pub on_future_cursor: OnFutureCursor,
    /// What bounds the pump.
    pub limits: Limits,
    released: AtomicBool,
}

impl Ingest {
    /// The ingestion of a host that was not begun yet.
    #[must_use]
    pub fn new(key: CursorKey, start: Start, on_future_cursor: OnFutureCursor, limits: Limits) -> Self {
        Self { key, start, on_future_cursor, limits, released: AtomicBool::new(false) }
    }

    /// Runs one incarnation: until the stop, the source's end, or trouble.
    ///
    /// `sinks` makes what writers come from, told the observer of this incarnation; `observer` is the host's own,
    /// and hears everything too.
    ///
    /// Cancel-safe as [`Pump::run`] is: the sink stays consistent, and the next incarnation begins from its cursor.
    ///
    /// # Errors
    ///
    /// [`Trouble::Lost`] for the world's doing, with the host's or hold's own delay; [`Trouble::Failed`] for ours.
    pub async fn run<F: Feed, A: Acquire>(
        &self,
        feed: &F,
        sinks: impl Fn(Arc<dyn Observer>) -> A,
        observer: Arc<dyn Observer>,
        scope: Scope,
    ) -> Result<Done, Trouble> {
        let observer: Arc<dyn Observer> = Arc::new(Reporting::new(scope.clone(), observer));
        let sinks = sinks(Arc::clone(&observer));
        loop {
            let acquired = tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                acquired = sinks.acquire(&self.key) => acquired.map_err(|error| self.trouble(error, &scope))?,
            };
            let Acquired { sink, cursor } = acquired;
            let resume = self.resume(cursor.as_ref()).map_err(Trouble::failed)?;
            let host = self.key.host();
            let connection = Connection::begin(host, resume);
            let connecting = connection.connect(host, feed.connect(resume, &observer));
            let source = tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                source = connecting => source.map_err(|error| self.trouble(error, &scope))?,
            };
            let decoder = feed.decoder(resume, Arc::clone(&observer));
            let sink = connection.traced(sink, host);
            let mut pump = Pump::new(source, decoder, sink, self.limits, Arc::clone(&observer));
            let ended = pump.run(cursor, scope.stopped()).await;
            connection.over(&ended);
            match ended {
                Ok(End::Finished) => return Ok(Done::Finished),
                Ok(End::Stopped) => return Ok(Done::Stopped),
                // There is room again: from here on it is as after any other pause.
                Ok(End::Parked) => {}
                Err(error) => return Err(self.trouble(error, &scope)),
            }
        }
    }

    /// Where to go on. A host that was released from its hold begins anew once; what it sends then moves the cursor.
    fn resume(&self, stored: Option<&Cursor>) -> Result<Resume, CursorError> {
        if self.released.swap(false, Ordering::Relaxed) {
            match self.on_future_cursor {
                OnFutureCursor::Hold => {}
                OnFutureCursor::Live => return Ok(Resume::Live),
                OnFutureCursor::Oldest => return Ok(Resume::Oldest),
            }
        }
        Resume::decide(stored, self.start)
    }

    fn trouble(&self, error: impl Transient, scope: &Scope) -> Trouble {
        match (error.remedy(), self.on_future_cursor) {
            (Remedy::Retry, _) => Trouble::lost(error),
            (Remedy::RetryAfter(delay), _) => Trouble::lost_for(error, delay),
            (Remedy::Fail, _) => Trouble::failed(error),
            (Remedy::Hold(delay), OnFutureCursor::Hold) => {
                scope.set_state(State::Held);
                Trouble::lost_for(error, delay)
            }
            (Remedy::Hold(_), OnFutureCursor::Live | OnFutureCursor::Oldest) => {
                tracing::warn!(
                    host = self.key.host(),
                    "the stored cursor is ahead of the host; beginning anew, as configured"
                );
                self.released.store(true, Ordering::Relaxed);
                Trouble::lost(error)
            }
        }
    }
}
