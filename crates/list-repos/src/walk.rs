use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use standpipe_cursor::{Cursor, Endpoint, Seq};
use standpipe_pipeline::{Observation, Observer, Source};
use tokio::time::{Instant, sleep_until};

use crate::body::is_reserved;
use crate::course::{Course, Delay, Step};
use crate::error::ListError;
use crate::fault::Fault;
use crate::flight::Flight;
use crate::listing::{Listing, Rows};
use crate::pages::{Fetched, Pages};
use crate::refused::show_refused;
use crate::{Gap, Hosts, Page, Repos, ReposByCollection, Settings};

/// All repos of a host, page by page.
pub type ListRepos = Walk<Repos>;
/// All hosts that a relay reads, page by page.
pub type ListHosts = Walk<Hosts>;
/// All repos of a network that have records of a collection, page by page.
pub type ListReposByCollection = Walk<ReposByCollection>;

/// The shortest wait after a failure.
const BACKOFF_FLOOR: Duration = Duration::from_millis(100);

/// A walk through one enumeration of one host: a [`Source`] of pages.
///
/// While a page is taken, the next one is asked for: one request at most is ahead. Faults of the host are waited out
/// inside, and told to the observer; what ends it is for an operator ([`ListError`]).
pub struct Walk<L: Listing> {
    pages: Pages<L>,
    settings: Settings,
    observer: Arc<dyn Observer>,
    course: Course<L::Rows>,
    flight: Option<Flight<Fetched<L::Rows>>>,
    not_before: Option<Instant>,
    has_begun: bool,
    random: fastrand::Rng,
    /// The buffer of the last page.
    spare: Vec<u8>,
}

/// How far a walk came.
#[derive(Debug)]
pub enum Advance<R> {
    /// To the next page.
    Page(Page<R>),
    /// To a wait: nothing is asked before then.
    Rest(Instant),
    /// To the end of the enumeration.
    End,
}

impl<L: Listing> Walk<L> {
    /// A walk that goes on behind a cursor; without one, from the beginning. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`ListError::NoCursor`] where `from` is a mark such as `!ingester-done`, [`ListError::Host`] and
    /// [`ListError::Setup`].
    pub fn open(
        listing: &L,
        settings: &Settings,
        endpoint: &Endpoint,
        from: Option<Cursor>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, ListError> {
        let limit = settings.limit.rows().min(L::MAX_LIMIT);
        let is_mark = from.as_ref().is_some_and(|from| is_reserved(&from.to_string()));
        let course = Course::new(endpoint.name(), L::NSID, from, limit, settings.poison, settings.bounds);
        if is_mark {
            return Err(ListError::NoCursor { place: Box::new(course.place()) });
        }
        let pages = Pages::of(listing, settings, endpoint)?;
        Ok(Self {
            pages,
            settings: settings.clone(),
            observer,
            course,
            flight: None,
            not_before: None,
            has_begun: false,
            random: fastrand::Rng::new(),
            spare: Vec::new(),
        })
    }

    /// Whether the host itself was found at private addresses, and at no other: then what it lists may be at one too.
    #[must_use]
    pub fn host_is_private(&self) -> bool {
        self.pages.host_is_private()
    }

    /// The same, which tells another observer from here on, and knows what it has learned.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        Self { observer, has_begun: false, ..self }
    }

    /// Behind which cursor the next page lies; `None` at the beginning.
    #[must_use]
    pub fn cursor(&self) -> Option<&Cursor> {
        self.course.at()
    }

    /// Whether the last page was handed on, so that nothing is left to be asked for.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.course.has_ended()
    }

    /// Goes on until there is a page, or a reason to ask nothing for a while: for those who have something better to do
    /// meanwhile than [`Source::next`], which waits.
    ///
    /// Cancel-safe: the request stays on its way.
    ///
    /// # Errors
    ///
    /// What ends the walk. After an error it asks for the same page again.
    pub async fn advance(&mut self) -> Result<Advance<L::Rows>, ListError> {
        loop {
            if self.course.has_ended() {
                return Ok(Advance::End);
            }
            if let Some(until) = self.not_before {
                if until > Instant::now() {
                    return Ok(Advance::Rest(until));
                }
                self.not_before = None;
            }
            if !self.has_begun {
                self.has_begun = true;
                self.observer.observe(Observation::Connecting);
            }
            if self.flight.is_none() {
                self.flight = Some(self.request()?);
            }
            let Some(flight) = &mut self.flight else { continue };
            let outcome = flight.outcome().await;
            let took = flight.began().elapsed();
            self.flight = None;
            if let Some(page) = self.land(outcome, took)? {
                if self.not_before.is_none()
                    && !self.course.has_ended()
                    && let Ok(mut ahead) = self.request()
                {
                    ahead.depart().await;
                    self.flight = Some(ahead);
                }
                return Ok(Advance::Page(page));
            }
        }
    }

    /// The request at hand, on its way.
    fn request(&mut self) -> Result<Flight<Fetched<L::Rows>>, ListError> {
        let request = self.course.request()?;
        Ok(self.pages.ask(&request, std::mem::take(&mut self.spare)))
    }

    /// Waits before the next request, and says so.
    fn wait(&mut self, reason: &'static str, wait: Duration, cause: Option<&Fault>) {
        if wait.is_zero() {
            return;
        }
        tracing::debug!(
            reason,
            ?wait,
            cause = cause.map(tracing::field::display),
            "waiting before the next page"
        );
        let cause = cause.map(|fault| fault as &(dyn std::error::Error + 'static));
        self.observer.observe(Observation::Waiting { reason, wait, cause });
        self.not_before = self.not_before.max(Instant::now().checked_add(wait));
    }

    /// Makes of what came back a page, or a wait.
    fn land(
        &mut self,
        outcome: Result<Fetched<L::Rows>, Fault>,
        took: Duration,
    ) -> Result<Option<Page<L::Rows>>, ListError> {
        let (step, received_bytes) = match outcome {
            Ok(Fetched { body, buffer, pause }) => {
                let rows = body.rows.len();
                let dropped = usize::try_from(body.rows.dropped().total()).unwrap_or(usize::MAX);
                let pages = self.course.pages() + 1;
                self.observer.observe(Observation::Answered {
                    pages,
                    rows: rows.saturating_add(dropped),
                    took,
                });
                if dropped > 0 {
                    let is_private = self.host_is_private();
                    show_refused::<L::Rows>(&buffer, L::FIELD, is_private, |reason, frame| {
                        self.observer.observe(Observation::Quarantined { reason, seq: None, frame });
                    });
                }
                let received_bytes = buffer.len();
                self.spare = buffer;
                if let Some(pause) = pause {
                    self.wait("rate_limit", pause, None);
                }
                (self.course.answered(body)?, received_bytes)
            }
            Err(fault) => (self.course.failed(fault)?, 0),
        };
        match step {
            Step::Page { number, after, through, rows, gap } => {
                if let Some(gap) = gap {
                    self.tell(gap);
                }
                Ok(Some(Page { number, after, through, rows, gap, received_bytes }))
            }
            Step::Ask(delay, cause) => {
                let reason = cause.as_ref().map_or("search", Fault::label);
                let wait = self.duration(delay);
                self.wait(reason, wait, cause.as_ref());
                Ok(None)
            }
        }
    }

    fn tell(&self, gap: Gap) {
        let place = self.course.place();
        tracing::error!(
            host = %place.host,
            method = place.method,
            after = %gap.after,
            through = %gap.through,
            "rows that the host cannot serve were left out"
        );
        self.observer.observe(Observation::Gap {
            reason: "poison_row",
            from: Some(gap.after),
            to: Seq::new(gap.through.number() + 1),
            time: "",
        });
    }

    fn duration(&mut self, delay: Delay) -> Duration {
        match delay {
            Delay::None => Duration::ZERO,
            Delay::Fixed(wait) => wait,
            Delay::Backoff { doubled } => {
                let bounds = &self.settings.bounds;
                let doubled = 1_u32.checked_shl(doubled).unwrap_or(u32::MAX);
                let ceiling = bounds.backoff_base.saturating_mul(doubled).min(bounds.backoff_cap);
                let floor = BACKOFF_FLOOR.min(ceiling);
                floor + ceiling.saturating_sub(floor).mul_f64(self.random.f64())
            }
        }
    }
}

impl<L: Listing> Source for Walk<L> {
    type Item = Page<L::Rows>;
    type Error = ListError;

    /// The next page, or `None` behind the end of the enumeration, and only there.
    ///
    /// Cancel-safe: the request stays on its way. After an error it asks for the same page again.
    async fn next(&mut self) -> Result<Option<Self::Item>, ListError> {
        loop {
            match self.advance().await? {
                Advance::Page(page) => return Ok(Some(page)),
                Advance::Rest(until) => sleep_until(until).await,
                Advance::End => return Ok(None),
            }
        }
    }

    /// Forgets the request that is ahead.
    async fn park(&mut self) {
        self.flight = None;
    }
}

impl<L: Listing> fmt::Debug for Walk<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk").field("place", &self.course.place()).finish_non_exhaustive()
    }
}
