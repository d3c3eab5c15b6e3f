//! One host's child: take over, resume, connect, pump, and begin again where that helps.

mod by_seq;
mod reader;
mod reporting;
mod spans;

use std::future::Future;
use std::sync::Arc;

use standpipe_cursor::{Cursor, CursorError, CursorKey, Start};
use standpipe_pipeline::{
    Acquire, Acquired, Decoder, End, Limits, Observer, Pump, Remedy, Source, Transient,
};
use standpipe_supervisor::{Done, Scope, State, Trouble};

use self::reporting::Reporting;
use self::spans::Connection;
use crate::probes::Prober;
use crate::settings::OnFutureCursor;

pub use self::by_seq::BySeq;
pub use self::reader::{Reader, Subscriber};
pub use self::reporting::reporting;

/// Where the frames of one host come from, and what becomes of them.
pub trait Feed: Send + Sync {
    /// The connection.
    type Source: Source;
    /// What turns its items into entries.
    type Decoder: Decoder<Item = <Self::Source as Source>::Item>;
    /// Where to go on, as this kind of host is asked for it.
    type Resume: Clone + Send + Sync;

    /// Connects to the host and asks it to go on from there.
    ///
    /// Bounded in time, and cancel-safe: what was opened is closed.
    ///
    /// # Errors
    ///
    /// The host could not be reached, or refused.
    fn connect(
        &self,
        resume: Self::Resume,
        observer: &Arc<dyn Observer>,
    ) -> impl Future<Output = Result<Self::Source, <Self::Source as Source>::Error>> + Send;

    /// A decoder for the connection that was resumed there.
    fn decoder(&self, resume: Self::Resume, observer: Arc<dyn Observer>) -> Self::Decoder;
}

/// What a stored cursor means to a host: where to go on, and what an operator said about one that the host refuses.
pub trait Resuming: Send + Sync {
    /// Where to go on.
    type Resume: Clone + Send + Sync;

    /// Decides from what is stored.
    ///
    /// # Errors
    ///
    /// [`CursorError::Unreadable`] for what no host of this kind can be asked with.
    fn resume(&self, stored: Option<&Cursor>) -> Result<Self::Resume, CursorError>;

    /// What the host is asked with, for traces.
    fn parameter(&self, resume: &Self::Resume) -> impl tracing::Value;

    /// Whether a host whose error asks for a hold is let go instead, as an operator said. It is then begun anew, and
    /// the observer was told what that costs.
    fn releases(&self, resume: Option<&Self::Resume>, host: &str, observer: &dyn Observer) -> bool {
        let _ = (resume, host, observer);
        false
    }
}

/// How one host is ingested. It lives as long as the child, over all of its incarnations.
#[derive(Debug)]
pub struct Ingest<R = BySeq> {
    /// Under which name the host's cursor is stored.
    pub key: CursorKey,
    /// What a stored cursor means.
    pub resuming: R,
    /// What bounds the pump.
    pub limits: Limits,
    prober: Option<Prober>,
}

impl Ingest {
    /// The ingestion of a host of numbered events that was not begun yet.
    #[must_use]
    pub fn new(key: CursorKey, start: Start, on_future_cursor: OnFutureCursor, limits: Limits) -> Self {
        Self::by(BySeq::new(start, on_future_cursor), key, limits)
    }
}

impl<R: Resuming> Ingest<R> {
    /// The ingestion of a host that was not begun yet.
    #[must_use]
    pub fn by(resuming: R, key: CursorKey, limits: Limits) -> Self {
        Self { key, resuming, limits, prober: None }
    }

    /// The same, which looks at both sides before it tries a host again.
    #[must_use]
    pub fn probing(self, prober: impl Into<Option<Prober>>) -> Self {
        Self { prober: prober.into(), ..self }
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
    pub async fn run<F: Feed<Resume = R::Resume>, A: Acquire>(
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
            let decoder = feed.decoder(resume.clone(), Arc::clone(&observer));
            let sink = connection.traced(sink, host);
            let mut pump = Pump::new(source, decoder, sink, self.limits, Arc::clone(&observer));
            let ended = pump.run(cursor, scope.stopped()).await;
            connection.over(&ended);
            match ended {
                Ok(End::Finished) => return Ok(Done::Finished),
                Ok(End::Stopped) => return Ok(Done::Stopped),
                // There is room again: from here on it is as after any other pause.
                Ok(End::Parked) => {}
                Err(error) => return Err(self.trouble(error, Some(&resume), &observer, &scope)),
            }
        }
    }

    /// Takes the host over and connects to it.
    async fn open<F: Feed<Resume = R::Resume>, A: Acquire>(
        &self,
        feed: &F,
        sinks: &A,
        observer: &Arc<dyn Observer>,
        scope: &Scope,
    ) -> Result<Opened<F::Source, A::Sink, R::Resume>, Trouble> {
        scope.waiting_for("the sink to hand over the host's cursor");
        let acquired = sinks.acquire(&self.key).await;
        // Nothing was asked of the host yet.
        let Acquired { sink, cursor } =
            acquired.map_err(|error| self.trouble(error, None, observer, scope))?;
        let resume = self.resuming.resume(cursor.as_ref()).map_err(Trouble::failed)?;
        let host = self.key.host();
        let connection = Connection::begin(host, self.resuming.parameter(&resume));
        let source = connection.connect(host, feed.connect(resume.clone(), observer)).await;
        let source = source.map_err(|error| self.trouble(error, Some(&resume), observer, scope))?;
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

    fn trouble(
        &self,
        error: impl Transient,
        resume: Option<&R::Resume>,
        observer: &Arc<dyn Observer>,
        scope: &Scope,
    ) -> Trouble {
        match error.remedy() {
            Remedy::Retry => Trouble::lost(error),
            Remedy::RetryAfter(delay) => Trouble::lost_for(error, delay),
            Remedy::Fail => Trouble::failed(error),
            Remedy::Hold(_) if self.resuming.releases(resume, self.key.host(), observer.as_ref()) => {
                Trouble::lost(error)
            }
            Remedy::Hold(delay) => {
                scope.set_state(State::Held);
                Trouble::lost_for(error, delay)
            }
        }
    }
}

/// A host that was taken over and connected to.
struct Opened<S, K, R> {
    connection: Connection,
    source: S,
    sink: K,
    cursor: Option<Cursor>,
    resume: R,
}
