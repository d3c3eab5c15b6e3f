use standpipe_identity::{Claim, Judged, Patience, Verified, Verifier};
use standpipe_pipeline::{RawMessage, Source};
use standpipe_projection::Admission;

/// How the signatures of labels are checked.
#[derive(Clone)]
pub(crate) enum Checks {
    /// Not at all.
    Off,
    On {
        verifier: Verifier,
        patience: Patience,
        admission: Admission,
    },
}

/// Frames with what was found of their labels; with nothing, and at no cost, where nobody looks.
pub(crate) enum Checked<S: Source<Item = RawMessage>> {
    Not(S),
    By(Box<Verified<S, ClaimsOf>>),
}

type ClaimsOf = Box<dyn FnMut(&RawMessage) -> (usize, Vec<Claim>) + Send>;

impl Checks {
    pub(crate) fn are_made(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    pub(crate) fn admission(&self) -> Admission {
        match self {
            Self::Off => Admission::All,
            Self::On { admission, .. } => *admission,
        }
    }

    pub(crate) fn of<S: Source<Item = RawMessage>>(&self, source: S) -> Checked<S> {
        let Self::On { verifier, patience, .. } = self else { return Checked::Not(source) };
        let mut scratch = Vec::new();
        let claims_of: ClaimsOf = Box::new(move |message| match message {
            RawMessage::Binary(frame) => (frame.len(), Claim::all_of(frame, &mut scratch)),
            RawMessage::Text(text) => (text.len(), Vec::new()),
        });
        Checked::By(Box::new(Verified::new(source, verifier.clone(), *patience, claims_of)))
    }
}

impl<S: Source<Item = RawMessage>> Source for Checked<S> {
    type Item = Judged<RawMessage>;
    type Error = S::Error;

    /// The next frame. Cancel-safe, as the source within is.
    async fn next(&mut self) -> Result<Option<Self::Item>, Self::Error> {
        match self {
            Self::Not(source) => {
                let item = source.next().await?;
                Ok(item.map(|item| Judged { item, verdicts: Vec::new() }))
            }
            Self::By(source) => source.next().await,
        }
    }

    async fn park(&mut self) {
        match self {
            Self::Not(source) => source.park().await,
            Self::By(source) => source.park().await,
        }
    }
}
