use std::time::Duration;

use standpipe_cursor::Cursor;
use standpipe_guarded_http::{self as http, excerpt};

use crate::body::Body;
use crate::error::{ListError, Place};
use crate::fault::{Class, Fault};
use crate::ladder::Ladder;
use crate::listing::Rows;
use crate::search::{Search, Turn};
use crate::seen::Seen;
use crate::{Bounds, Gap, Poison, Through};

/// Empty pages in a row that are believed.
const MAX_EMPTY_PAGES: u32 = 10;
/// From one request of a search to the next.
const PROBE_EVERY: Duration = Duration::from_millis(100);

/// Where an enumeration is, what it asks next, and what it makes of the answer. Pure: no I/O, no clock, no chance.
pub(crate) struct Course<R> {
    host: String,
    method: &'static str,
    poison: Poison,
    bounds: Bounds,
    /// Behind which the next page lies.
    at: Option<Cursor>,
    /// What the last page was asked for with: that page is good. `None` where there was none: then the first may be.
    before: Option<Cursor>,
    search: Option<Search<R>>,
    ladder: Ladder,
    seen: Seen,
    pages: u64,
    /// Failures of this page at this limit.
    tries: u32,
    /// How often the backoff has doubled.
    doubled: u32,
    /// Failures since the last page.
    failures: u32,
    loops: u32,
    empty_pages: u32,
    last_name: Option<String>,
    has_ended: bool,
}

/// What to ask.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) cursor: Option<Cursor>,
    pub(crate) limit: u16,
}

/// What to do next.
#[derive(Debug)]
pub(crate) enum Step<R> {
    /// Hand on a page.
    Page { number: u64, after: Option<Cursor>, through: Through, rows: R, gap: Option<Gap> },
    /// Ask again, after a wait, because of what came back.
    Ask(Delay, Option<Fault>),
}

/// How long to wait before the next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delay {
    None,
    /// This long.
    Fixed(Duration),
    /// By chance, below a ceiling that has doubled so often.
    Backoff {
        doubled: u32,
    },
}

type Outcome<R> = Result<Step<R>, ListError>;

impl<R: Rows> Course<R> {
    /// Begins behind the cursor; without one, at the beginning.
    pub(crate) fn new(
        host: &str,
        method: &'static str,
        from: Option<Cursor>,
        limit: u16,
        poison: Poison,
        bounds: Bounds,
    ) -> Self {
        let mut seen = Seen::with_cap(bounds.seen_cursors);
        if let Some(from) = &from {
            seen.insert(from);
        }
        Self {
            host: host.to_owned(),
            method,
            poison,
            bounds,
            at: from,
            before: None,
            search: None,
            ladder: Ladder::new(limit),
            seen,
            pages: 0,
            tries: 0,
            doubled: 0,
            failures: 0,
            loops: 0,
            empty_pages: 0,
            last_name: None,
            has_ended: false,
        }
    }

    /// Whether the last page was handed on.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Behind which the next page lies.
    pub(crate) fn at(&self) -> Option<&Cursor> {
        self.at.as_ref()
    }

    /// Pages handed on.
    pub(crate) fn pages(&self) -> u64 {
        self.pages
    }

    /// Where it is, for an error.
    pub(crate) fn place(&self) -> Place {
        Place { host: self.host.clone(), method: self.method, page: self.pages + 1, cursor: self.at.clone() }
    }

    /// What to ask next.
    pub(crate) fn request(&self) -> Result<Request, ListError> {
        if self.pages >= self.bounds.max_pages {
            return Err(ListError::TooManyPages {
                place: Box::new(self.place()),
                max_pages: self.bounds.max_pages,
            });
        }
        let limit = self.search.as_ref().map_or_else(|| self.ladder.limit(), Search::limit);
        let cursor = self.search.as_ref().map_or_else(|| self.at.clone(), Search::cursor);
        Ok(Request { cursor, limit })
    }

    /// Takes a page.
    pub(crate) fn answered(&mut self, body: Body<R>) -> Outcome<R> {
        match self.search.take() {
            None => self.take(body, self.at.clone(), None),
            Some(search) => {
                let turn = search.answered(body, self.poison, self.last_name.as_deref());
                self.turn(turn)
            }
        }
    }

    /// Takes note that there was no page.
    pub(crate) fn failed(&mut self, fault: Fault) -> Outcome<R> {
        match fault.class() {
            Class::Refusal => Err(self.refused(fault)),
            Class::Outage => {
                let told =
                    if let Fault::Http(http::Fault::Limited { after, .. }) = &fault { *after } else { None };
                match told {
                    // It is there, and says when to come back: that is no failure.
                    Some(told) => Ok(Step::Ask(Delay::Fixed(told), Some(fault))),
                    None => self.back_off(fault),
                }
            }
            Class::Page => match self.search.take() {
                None => self.page_failed(fault),
                Some(search) => {
                    let turn = search.failed(fault, self.poison);
                    self.turn(turn)
                }
            },
        }
    }

    fn turn(&mut self, turn: Turn<R>) -> Outcome<R> {
        match turn {
            Turn::Soon(search) => {
                self.search = Some(search);
                Ok(Step::Ask(Delay::Fixed(PROBE_EVERY), None))
            }
            Turn::Later(search, fault) => {
                self.search = Some(search);
                self.back_off(fault)
            }
            Turn::Over => {
                (self.doubled, self.failures) = (0, 0);
                Ok(Step::Ask(Delay::None, None))
            }
            Turn::Page { body, asked, gap } => self.take(body, asked, gap),
            Turn::Blocked { probed, last } => Err(ListError::PoisonPage {
                place: Box::new(self.place()),
                limit: self.ladder.limit(),
                probed,
                skippable: self.at.as_ref().is_some_and(|at| at.seq().is_some()),
                source: last,
            }),
        }
    }

    /// The next page failed by itself.
    fn page_failed(&mut self, fault: Fault) -> Outcome<R> {
        self.tries += 1;
        let is_last = self.is_last_of_the_first_page(&fault);
        if self.tries < self.bounds.tries.get() && !is_last {
            return self.back_off(fault);
        }
        self.tries = 0;
        if self.ladder.shrink() {
            self.doubled = 0;
            if is_last {
                self.failures = self.failures.saturating_add(1);
                return Ok(Step::Ask(Delay::Backoff { doubled: 0 }, Some(fault)));
            }
            return self.back_off(fault);
        }
        match &self.at {
            // There is no other page to tell a bad row from a host that is down, and no cursor to move.
            None => self.back_off(fault),
            Some(at) => {
                self.search = Some(Search::begin(at.clone(), self.before.clone(), fault));
                Ok(Step::Ask(Delay::Fixed(PROBE_EVERY), None))
            }
        }
    }

    /// Whether the run would end with this, though the host answers and no page was served yet. No other page can tell
    /// then whether the host is down, so what is left is to ask it for less. One that says nothing is not asked again: its
    /// silence takes long.
    fn is_last_of_the_first_page(&self, fault: &Fault) -> bool {
        let is_silent = matches!(fault, Fault::Overdue { .. });
        let gives_up =
            self.bounds.give_up_after.is_some_and(|most| self.failures.saturating_add(1) >= most.get());
        self.at.is_none() && gives_up && !is_silent
    }

    /// Judges a page that was asked for with this cursor by the stop rules, and moves on.
    fn take(&mut self, body: Body<R>, asked: Option<Cursor>, gap: Option<Gap>) -> Outcome<R> {
        let Body { rows, cursor } = body;
        if let Some(next) = cursor.as_ref().filter(|next| self.seen.contains(next)) {
            return self.looped(next);
        }
        let listed = rows.len() + usize::try_from(rows.dropped().total()).unwrap_or(usize::MAX);
        self.empty_pages = if listed == 0 { self.empty_pages + 1 } else { 0 };
        if cursor.is_some() && self.empty_pages > MAX_EMPTY_PAGES {
            return Err(ListError::EmptyPages { place: Box::new(self.place()), count: self.empty_pages });
        }
        if gap.is_some() {
            self.ladder.passed();
        }
        self.ladder.read(listed);
        (self.tries, self.doubled, self.failures, self.loops) = (0, 0, 0, 0);
        self.pages += 1;
        if let Some(last) = rows.last() {
            last.clone_into(self.last_name.get_or_insert_default());
        }
        let after = self.at.clone();
        let through = if let Some(next) = cursor {
            self.seen.insert(&next);
            self.at = Some(next.clone());
            self.before = asked;
            Through::Cursor(next)
        } else {
            self.has_ended = true;
            Through::End
        };
        Ok(Step::Page { number: self.pages, after, through, rows, gap })
    }

    /// A circle is believed when it is there each time that the page is asked for.
    fn looped(&mut self, next: &Cursor) -> Outcome<R> {
        self.loops += 1;
        let next = excerpt(next.to_string().as_bytes());
        if self.loops >= self.bounds.tries.get() {
            self.loops = 0;
            return Err(ListError::CursorLoop { place: Box::new(self.place()), next });
        }
        self.back_off(Fault::CursorLoop { cursor: next })
    }

    /// Counts a failure and waits for longer each time, unless it was the last that the bounds allow. Of a page that may
    /// fail by itself the last word is that of a page that was good: where that is served, the host is there.
    fn back_off(&mut self, fault: Fault) -> Outcome<R> {
        self.failures = self.failures.saturating_add(1);
        let doubled = self.doubled;
        self.doubled = self.doubled.saturating_add(1);
        match self.bounds.give_up_after {
            Some(most) if self.failures >= most.get() => {
                if let (Class::Page, None, Some(at)) = (fault.class(), &self.search, &self.at) {
                    self.search = Some(Search::whether_down(at.clone(), self.before.clone(), fault));
                    return Ok(Step::Ask(Delay::Fixed(PROBE_EVERY), None));
                }
                let tries = std::mem::take(&mut self.failures);
                Err(ListError::GaveUp { place: Box::new(self.place()), tries, source: Box::new(fault) })
            }
            Some(_) | None => Ok(Step::Ask(Delay::Backoff { doubled }, Some(fault))),
        }
    }

    fn refused(&self, fault: Fault) -> ListError {
        let (place, source) = (Box::new(self.place()), Box::new(fault));
        match (&*source, &self.at) {
            (Fault::Http(http::Fault::Refused { status: 400, .. }), Some(_)) => {
                ListError::BadCursor { place, source }
            }
            _ => ListError::Refused { place, source },
        }
    }
}

#[cfg(test)]
mod tests;
