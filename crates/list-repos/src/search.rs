use standpipe_cursor::{Cursor, Seq};

use crate::body::Body;
use crate::fault::Fault;
use crate::listing::Rows;
use crate::{Gap, PageLimit, Poison};

/// The way past a page that fails even with the smallest limit.
///
/// First a page that was good is asked for. If that fails too, the host is down, and nothing is said against the page.
/// If it is served, the page has a row that the host cannot serve; then, where the policy and the cursor allow it, the
/// cursor is raised by one until a page is served, and all cursors before that have to fail once more. So what an
/// outage in the meantime says of a cursor is not believed, and the gap is no larger than it must be.
#[derive(Debug)]
pub(crate) struct Search<R> {
    at: Cursor,
    /// Behind which the page before lies, which is good; the beginning, where there was none.
    before: Option<Cursor>,
    /// How the page failed.
    last: Box<Fault>,
    phase: Phase<R>,
    /// The page of the step back, while it is not known whether its first row was read.
    stepped: Option<(Box<Body<R>>, Alone)>,
}

/// What is asked for. Pages are told by how far behind the cursor they begin.
///
/// The one that begins one before it, [`STEP_BACK`], has the row before it once more and the one behind it. Where the bad
/// row is the second of two, that is the only page of two that has the first of them.
#[derive(Debug)]
enum Phase<R> {
    /// A page that was good; and whether it failed meanwhile.
    Control { was_down: bool },
    /// One page after the other, until one is served.
    Probe { from: Seq, offset: i64 },
    /// All pages before the one that was served, once more.
    Confirm { from: Seq, offset: i64, served: (i64, Box<Body<R>>) },
}

const STEP_BACK: i64 = -1;

/// How it is found out whether a page of the step back begins with the row before the cursor, where nobody remembers that
/// row: it does, unless it begins with the row behind the cursor, which is therefore asked for alone. Hosts give one row
/// without a cursor, but none is needed.
#[derive(Clone, Copy, Debug)]
enum Alone {
    /// It is asked for.
    Asked,
    /// It was not served; a page that was good is asked for, since the host may be down.
    Control,
    /// The host is there, so it is asked for once more.
    AskedAgain,
}

/// What a search makes of an answer, or of its absence.
#[derive(Debug)]
pub(crate) enum Turn<R> {
    /// It goes on with the next request, after a moment.
    Soon(Search<R>),
    /// It goes on when the host is back.
    Later(Search<R>, Fault),
    /// The host was down: the page itself is to be asked for again.
    Over,
    /// A page to go on with, what it is the answer to, and what was left out before it.
    Page { body: Body<R>, asked: Option<Cursor>, gap: Option<Gap> },
    /// The way ends here.
    Blocked { probed: u32, last: Box<Fault> },
}

impl<R: Rows> Search<R> {
    pub(crate) fn begin(at: Cursor, before: Option<Cursor>, last: Fault) -> Self {
        Self::with(at, before, last, Phase::Control { was_down: false })
    }

    /// Asks only whether the host is down: if it is not, the page is to be asked for again.
    pub(crate) fn whether_down(at: Cursor, before: Option<Cursor>, last: Fault) -> Self {
        Self::with(at, before, last, Phase::Control { was_down: true })
    }

    fn with(at: Cursor, before: Option<Cursor>, last: Fault, phase: Phase<R>) -> Self {
        Self { at, before, last: Box::new(last), phase, stepped: None }
    }

    /// How many rows to ask for: as few as can be, since a page that was good is so only as far as it went.
    pub(crate) fn limit(&self) -> u16 {
        match self.stepped {
            Some((_, Alone::Asked | Alone::AskedAgain)) => 1,
            Some((_, Alone::Control)) | None => PageLimit::MIN,
        }
    }

    /// The cursor to ask with.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match self.stepped {
            Some((_, Alone::Asked | Alone::AskedAgain)) => return Some(self.at.clone()),
            Some((_, Alone::Control)) => return self.before.clone(),
            None => {}
        }
        match &self.phase {
            Phase::Control { .. } => self.before.clone(),
            Phase::Probe { from, offset } | Phase::Confirm { from, offset, .. } => {
                Some(behind(*from, *offset).map_or_else(|| self.at.clone(), Cursor::from))
            }
        }
    }

    /// Takes a page. `last_name` is the name in the last row before the cursor, where it is known.
    pub(crate) fn answered(mut self, body: Body<R>, poison: Poison, last_name: Option<&str>) -> Turn<R> {
        match self.stepped.take() {
            Some((page, Alone::Control)) => {
                self.stepped = Some((page, Alone::AskedAgain));
                return Turn::Soon(self);
            }
            Some((page, Alone::Asked | Alone::AskedAgain)) => {
                let was_read = page.rows.first() != body.rows.first();
                return self.step_back(*page, was_read);
            }
            None => {}
        }
        match self.phase {
            Phase::Control { was_down: true } => Turn::Over,
            Phase::Control { was_down: false } => {
                let Some(from) = self.at.seq().filter(|_| poison != Poison::Hold) else {
                    return Turn::Blocked { probed: 0, last: self.last };
                };
                self.phase = Phase::Probe { from, offset: STEP_BACK };
                Turn::Soon(self)
            }
            Phase::Probe { offset: STEP_BACK, .. } | Phase::Confirm { offset: STEP_BACK, .. } => {
                match (body.rows.first(), last_name) {
                    (Some(_), None) if self.is_advanced_by(&body) => {
                        self.stepped = Some((Box::new(body), Alone::Asked));
                        Turn::Soon(self)
                    }
                    (first, _) => {
                        let was_read = first.is_some() && first == last_name;
                        self.step_back(body, was_read)
                    }
                }
            }
            Phase::Probe { from, offset } => {
                self.phase = Phase::Confirm { from, offset: STEP_BACK, served: (offset, Box::new(body)) };
                Turn::Soon(self)
            }
            // It failed before for another reason.
            Phase::Confirm { from, offset, .. } => past(body, from, offset),
        }
    }

    /// Goes on with the page of the step back, without its first row where that was read, if there is anything on it.
    fn step_back(self, mut page: Body<R>, was_read: bool) -> Turn<R> {
        if was_read {
            page.rows.forget_first();
        }
        if self.is_advanced_by(&page) && !page.rows.is_empty() {
            let asked = self.at.seq().and_then(|from| behind(from, STEP_BACK)).map(Cursor::from);
            return Turn::Page { body: page, asked, gap: None };
        }
        self.go_on()
    }

    /// Whether the page leads to behind the cursor.
    fn is_advanced_by(&self, page: &Body<R>) -> bool {
        let seq_of = |cursor: &Cursor| cursor.seq();
        page.cursor.as_ref().and_then(seq_of).is_some_and(|next| Some(next) > self.at.seq())
    }

    /// Takes note of a page that failed by itself.
    pub(crate) fn failed(mut self, fault: Fault, poison: Poison) -> Turn<R> {
        match self.stepped.take() {
            Some((page, Alone::Asked)) => {
                self.stepped = Some((page, Alone::Control));
                return Turn::Soon(self);
            }
            Some((page, Alone::Control)) => {
                self.stepped = Some((page, Alone::Control));
                return Turn::Later(self, fault);
            }
            // It comes in a page of two and not alone. A row that was read may come twice then, and none is lost.
            Some((page, Alone::AskedAgain)) => return self.step_back(*page, false),
            None => {}
        }
        let at_most = match poison {
            Poison::Hold => 0,
            Poison::SkipRow { at_most } => at_most,
        };
        match self.phase {
            Phase::Control { .. } => {
                self.phase = Phase::Control { was_down: true };
                Turn::Later(self, fault)
            }
            Phase::Probe { from, offset }
                if offset >= i64::from(at_most) || behind(from, offset + 2).is_none() =>
            {
                Turn::Blocked { probed: u32::try_from(offset).unwrap_or(0), last: Box::new(fault) }
            }
            Phase::Probe { .. } | Phase::Confirm { .. } => self.go_on(),
        }
    }

    /// Turns to the next page.
    fn go_on(mut self) -> Turn<R> {
        self.phase = match self.phase {
            // The page itself has just failed.
            Phase::Probe { from, offset: STEP_BACK } => Phase::Probe { from, offset: 1 },
            Phase::Probe { from, offset } => Phase::Probe { from, offset: offset + 1 },
            Phase::Confirm { from, offset, served: (found, body) } if offset + 1 == found => {
                return past(*body, from, found);
            }
            Phase::Confirm { from, offset, served } => Phase::Confirm { from, offset: offset + 1, served },
            control @ Phase::Control { .. } => control,
        };
        Turn::Soon(self)
    }
}

/// A page that begins so far behind the cursor. What lies between is left out.
fn past<R>(body: Body<R>, from: Seq, offset: i64) -> Turn<R> {
    let through = behind(from, offset);
    let gap = through.filter(|through| *through > from).map(|through| Gap { after: from, through });
    Turn::Page { body, asked: through.map(Cursor::from), gap }
}

/// The number so far behind the cursor. There is none before the first.
fn behind(seq: Seq, offset: i64) -> Option<Seq> {
    Seq::new(seq.number().checked_add_signed(offset)?)
}
