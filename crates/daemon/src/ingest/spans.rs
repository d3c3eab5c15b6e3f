//! What a collector is told of one host: a span a connection, and a span a delivery.
//!
//! Each delivery is a trace of its own, linked to its connection: a connection may last for weeks.

use std::error::Error;

use standpipe_pipeline::{Ack, Batch, End, Sink};
use standpipe_supervisor::chain;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span, Value, info_span};

use crate::telemetry::SPANS;

/// One connection, from the first try to reach the host until it is over.
pub(super) struct Connection {
    span: Span,
}

impl Connection {
    /// `resume` is what the host is asked with.
    pub(super) fn begin(host: &str, resume: impl Value) -> Self {
        let span = info_span!(
            target: SPANS,
            parent: None,
            "connection",
            otel.kind = "client",
            host,
            resume,
            outcome = Empty,
            error = Empty,
            otel.status_code = Empty,
        );
        Self { span }
    }

    /// Connects within a span of its own.
    pub(super) async fn connect<T, E: Error + 'static>(
        &self,
        host: &str,
        connecting: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let span = info_span!(
            target: SPANS,
            parent: &self.span,
            "connect",
            otel.kind = "client",
            host,
            outcome = Empty,
            error = Empty,
            otel.status_code = Empty,
        );
        let connected = connecting.instrument(span.clone()).await;
        match &connected {
            Ok(_) => note(&span, "connected", None),
            Err(error) => {
                note(&span, "failed", Some(error));
                note(&self.span, "not_connected", Some(error));
            }
        }
        connected
    }

    /// Says how it ended. One of which nothing is said was cut off by a stop.
    pub(super) fn over<E: Error + 'static>(&self, ended: &Result<End, E>) {
        match ended {
            Ok(End::Finished) => note(&self.span, "finished", None),
            Ok(End::Stopped) => note(&self.span, "stopped", None),
            Ok(End::Parked) => note(&self.span, "parked", None),
            Err(error) => note(&self.span, "failed", Some(error)),
        }
    }

    /// The sink, with a span around each delivery.
    pub(super) fn traced<'h, K>(&self, sink: K, host: &'h str) -> Traced<'h, K> {
        Traced { sink, host, connection: self.span.clone() }
    }
}

/// A sink whose deliveries are told.
pub(super) struct Traced<'h, K> {
    sink: K,
    host: &'h str,
    connection: Span,
}

impl<K: Sink> Sink for Traced<'_, K> {
    type Error = K::Error;

    async fn deliver(&mut self, batch: &Batch) -> Result<Ack, K::Error> {
        let span = info_span!(
            target: SPANS,
            parent: None,
            "delivery",
            otel.kind = "producer",
            host = self.host,
            entries = batch.len(),
            frames = batch.tally().frames,
            bytes = batch.tally().frame_bytes,
            through = %batch.through(),
            backlog = Empty,
            outcome = Empty,
            error = Empty,
            otel.status_code = Empty,
        );
        if span.is_disabled() {
            return self.sink.deliver(batch).await;
        }
        span.follows_from(&self.connection);
        let delivered = self.sink.deliver(batch).instrument(span.clone()).await;
        match &delivered {
            Ok(ack) => {
                span.record("backlog", ack.backlog);
                note(&span, if ack.already { "already" } else { "applied" }, None);
            }
            Err(error) => note(&span, "refused", Some(error)),
        }
        delivered
    }
}

fn note(span: &Span, outcome: &'static str, error: Option<&(dyn Error + 'static)>) {
    if span.is_disabled() {
        return;
    }
    span.record("outcome", outcome);
    if let Some(error) = error {
        span.record("error", display(chain(error)));
        span.record("otel.status_code", "ERROR");
    }
}
