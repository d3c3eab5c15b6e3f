use std::fmt;

use standpipe_pipeline::{RawMessage, Source};
use tokio::select;

use crate::claim::Claim;
use crate::queue::{Judged, Patience, VerdictQueue};
use crate::verifier::Verifier;

/// A [`Source`] whose items come with verdicts, in the order of the source within it.
///
/// It reads ahead while verdicts are waited for, as far as its [`Patience`] allows.
pub struct Verified<S: Source, F> {
    source: S,
    /// `None` where nobody asks for verdicts.
    asked: Option<Asked<S, F>>,
}

struct Asked<S: Source, F> {
    claims_of: F,
    queue: VerdictQueue<S::Item>,
    reading: Reading<S::Error>,
}

/// Whether the source within is read.
enum Reading<E> {
    Going,
    /// It failed, which is told when everything that came before was given away.
    Failed(E),
    /// It is at its end, or its failure was told.
    Ended,
}

impl<S, F> Verified<S, F>
where
    S: Source,
    F: FnMut(&S::Item) -> (usize, Vec<Claim>) + Send,
{
    /// Wraps a source. `claims_of` says how many bytes an item has, and the claims of its labels.
    pub fn new(source: S, verifier: Verifier, patience: Patience, claims_of: F) -> Self {
        let queue = VerdictQueue::new(verifier, patience);
        Self { source, asked: Some(Asked { claims_of, queue, reading: Reading::Going }) }
    }

    /// Wraps a source of whose labels nobody asks anything. Items come as they are, at once, with no verdicts.
    pub fn unasked(source: S) -> Self {
        Self { source, asked: None }
    }
}

/// What a frame's labels claim: how many bytes the frame has, and the claims of its sound labels, in their order.
pub type ClaimsOfFrame = Box<dyn FnMut(&RawMessage) -> (usize, Vec<Claim>) + Send>;

impl<S: Source<Item = RawMessage>> Verified<S, ClaimsOfFrame> {
    /// Wraps a source of frames of labels, where anybody asks for verdicts.
    pub fn frames(source: S, asked: Option<(Verifier, Patience)>) -> Self {
        let Some((verifier, patience)) = asked else { return Self::unasked(source) };
        let mut scratch = Vec::new();
        let claims_of: ClaimsOfFrame = Box::new(move |message| match message {
            RawMessage::Binary(frame) => (frame.len(), Claim::all_of(frame, &mut scratch)),
            RawMessage::Text(text) => (text.len(), Vec::new()),
        });
        Self::new(source, verifier, patience, claims_of)
    }
}

impl<S, F> Source for Verified<S, F>
where
    S: Source,
    F: FnMut(&S::Item) -> (usize, Vec<Claim>) + Send,
{
    type Item = Judged<S::Item>;
    type Error = S::Error;

    /// The next item with its verdicts. Cancel-safe, as the source within is.
    async fn next(&mut self) -> Result<Option<Self::Item>, Self::Error> {
        let Self { source, asked } = self;
        let Some(Asked { claims_of, queue, reading }) = asked else {
            let item = source.next().await?;
            return Ok(item.map(|item| Judged { item, verdicts: Vec::new() }));
        };
        loop {
            let is_going = matches!(reading, Reading::Going);
            if !is_going && queue.is_empty() {
                return match std::mem::replace(reading, Reading::Ended) {
                    Reading::Failed(error) => Err(error),
                    Reading::Going | Reading::Ended => Ok(None),
                };
            }
            let may_read = is_going && !queue.is_full();
            select! {
                biased;
                Some(judged) = queue.next() => return Ok(Some(judged)),
                item = source.next(), if may_read => match item {
                    Ok(Some(item)) => {
                        let (size_bytes, claims) = claims_of(&item);
                        queue.push(item, size_bytes, claims);
                    }
                    Ok(None) => *reading = Reading::Ended,
                    Err(error) => *reading = Reading::Failed(error),
                },
            }
        }
    }

    /// Takes leave of the host. What waits for verdicts is given up, and read again from the durable cursor.
    async fn park(&mut self) {
        self.source.park().await;
    }
}

impl<S: Source, F> fmt::Debug for Verified<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.asked.as_ref().map(|asked| &asked.queue);
        f.debug_struct("Verified").field("queue", &queue).finish_non_exhaustive()
    }
}
