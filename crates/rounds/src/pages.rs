use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use standpipe_list_repos::{Advance, ListError, Listing, Page, RepoRows, Walk};
use standpipe_pipeline::Source;
use tokio::time::{Instant, sleep_until};

use crate::turns::Turn;

/// A wait that is shorter is no reason to give a turn to others: to take a host up again costs a connection to the sink.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// How often one who rests looks whether others want its turn.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The pages of one turn; none, where all is done.
pub(crate) struct Pages<L: Listing> {
    walk: Option<Walk<L>>,
    turn: Arc<Turn>,
    aside: Aside<L>,
}

/// A walk that others have had to interrupt, with what it has learned of its host. Clones are one.
pub(crate) struct Aside<L: Listing>(Arc<Mutex<Option<Left<L>>>>);

struct Left<L: Listing> {
    walk: Walk<L>,
    /// Before then the host is not asked.
    until: Instant,
}

impl<L: Listing> Pages<L> {
    pub(crate) fn none(turn: Arc<Turn>) -> Self {
        Self { walk: None, turn, aside: Aside::default() }
    }

    pub(crate) fn of(walk: Walk<L>, turn: Arc<Turn>, aside: Aside<L>) -> Self {
        Self { walk: Some(walk), turn, aside }
    }

    /// Lays the walk aside: this is the end of the pages, though not of the list.
    async fn lay_aside(&mut self, until: Instant) {
        if let Some(mut walk) = self.walk.take() {
            walk.park().await;
            self.aside.lay(walk, until);
        }
    }
}

impl<L: Listing<Rows = RepoRows>> Source for Pages<L> {
    type Item = Page<RepoRows>;
    type Error = ListError;

    async fn next(&mut self) -> Result<Option<Self::Item>, ListError> {
        loop {
            if self.turn.is_over() {
                self.lay_aside(Instant::now()).await;
            }
            let Some(walk) = &mut self.walk else { return Ok(None) };
            let advanced = tokio::select! {
                biased;
                advanced = walk.advance() => advanced?,
                never = self.turn.step_aside_when_silent() => match never {},
            };
            match advanced {
                Advance::Page(page) => return Ok(Some(page)),
                Advance::End => return Ok(None),
                Advance::Rest(until) => {
                    let now = Instant::now();
                    if self.turn.is_wanted() && until > now + SHORT_WAIT {
                        self.lay_aside(until).await;
                    } else {
                        sleep_until(until.min(now + LOOK_EVERY)).await;
                    }
                }
            }
        }
    }

    async fn park(&mut self) {
        if let Some(walk) = &mut self.walk {
            walk.park().await;
        }
    }
}

impl<L: Listing> Aside<L> {
    fn lay(&self, walk: Walk<L>, until: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Left { walk, until });
    }

    /// Until when the host is left alone, if its walk was laid aside.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|left| left.until)
    }

    /// Takes the walk up again, if one was laid aside.
    pub(crate) fn take_up(&self) -> Option<Walk<L>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map(|left| left.walk)
    }
}

impl<L: Listing> Clone for Aside<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: Listing> Default for Aside<L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
