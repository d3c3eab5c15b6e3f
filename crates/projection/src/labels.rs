use std::sync::Arc;

use standpipe_cursor::{Resume, Seq};
use standpipe_eventstream::{FieldFault, Label, LabelError, LabelMessage, Labels};
use standpipe_pipeline::{Counts, Decoder, Observer, OpenBatch, RawMessage};
use standpipe_stream_entry::label::{self, LabelsWriter, Verdict};

use crate::reading::Reading;
use crate::{Halt, PoisonMemory};

/// The kind that the entries of labelers are counted as.
const KIND: &str = "labels";

/// What is known of the signatures of labels: asked once for every sound label, in the order sent.
///
/// The call is on the way of every label, so it must not wait: a key that is not at hand makes a label
/// [`Unverified`](Verdict::Unverified). Whoever looks keys up does so before a frame gets here, or beside it.
/// [`Label::write_signed`] gives the bytes that a signature is over.
pub trait Verdicts: Send {
    /// What is known of this label's signature; `None` if nobody looks.
    fn of(&mut self, label: &Label<'_>) -> Option<Finding>;
}

/// What is known of a label's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What its entry says.
    pub verdict: Verdict,
    /// Why, as a short, stable word for metrics; `none` for what is verified.
    pub reason: &'static str,
    /// Whether nothing speaks against a label that is not verified, and only its issuer's key was not to be had.
    pub only_wants_key: bool,
}

/// Looks at no signature: entries have no verdict.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unasked;

impl Verdicts for Unasked {
    fn of(&mut self, _: &Label<'_>) -> Option<Finding> {
        None
    }
}

/// Which labels become entries, by what is known of their signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Admission {
    /// All of them. Those that were looked at say what was found.
    #[default]
    All,
    /// Not those that something speaks against: a signature that does not hold, or none at all. What could not be
    /// verified because the issuer's key was not to be had is written, and says so: a label that is dropped does not
    /// come again, and it may be a negation.
    Enforced,
}

/// Turns frames of `com.atproto.label.subscribeLabels` into entries of `label_live`, on one connection.
///
/// A frame becomes one entry with all of its labels that are sound, in the order sent, or none if there are none. A
/// negation or a label that has expired is a label like any other. Frames have no time of their own, so none is given
/// to the batch: a labeler that has been quiet for weeks does not lag.
///
/// `V` says what is known of signatures, `C` tells the time in microseconds since 1970.
///
/// Everything that is not written is counted in the batch by a reason, a closed set of words that the page on entries
/// explains (`docs/events.md`); what is malformed is also observed as
/// [`Observation::Quarantined`](standpipe_pipeline::Observation::Quarantined), once a frame.
pub struct LabelDecoder<V, C> {
    verdicts: V,
    admission: Admission,
    reading: Reading<C>,
}

impl<V: Verdicts, C: Fn() -> u64 + Send> LabelDecoder<V, C> {
    /// A decoder for a connection that was resumed there. `poison` outlives the connection.
    pub fn new(
        verdicts: V,
        admission: Admission,
        resume: Resume,
        poison: PoisonMemory,
        observer: Arc<dyn Observer>,
        now_micros: C,
    ) -> Self {
        Self { verdicts, admission, reading: Reading::new(resume, poison, observer, now_micros) }
    }

    /// Who says what is known of signatures, to be told of the frame that comes next.
    pub fn verdicts(&mut self) -> &mut V {
        &mut self.verdicts
    }

    /// A message with a sound list of labels, or of a kind that is not known.
    fn message(
        &mut self,
        bytes: &[u8],
        message: &LabelMessage<'_>,
        batch: &mut OpenBatch,
    ) -> Result<(), Halt> {
        let Some(seq) = message.seq().and_then(Seq::new) else {
            batch.dropped("unknown_kind");
            return Ok(());
        };
        if self.reading.is_stale(seq, batch)? {
            return Ok(());
        }
        match message {
            LabelMessage::Labels(labels) => {
                if let Some(reason) = self.write(labels, batch) {
                    self.reading.quarantine(reason, Some(seq), bytes);
                }
            }
            LabelMessage::Unknown { .. } | LabelMessage::Info(_) => batch.dropped("unknown_kind"),
        }
        self.reading.close(seq, bytes.len(), "", batch);
        Ok(())
    }

    /// Writes the entry of a frame. Returns the first reason for which the frame is worth keeping.
    fn write(&mut self, labels: &Labels<'_>, batch: &mut OpenBatch) -> Option<&'static str> {
        let Self { verdicts, admission, .. } = self;
        let (mut dropped, mut judged, mut malformed) = (Counts::default(), Counts::default(), None);
        let written = batch.append(KIND, |buffer| {
            let mut entry = LabelsWriter::begin(buffer, labels.seq);
            let mut is_empty = true;
            for label in labels.labels() {
                match label {
                    Ok(label) => {
                        let found = verdicts.of(&label);
                        if let Some(Finding { verdict, reason, .. }) = found {
                            judged.add((verdict.as_str(), reason));
                        }
                        match admit(&label, found, *admission) {
                            Ok(label) => {
                                entry.label(&label);
                                is_empty = false;
                            }
                            Err(reason) => dropped.add(reason),
                        }
                    }
                    Err(error) => {
                        tracing::debug!(%error, seq = labels.seq, "dropped a label");
                        let reason = field_label(error);
                        dropped.add(reason);
                        malformed.get_or_insert(reason);
                    }
                }
            }
            entry.end();
            if is_empty { Err(NothingToWrite) } else { Ok(()) }
        });
        for (reason, count) in dropped.iter() {
            (0..count).for_each(|_| batch.dropped(reason));
        }
        for ((verdict, reason), count) in judged.iter() {
            (0..count).for_each(|_| batch.judged(verdict, reason));
        }
        if written.is_err() && dropped.total() == 0 {
            batch.dropped("labels_empty");
        }
        malformed
    }
}

/// A frame none of whose labels is to be written.
struct NothingToWrite;

/// The label as an entry has it, or why it is not wanted.
fn admit<'a>(
    label: &Label<'a>,
    found: Option<Finding>,
    admission: Admission,
) -> Result<label::Label<'a>, &'static str> {
    match (admission, found) {
        (Admission::All, _) => {}
        (Admission::Enforced, None) => return Err("label_unverified"),
        (Admission::Enforced, Some(Finding { verdict, only_wants_key, .. })) => match verdict {
            Verdict::Verified => {}
            Verdict::Failed => return Err("label_signature_failed"),
            Verdict::Unverified if only_wants_key => {}
            Verdict::Unverified => return Err("label_unverified"),
        },
    }
    Ok(label::Label {
        src: label.src.as_str().into(),
        uri: label.uri.as_str().into(),
        cid: label.cid.map(|cid| cid.as_str().into()),
        val: label.val.into(),
        neg: label.neg,
        cts: label.cts.as_str().into(),
        ver: label.ver.map(u64::from),
        exp: label.exp.map(|exp| exp.as_str().into()),
        sig: label.sig.map(Into::into),
        verdict: found.map(|found| found.verdict),
    })
}

impl<V: Verdicts, C: Fn() -> u64 + Send> Decoder for LabelDecoder<V, C> {
    type Item = RawMessage;
    type Halt = Halt;

    fn decode(&mut self, raw: RawMessage, batch: &mut OpenBatch) -> Result<(), Halt> {
        let Some((bytes, message)) = self.reading.message(&raw, batch)? else { return Ok(()) };
        match LabelMessage::parse(&message) {
            Ok(LabelMessage::Info(info)) => {
                self.reading.info(&info, batch);
                Ok(())
            }
            Ok(message) => self.message(bytes, &message, batch),
            Err(error) => self.reading.unusable(bytes, &error, batch),
        }
    }
}

/// The reason that is counted for a label with a wrong field.
fn field_label(error: LabelError) -> &'static str {
    match error.fault {
        FieldFault::Missing => "label_field_missing",
        FieldFault::WrongType => "label_field_wrong_type",
        // A label's issuer may have a DID of any method.
        FieldFault::Syntax | FieldFault::DidMethod => "label_field_syntax",
        FieldFault::Range => "label_field_range",
    }
}
