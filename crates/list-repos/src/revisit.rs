use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, Endpoint};
use standpipe_pipeline::{Counts, Observation, Observer, RepoPage, RepoRow, Source};
use tokio::time::{Instant, sleep_until};

use crate::error::ListError;
use crate::fault::{Class, Fault};
use crate::flight::Flight;
use crate::listing::{Listing, Rows as _};
use crate::pages::{Fetched, Pages};
use crate::repo_page::row;
use crate::visit::{Found, Visit};
use crate::{Gap, RepoRows, Settings};

/// From one request to the next.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Asks a host again for what it could not serve: a [`Source`] of what it can be had of ranges now.
///
/// Each range is tried once, with small pages, and never beyond its end. What fails still says nothing, and does not keep
/// the next range waiting. A host that is down, or wants to be left alone, ends it early: there is another time. So does
/// the end of its time.
pub struct Revisit<L: Listing> {
    pages: Pages<L>,
    wanted: u16,
    ranges: VecDeque<Gap>,
    visit: Option<Visit>,
    observer: Arc<dyn Observer>,
    flight: Option<Flight<Fetched<L::Rows>>>,
    not_before: Option<Instant>,
    until: Option<Instant>,
    answers: u64,
    /// The size of the answer that was taken last.
    received_bytes: usize,
    spare: Vec<u8>,
}

/// What could be read of a range.
#[derive(Debug)]
pub struct Revisited {
    /// What is read by it, all of it: a part of a range, or a whole one.
    pub range: Gap,
    rows: RepoRows,
    within: usize,
    received_bytes: usize,
}

impl<L: Listing<Rows = RepoRows>> Revisit<L> {
    /// Asks for these ranges, in this order, for about `time` at the most. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ListError::Host`] and [`ListError::Setup`].
    pub fn open(
        listing: &L,
        settings: &Settings,
        endpoint: &Endpoint,
        ranges: impl IntoIterator<Item = Gap>,
        time: Duration,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, ListError> {
        Ok(Self {
            pages: Pages::of(listing, settings, endpoint)?,
            wanted: settings.limit.rows().min(L::MAX_LIMIT),
            ranges: ranges.into_iter().collect(),
            visit: None,
            observer,
            flight: None,
            not_before: None,
            until: Instant::now().checked_add(time),
            answers: 0,
            received_bytes: 0,
            spare: Vec::new(),
        })
    }

    /// The next request, on its way; `None` when there is nothing left to ask.
    fn request(&mut self) -> Option<Flight<Fetched<RepoRows>>> {
        loop {
            if let Some(request) = self.visit.as_ref().and_then(Visit::request) {
                if self.until.is_some_and(|until| Instant::now() >= until) {
                    return None;
                }
                return Some(self.pages.ask(&request, std::mem::take(&mut self.spare)));
            }
            self.visit = Some(Visit::of(self.ranges.pop_front()?, self.wanted));
        }
    }

    /// Makes of what came back what could be read, if anything.
    fn land(&mut self, outcome: Result<Fetched<RepoRows>, Fault>, took: Duration) -> Option<Found> {
        let mut wait = ASK_EVERY;
        let visit = self.visit.as_mut()?;
        let found = match outcome {
            Ok(Fetched { body, buffer, pause }) => {
                self.answers += 1;
                let rows = body.rows.len();
                self.observer.observe(Observation::Answered { pages: self.answers, rows, took });
                self.received_bytes = buffer.len();
                self.spare = buffer;
                wait = wait.max(pause.unwrap_or_default());
                visit.answered(body)
            }
            Err(fault) => {
                tracing::debug!(%fault, "a range that is owed cannot be read yet");
                match fault.class() {
                    Class::Page => visit.failed(),
                    Class::Refusal => {
                        self.visit = None;
                        None
                    }
                    Class::Outage => {
                        self.end();
                        None
                    }
                }
            }
        };
        self.observer.observe(Observation::Waiting { reason: "gaps", wait, cause: None });
        self.not_before = Instant::now().checked_add(wait);
        if self.not_before.is_none_or(|next| self.until.is_some_and(|until| next >= until)) {
            self.end();
        }
        found
    }

    /// Asks for nothing more.
    fn end(&mut self) {
        self.visit = None;
        self.ranges.clear();
    }
}

impl<L: Listing<Rows = RepoRows>> Source for Revisit<L> {
    type Item = Revisited;
    type Error = ListError;

    /// What can be read next, or `None` when each range was tried.
    ///
    /// Cancel-safe: the request stays on its way.
    async fn next(&mut self) -> Result<Option<Revisited>, ListError> {
        loop {
            if self.flight.is_none() {
                if let Some(until) = self.not_before {
                    sleep_until(until).await;
                    self.not_before = None;
                }
                match self.request() {
                    Some(request) => self.flight = Some(request),
                    None => return Ok(None),
                }
            }
            let Some(flight) = &mut self.flight else { continue };
            let outcome = flight.outcome().await;
            let took = flight.began().elapsed();
            self.flight = None;
            if let Some(Found { range, rows, within }) = self.land(outcome, took) {
                let received_bytes = self.received_bytes;
                return Ok(Some(Revisited { range, rows, within, received_bytes }));
            }
        }
    }

    /// Forgets the request that is ahead.
    async fn park(&mut self) {
        self.flight = None;
    }
}

impl RepoPage for Revisited {
    /// It has no cursor of the host.
    fn through(&self) -> Option<&Cursor> {
        None
    }

    /// The rows of the range, and none behind it.
    fn rows(&self) -> impl Iterator<Item = RepoRow<'_>> {
        self.rows.iter().take(self.within).map(row)
    }

    fn unreadable(&self) -> &Counts {
        self.rows.dropped()
    }

    fn received_bytes(&self) -> usize {
        self.received_bytes
    }
}

impl<L: Listing> fmt::Debug for Revisit<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revisit")
            .field("ranges", &self.ranges)
            .field("visit", &self.visit)
            .finish_non_exhaustive()
    }
}
