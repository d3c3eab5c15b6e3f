//! One host's child: take over, resume, connect, pump, and begin again where that helps.

mod reporting;
mod spans;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use standpipe_cursor::{Cursor, CursorError, CursorKey, Resume, Start};
use standpipe_pipeline::{
    Acquire, Acquired, Decoder, End, Limits, Observation, Observer, Pump, Remedy, Source, Transient,
};
use standpipe_supervisor::{Done, Scope, State, Trouble};

use self::reporting::Reporting;
use self::spans::Connection;
use crate::probes::Prober;
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
    prober: Option<Prober>,
}

impl Ingest {
    /// The ingestion of a host that was not begun yet.
    #[must_use]
    pub fn new(key: CursorKey, start: Start, on_future_cursor: OnFutureCursor, limits: Limits) -> Self {
        Self { key, start, on_future_cursor, limits, released: AtomicBool::new(false), prober: None }
    }

    /// The same, which looks at both sides before it tries a host again.
    #[must_use]
    pub fn probing(self, prober: Prober) -> Self {
        Self { prober: Some(prober), ..self }
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
        let mut is_again = scope.incarnation() > 1;
        loop {
            let opening = self.open(feed, &sinks, &observer, &scope);
            let opening = self.look_meanwhile(opening, is_again);
            let Opened { connection, source, sink, cursor, resume } = tokio::select! {
                biased;
                () = scope.stopped() => return Ok(Done::Stopped),
                opened = opening => opened?,
            };
            is_again = true;
            let host = self.key.host();
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
                Err(error) => return Err(self.trouble(error, resume, &observer, &scope)),
            }
        }
    }

    /// Takes the host over and connects to it.
    async fn open<F: Feed, A: Acquire>(
        &self,
        feed: &F,
        sinks: &A,
        observer: &Arc<dyn Observer>,
        scope: &Scope,
    ) -> Result<Opened<F::Source, A::Sink>, Trouble> {
        scope.waiting_for("the sink to hand over the host's cursor");
        let acquired = sinks.acquire(&self.key).await;
        // Nothing was asked of the host yet.
        let Acquired { sink, cursor } =
            acquired.map_err(|error| self.trouble(error, Resume::Live, observer, scope))?;
        let resume = self.resume(cursor.as_ref()).map_err(Trouble::failed)?;
        let host = self.key.host();
        let connection = Connection::begin(host, resume);
        let source = connection.connect(host, feed.connect(resume, observer)).await;
        let source = source.map_err(|error| self.trouble(error, resume, observer, scope))?;
        Ok(Opened { connection, source, sink, cursor, resume })
    }

    /// Before a host is tried again, both sides are looked at, beside the try.
    async fn look_meanwhile<T>(
        &self,
        opening: impl Future<Output = Result<T, Trouble>>,
        is_again: bool,
    ) -> Result<T, Trouble> {
        match self.prober.as_ref().filter(|_| is_again) {
            Some(prober) => prober.beside(opening).await,
            None => opening.await,
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

    fn trouble(
        &self,
        error: impl Transient,
        resume: Resume,
        observer: &Arc<dyn Observer>,
        scope: &Scope,
    ) -> Trouble {
        match (error.remedy(), self.on_future_cursor) {
            (Remedy::Retry, _) => Trouble::lost(error),
            (Remedy::RetryAfter(delay), _) => Trouble::lost_for(error, delay),
            (Remedy::Fail, _) => Trouble::failed(error),
            (Remedy::Hold(delay), OnFutureCursor::Hold) => {
                scope.set_state(State::Held);
                Trouble::lost_for(error, delay)
            }
            (Remedy::Hold(_), OnFutureCursor::Live) => {
                self.release("future_cursor_live", resume, observer);
                Trouble::lost(error)
            }
            (Remedy::Hold(_), OnFutureCursor::Oldest) => {
                self.release("future_cursor_oldest", resume, observer);
                Trouble::lost(error)
            }
        }
    }

    /// Lets a host begin anew that would be held, as an operator said. What lies between is missing, or comes twice.
    fn release(&self, reason: &'static str, resume: Resume, observer: &Arc<dyn Observer>) {
        let from = match resume {
            Resume::After(seq) => Some(seq),
            Resume::Live | Resume::Oldest => None,
        };
        tracing::warn!(
            host = self.key.host(),
            "the stored cursor is ahead of the host; beginning anew, as configured"
        );
        observer.observe(Observation::Gap { reason, from, to: None, time: "" });
        self.released.store(true, Ordering::Relaxed);
    }
}

/// A host that was taken over and connected to.
struct Opened<S, K> {
    connection: Connection,
    source: S,
    sink: K,
    cursor: Option<Cursor>,
    resume: Resume,
}
