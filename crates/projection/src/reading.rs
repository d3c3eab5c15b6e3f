use std::sync::Arc;

use standpipe_cursor::{Resume, Seq};
use standpipe_eventstream::{FieldFault, Frame, Info, Message, MessageError, SchemaError};
use standpipe_pipeline::{Observation, Observer, OpenBatch, RawMessage};

use crate::poison::Sight;
use crate::sequence::{Age, Sequence};
use crate::{Halt, PoisonMemory};

/// What all streams have in common on one connection: frames that cannot be read, numbers, and what is said of it.
///
/// `C` tells the time in microseconds since 1970.
pub(crate) struct Reading<C> {
    sequence: Sequence,
    /// No frame of this connection was news yet.
    has_to_begin: bool,
    poison: PoisonMemory,
    observer: Arc<dyn Observer>,
    now_micros: C,
}

impl<C: Fn() -> u64 + Send> Reading<C> {
    /// A connection that was resumed there. `poison` outlives it.
    pub(crate) fn new(
        resume: Resume,
        poison: PoisonMemory,
        observer: Arc<dyn Observer>,
        now_micros: C,
    ) -> Self {
        Self { sequence: Sequence::resumed(resume), has_to_begin: true, poison, observer, now_micros }
    }

    pub(crate) fn now_micros(&self) -> u64 {
        (self.now_micros)()
    }

    /// A frame's bytes, and the message that it holds; `None` for a frame that was skipped and counted.
    pub(crate) fn message<'m>(
        &self,
        raw: &'m RawMessage,
        batch: &mut OpenBatch,
    ) -> Result<Option<(&'m [u8], Message<'m>)>, Halt> {
        let bytes = match raw {
            RawMessage::Binary(bytes) => bytes,
            RawMessage::Text(bytes) => {
                return self.unreadable(bytes, "text_message", batch).map(|()| None);
            }
        };
        match Frame::parse(bytes) {
            Ok(Frame::Message(message)) => Ok(Some((bytes, message))),
            Ok(Frame::Error(error)) => Err(Halt::of_stream_error(&error)),
            Ok(Frame::Unknown(unknown)) => {
                batch.dropped(unknown.label());
                Ok(None)
            }
            Err(error) => self.unreadable(bytes, error.label(), batch).map(|()| None),
        }
    }

    /// A message whose body is none.
    pub(crate) fn unusable(
        &mut self,
        bytes: &[u8],
        error: &MessageError,
        batch: &mut OpenBatch,
    ) -> Result<(), Halt> {
        match error {
            MessageError::Frame(error) => self.unreadable(bytes, error.label(), batch),
            MessageError::Schema(error) => self.with_wrong_field(bytes, error, batch),
        }
    }

    fn with_wrong_field(
        &mut self,
        bytes: &[u8],
        error: &SchemaError,
        batch: &mut OpenBatch,
    ) -> Result<(), Halt> {
        let seq = error.seq.and_then(Seq::new);
        if let Some(seq) = seq
            && self.is_stale(seq, batch)?
        {
            return Ok(());
        }
        tracing::debug!(%error, seq = error.seq, "dropped a message");
        let reason = field_label(error.fault);
        batch.dropped(reason);
        self.quarantine(reason, seq, bytes);
        if let Some(seq) = seq {
            self.close(seq, bytes.len(), "", batch);
        }
        Ok(())
    }

    /// A frame of which nothing can be used, not even its seq.
    fn unreadable(&self, bytes: &[u8], reason: &'static str, batch: &mut OpenBatch) -> Result<(), Halt> {
        let halt = match self.poison.meet(bytes, self.now_micros()) {
            Sight::First => Halt::UnreadableFrame { reason },
            Sight::Babble(count) => Halt::Babble { count },
            Sight::Again => {
                tracing::warn!(reason, bytes = bytes.len(), "skipped an unreadable frame that came again");
                batch.dropped("unreadable_frame");
                return Ok(());
            }
        };
        self.quarantine(reason, None, bytes);
        Err(halt)
    }

    /// What the host says of its stream.
    pub(crate) fn info(&self, info: &Info<'_>, batch: &mut OpenBatch) {
        if info.name == "OutdatedCursor" {
            batch.dropped("info_outdated_cursor");
            let from = self.sequence.asked();
            let gap = Observation::Gap { reason: "outdated_cursor", from, to: None, time: "" };
            self.observer.observe(gap);
        } else {
            batch.dropped("info_other");
        }
    }

    /// Whether the frame was read before. Then it has been counted, and the cursor stays where it is.
    pub(crate) fn is_stale(&mut self, seq: Seq, batch: &mut OpenBatch) -> Result<bool, Halt> {
        let age = self.sequence.judge(seq)?;
        if age == Age::Stale {
            batch.dropped("stale_seq");
        }
        Ok(age == Age::Stale)
    }

    /// Ends a frame that is news, and tells of the connection's first one.
    pub(crate) fn close(&mut self, seq: Seq, received: usize, time: &str, batch: &mut OpenBatch) {
        if std::mem::take(&mut self.has_to_begin) {
            self.observer.observe(Observation::Began { after: self.sequence.asked(), seq, time });
        }
        batch.close_frame(seq, received, time);
    }

    pub(crate) fn quarantine(&self, reason: &'static str, seq: Option<Seq>, frame: &[u8]) {
        self.observer.observe(Observation::Quarantined { reason, seq: seq.map(Seq::number), frame });
    }
}

/// The reason that is counted for a message with a wrong field.
fn field_label(fault: FieldFault) -> &'static str {
    match fault {
        FieldFault::Missing => "field_missing",
        FieldFault::WrongType => "field_wrong_type",
        FieldFault::Syntax => "field_syntax",
        FieldFault::Range => "field_range",
        FieldFault::DidMethod => "field_did_method",
    }
}
