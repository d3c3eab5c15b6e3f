use std::future::{Future, pending};
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::{Ack, Batch, Limits, Observation, Observer, OpenBatch, Sink};

/// The sink's end of a pump: idle, or busy with the one delivery in flight.
pub(crate) struct Outbound<'p, K: Sink> {
    state: State<'p, K>,
    /// Emptied buffers of the last delivery, for the next batch.
    spare: Option<OpenBatch>,
    observer: &'p dyn Observer,
    limits: Limits,
}

enum State<'p, K: Sink> {
    Idle(&'p mut K),
    Busy(Pin<Box<dyn Future<Output = Delivery<'p, K>> + Send + 'p>>),
    /// A sink that has refused; nothing is sent to it again.
    Refused,
}

struct Delivery<'p, K: Sink> {
    sink: &'p mut K,
    batch: Batch,
    result: Result<Ack, K::Error>,
    took: Duration,
}

impl<'p, K: Sink> Outbound<'p, K> {
    pub(crate) fn new(sink: &'p mut K, observer: &'p dyn Observer, limits: Limits) -> Self {
        Self { state: State::Idle(sink), spare: None, observer, limits }
    }

    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    /// Begins to deliver the open batch, if the sink is idle and the cursor has moved.
    pub(crate) fn send(&mut self, open: &mut OpenBatch) {
        match std::mem::replace(&mut self.state, State::Refused) {
            State::Idle(sink) => {
                let Some(batch) = open.seal(self.spare.take()) else {
                    self.state = State::Idle(sink);
                    return;
                };
                self.observer.observe(Observation::Delivering { batch: &batch });
                self.state = State::Busy(Box::pin(deliver(sink, batch)));
            }
            busy @ (State::Busy(_) | State::Refused) => self.state = busy,
        }
    }

    /// Completes when the delivery in flight does; never, while there is none. Cancel-safe.
    pub(crate) async fn delivered(&mut self) -> Result<(), K::Error> {
        let State::Busy(delivery) = &mut self.state else { return pending().await };
        let Delivery { sink, batch, result, took } = delivery.await;
        self.state = State::Refused;
        let ack = result?;
        self.state = State::Idle(sink);
        self.observer.observe(Observation::Delivered { batch: &batch, ack, took });
        self.spare = Some(batch.recycle(&self.limits));
        Ok(())
    }
}

async fn deliver<K: Sink>(sink: &mut K, batch: Batch) -> Delivery<'_, K> {
    let begun = Instant::now();
    let result = sink.deliver(&batch).await;
    Delivery { sink, batch, result, took: begun.elapsed() }
}
