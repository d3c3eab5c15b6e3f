use standpipe_cursor::{Cursor, Seq};

use crate::body::Body;
use crate::fault::Fault;
use crate::listing::Rows;
use crate::{Gap, Poison};

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

/// What a search makes of an answer, or of its absence.
#[derive(Debug)]
pub(crate) enum Turn<R> {
    /// It goes on with the next request, after a moment.
    Soon(Search<R>),
    /// It goes on when the host is back.
    Later(Search<R>, Fault),
    /// The host was down: the page itself is to be asked for again.
    Over,
    /// A page to go on with, and what was left out before it.
    Page(Body<R>, Option<Gap>),
    /// The way ends here.
    Blocked { probed: u32, last: Box<Fault> },
}

impl<R: Rows> Search<R> {
    pub(crate) fn begin(at: Cursor, before: Option<Cursor>, last: Fault) -> Self {
        Self { at, before, last: Box::new(last), phase: Phase::Control { was_down: false } }
    }

    /// Asks only whether the host is down: if it is not, the page is to be asked for again.
    pub(crate) fn whether_down(at: Cursor, before: Option<Cursor>, last: Fault) -> Self {
        Self { at, before, last: Box::new(last), phase: Phase::Control { was_down: true } }
    }

    /// The cursor to ask with.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match &self.phase {
            Phase::Control { .. } => self.before.clone(),
            Phase::Probe { from, offset } | Phase::Confirm { from, offset, .. } => {
                Some(behind(*from, *offset).map_or_else(|| self.at.clone(), Cursor::from))
            }
        }
    }

    /// Takes a page. `last_name` is the name in the last row before the cursor, where it is known.
    pub(crate) fn answered(mut self, mut body: Body<R>, poison: Poison, last_name: Option<&str>) -> Turn<R> {
        match self.phase {
            Phase::Control { was_down: true } => Turn::Over,
            Phase::Control { was_down: false } => {
                let Some(from) = self.at.seq().filter(|_| poison != Poison::Hold) else {
                    return Turn::Blocked { probed: 0, last: self.last };
                };
                self.phase = Phase::Probe { from, offset: STEP_BACK };
                Turn::Soon(self)
            }
            Phase::Probe { from, offset: STEP_BACK } | Phase::Confirm { from, offset: STEP_BACK, .. } => {
                // Only a row that was read is left out. An unknown one may come twice, and is not lost.
                if body.rows.first().is_some() && body.rows.first() == last_name {
                    body.rows.forget_first();
                }
                let advances = body.cursor.as_ref().and_then(Cursor::seq).is_some_and(|next| next > from);
                if advances && !body.rows.is_empty() {
                    return Turn::Page(body, None);
                }
                self.go_on()
            }
            Phase::Probe { from, offset } => {
                self.phase = Phase::Confirm { from, offset: STEP_BACK, served: (offset, Box::new(body)) };
                Turn::Soon(self)
            }
            // It failed before for another reason.
            Phase::Confirm { from, offset, .. } => Turn::Page(body, gap(from, offset)),
        }
    }

    /// Takes note of a page that failed by itself.
    pub(crate) fn failed(mut self, fault: Fault, poison: Poison) -> Turn<R> {
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
                return Turn::Page(*body, gap(from, found));
            }
            Phase::Confirm { from, offset, served } => Phase::Confirm { from, offset: offset + 1, served },
            control @ Phase::Control { .. } => control,
        };
        Turn::Soon(self)
    }
}

/// What is left out when reading goes on so far behind the cursor.
fn gap(from: Seq, offset: i64) -> Option<Gap> {
    let through = behind(from, offset).filter(|through| *through > from)?;
    Some(Gap { after: from, through })
}

/// The number so far behind the cursor. There is none before the first.
fn behind(seq: Seq, offset: i64) -> Option<Seq> {
    Seq::new(seq.number().checked_add_signed(offset)?)
}
