use standpipe_identity::{Claim, Patience, Verified, Verifier};
use standpipe_pipeline::{RawMessage, Source};
use standpipe_projection::Admission;

/// How the signatures of labels are checked; not at all without.
#[derive(Clone)]
pub(crate) struct Checks {
    pub(crate) verifier: Verifier,
    pub(crate) patience: Patience,
    pub(crate) admission: Admission,
}

/// Frames with what was found of their labels.
pub(crate) type Checked<S> = Verified<S, ClaimsOf>;

type ClaimsOf = Box<dyn FnMut(&RawMessage) -> (usize, Vec<Claim>) + Send>;

/// The source, checked as these say.
pub(crate) fn checked<S: Source<Item = RawMessage>>(source: S, checks: Option<&Checks>) -> Checked<S> {
    let Some(Checks { verifier, patience, .. }) = checks else { return Verified::unasked(source) };
    let mut scratch = Vec::new();
    let claims_of: ClaimsOf = Box::new(move |message| match message {
        RawMessage::Binary(frame) => (frame.len(), Claim::all_of(frame, &mut scratch)),
        RawMessage::Text(text) => (text.len(), Vec::new()),
    });
    Verified::new(source, verifier.clone(), *patience, claims_of)
}
