use std::future::{Future, pending, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use standpipe_cursor::Cursor;
use thiserror::Error;
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::outbound::Outbound;
use crate::{Decoder, Limits, Observation, Observer, OpenBatch, Remedy, Sink, Source, Transient};

/// Items that are taken in one go where they have arrived already. To ask the stop, the delivery and the clocks about
/// each one costs a tenth of the CPU time at full speed.
const BURST: usize = 32;

/// Why a pump came to a good end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The source has sent all that there is, and all of it is durable.
    Finished,
    /// The pump was told to stop. What was taken is durable, or the sink did not take it within
    /// [`Limits::drain`]; then it comes again from the durable cursor.
    Stopped,
    /// The sink took nothing for so long that the host was given back. All that was taken is durable since, and
    /// the source may be opened again.
    Parked,
}

/// Why a pump could not go on.
#[derive(Debug, Error)]
pub enum PumpError<S, H, K> {
    /// The connection is over.
    #[error(transparent)]
    Source(S),
    /// What the host sends cannot be read on.
    #[error(transparent)]
    Decoder(H),
    /// The sink refuses this writer.
    #[error(transparent)]
    Sink(K),
}

impl<S: Transient, H: Transient, K: Transient> Transient for PumpError<S, H, K> {
    fn remedy(&self) -> Remedy {
        match self {
            Self::Source(error) => error.remedy(),
            Self::Decoder(halt) => halt.remedy(),
            Self::Sink(error) => error.remedy(),
        }
    }
}

type Outcome<S, D, K> =
    Result<End, PumpError<<S as Source>::Error, <D as Decoder>::Halt, <K as Sink>::Error>>;

/// Moves frames of one host from its source into its sink: one task, one open batch, one delivery in flight.
///
/// A batch leaves as soon as no delivery is in flight and the source has nothing ready; while one is in flight the
/// next batch grows. When both are full, only the delivery is awaited: the socket goes unread, and the transport
/// carries the pressure to the host.
pub struct Pump<S, D, K> {
    source: S,
    decoder: D,
    sink: K,
    limits: Limits,
    observer: Arc<dyn Observer>,
}

impl<S, D, K> Pump<S, D, K>
where
    S: Source,
    D: Decoder<Item = S::Item>,
    K: Sink,
{
    /// A pump that has not begun.
    pub fn new(source: S, decoder: D, sink: K, limits: Limits, observer: Arc<dyn Observer>) -> Self {
        Self { source, decoder, sink, limits, observer }
    }

    /// The parts, to go on with another source.
    pub fn into_parts(self) -> (S, D, K) {
        (self.source, self.decoder, self.sink)
    }

    /// Moves frames until the source ends, something fails, or `stop` completes. `from` is the stored cursor that
    /// the first batch follows.
    ///
    /// Whatever ends it, frames that were closed before are delivered first. Cancel-safe as [`Sink::deliver`] is:
    /// what is stored stays consistent, and the pump must not be used again.
    ///
    /// # Errors
    ///
    /// [`PumpError`], with the remedy of the part that failed.
    pub async fn run(&mut self, from: Option<Cursor>, stop: impl Future<Output = ()>) -> Outcome<S, D, K> {
        let Self { source, decoder, sink, limits, observer } = self;
        let mut stop = pin!(stop);
        let mut open = OpenBatch::following(from);
        let mut outbound = Outbound::new(sink, observer.as_ref(), *limits);
        let mut ending: Option<Outcome<S, D, K>> = None;
        // When the cursor moved that is not yet on its way; since when the host goes unread; when a stop gives up.
        let mut moved_at: Option<Instant> = None;
        let mut unread_since: Option<Instant> = None;
        let mut give_up_at: Option<Instant> = None;
        // A delivery has begun, and the task that carries it out may not have had this thread yet.
        let mut begun = false;

        loop {
            let full = open.is_full(limits);
            if outbound.is_idle() && open.has_moved() && (full || ending.is_some()) {
                outbound.send(&mut open);
                moved_at = None;
                begun = true;
                continue;
            }
            if outbound.is_idle()
                && let Some(ending) = ending.take()
            {
                if let Some(tally) = open.leftover() {
                    observer.observe(Observation::Leftover { tally });
                }
                return ending;
            }
            let reading = !full && ending.is_none() && !begun;
            let blocked = full && ending.is_none();
            unread_since = blocked.then(|| unread_since.unwrap_or_else(Instant::now));
            let sendable = outbound.is_idle() && open.has_moved();

            select! {
                biased;
                () = &mut stop, if give_up_at.is_none() => {
                    give_up_at = Some(Instant::now() + limits.drain);
                    ending = Some(Ok(End::Stopped));
                }
                () = at(give_up_at) => {
                    tracing::warn!("the sink did not take everything before the stop; it comes again from the cursor");
                    return Ok(End::Stopped);
                }
                delivered = outbound.delivered(), if !outbound.is_idle() => {
                    delivered.map_err(PumpError::Sink)?;
                    begun = false;
                }
                () = at(unread_since.map(|since| since + limits.park_after)) => {
                    source.park().await;
                    observer.observe(Observation::Parked);
                    ending = Some(Ok(End::Parked));
                }
                () = yielded(), if begun => begun = false,
                item = source.next(), if reading => {
                    ending = Self::take(item, decoder, &mut open);
                    for _ in 1..BURST {
                        if ending.is_some() || open.is_full(limits) {
                            break;
                        }
                        let Some(item) = now(source.next()).await else { break };
                        ending = Self::take(item, decoder, &mut open);
                    }
                    if open.has_moved() {
                        moved_at = moved_at.or_else(|| Some(Instant::now()));
                    }
                }
                () = ready(()), if sendable && open.has_entries() => {
                    outbound.send(&mut open);
                    moved_at = None;
                    begun = true;
                }
                () = at(moved_at.map(|moved| moved + limits.linger)), if sendable => {
                    outbound.send(&mut open);
                    moved_at = None;
                    begun = true;
                }
            }
        }
    }

    /// Takes what the source came up with. Answers how the pump ends, if it does.
    fn take(
        item: Result<Option<S::Item>, S::Error>,
        decoder: &mut D,
        open: &mut OpenBatch,
    ) -> Option<Outcome<S, D, K>> {
        let ending = match item {
            Ok(Some(item)) => decoder.decode(item, open).err().map(|halt| Err(PumpError::Decoder(halt))),
            Ok(None) => Some(Ok(End::Finished)),
            Err(error) => Some(Err(PumpError::Source(error))),
        };
        open.discard_frame();
        ending
    }
}

/// The outcome, if it is there already. What is not ready is dropped.
async fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Lets the tasks run that are ready on this thread.
async fn yielded() {
    let mut has_yielded = false;
    poll_fn(|context| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Completes at the instant; never, where there is none.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}
