use std::vec;

use standpipe_eventstream::Label;
use standpipe_identity::{Judged, Verdict};
use standpipe_pipeline::{Decoder, OpenBatch, RawMessage};
use standpipe_projection::{Finding, Halt, LabelDecoder, Verdicts};
use standpipe_stream_entry::label;

/// Decodes frames that come with what was found of their labels.
pub(crate) struct JudgedDecoder<C>(pub(crate) LabelDecoder<Given, C>);

/// What was found of the labels of the frame at hand, in their order; `None` where nobody looks.
#[derive(Default)]
pub(crate) struct Given(Option<vec::IntoIter<Verdict>>);

impl Given {
    /// Has labels say what was found of them, or nothing.
    pub(crate) fn new(is_looked_at: bool) -> Self {
        Self(is_looked_at.then(|| Vec::new().into_iter()))
    }
}

impl Verdicts for Given {
    fn of(&mut self, _: &Label<'_>) -> Option<Finding> {
        // The labels that are asked about are those that had claims: the sound ones, in the order sent.
        let verdict = self.0.as_mut()?.next()?;
        Some(Finding {
            verdict: match verdict {
                Verdict::Verified => label::Verdict::Verified,
                Verdict::Unverified(_) => label::Verdict::Unverified,
                Verdict::Failed(_) => label::Verdict::Failed,
            },
            reason: verdict.reason(),
            only_wants_key: verdict.only_wants_key(),
        })
    }
}

impl<C: Fn() -> u64 + Send> Decoder for JudgedDecoder<C> {
    type Item = Judged<RawMessage>;
    type Halt = Halt;

    fn decode(&mut self, judged: Judged<RawMessage>, batch: &mut OpenBatch) -> Result<(), Halt> {
        if let Given(Some(verdicts)) = self.0.verdicts() {
            *verdicts = judged.verdicts.into_iter();
        }
        self.0.decode(judged.item, batch)
    }
}
