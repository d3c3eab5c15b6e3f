use standpipe_cursor::{Cursor, Seq};

use crate::body::Body;
use crate::fault::Fault;
use crate::listing::Rows;
use crate::{Gap, Poison};

/// The way past a page that fails even with the smallest limit.
///
/// First a page that was good is asked for. If that fails too, the host is down, and nothing is said against the page.
/// If it is served, the page has a row that the host cannot serve; then, where the policy and the cursor allow it, the
/// cursor is raised by one until a page is served, and the one before that has to fail once more. So what an outage in
/// the meantime says of a cursor is not believed, and the gap is no larger than it must be.
#[derive(Debug)]
pub(crate) struct Search<R> {
    at: Cursor,
    /// Behind which the page before lies, which is good; the beginning, where there was none.
    before: Option<Cursor>,
    /// How the page failed.
    last: Box<Fault>,
    phase: Phase<R>,
}

#[derive(Debug)]
enum Phase<R> {
    /// A page that was good; and whether it failed meanwhile.
    Control { was_down: bool },
    /// The page that begins one row earlier. Where the bad row is the second of two, it has the first of them, which no
    /// page of two rows from the cursor itself can have.
    StepBack { from: Seq },
    /// The page so many steps behind the cursor.
    Probe { from: Seq, steps: u32 },
    /// The page one step before the one that was served.
    Confirm { from: Seq, steps: u32, served: Box<Body<R>> },
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
    /// A page to go on with, and what was left out before it.
    Page(Body<R>, Option<Gap>),
    /// The way ends here.
    Blocked { probed: u32, last: Box<Fault> },
}

impl<R: Rows> Search<R> {
    pub(crate) fn begin(at: Cursor, before: Option<Cursor>, last: Fault) -> Self {
        Self { at, before, last: Box::new(last), phase: Phase::Control { was_down: false } }
    }

    /// The cursor to ask with.
    pub(crate) fn cursor(&self) -> Option<Cursor> {
        match &self.phase {
            Phase::Control { .. } => self.before.clone(),
            Phase::StepBack { from } => before(*from).map(Cursor::from),
            Phase::Probe { from, steps } => behind(*from, *steps).map(Cursor::from),
            Phase::Confirm { from, steps, .. } => behind(*from, steps.saturating_sub(1)).map(Cursor::from),
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
                self.phase = match before(from) {
                    Some(_) => Phase::StepBack { from },
                    None => Phase::Probe { from, steps: 1 },
                };
                Turn::Soon(self)
            }
            Phase::StepBack { from } => {
                // Only a row that was read is left out. An unknown one may come twice, and is not lost.
                if body.rows.first().is_some() && body.rows.first() == last_name {
                    body.rows.forget_first();
                }
                let advances = body.cursor.as_ref().and_then(Cursor::seq).is_some_and(|next| next > from);
                if advances && !body.rows.is_empty() {
                    return Turn::Page(body, None);
                }
                self.phase = Phase::Probe { from, steps: 1 };
                Turn::Soon(self)
            }
            Phase::Probe { from, steps } => {
                self.phase = Phase::Confirm { from, steps, served: Box::new(body) };
                Turn::Soon(self)
            }
            // The page itself.
            Phase::Confirm { steps: 1, .. } => Turn::Page(body, None),
            Phase::Confirm { from, .. } => {
                self.phase = Phase::Probe { from, steps: 1 };
                Turn::Soon(self)
            }
        }
    }

    /// Takes note of a page that failed by itself.
    pub(crate) fn failed(mut self, fault: Fault, poison: Poison) -> Turn<R> {
        match self.phase {
            Phase::Control { .. } => {
                self.phase = Phase::Control { was_down: true };
                Turn::Later(self, fault)
            }
            Phase::StepBack { from } => {
                self.phase = Phase::Probe { from, steps: 1 };
                Turn::Soon(self)
            }
            Phase::Probe { from, steps } => {
                let next = match poison {
                    Poison::Hold => None,
                    Poison::SkipRow { at_most } => steps.checked_add(1).filter(|next| *next <= at_most),
                };
                match next.filter(|next| behind(from, *next).is_some()) {
                    Some(steps) => {
                        self.phase = Phase::Probe { from, steps };
                        Turn::Soon(self)
                    }
                    None => Turn::Blocked { probed: steps, last: Box::new(fault) },
                }
            }
            Phase::Confirm { from, steps, served } => match behind(from, steps) {
                Some(through) => Turn::Page(*served, Some(Gap { after: from, through })),
                None => Turn::Blocked { probed: steps, last: Box::new(fault) },
            },
        }
    }
}

fn before(seq: Seq) -> Option<Seq> {
    Seq::new(seq.number() - 1)
}

fn behind(seq: Seq, steps: u32) -> Option<Seq> {
    Seq::new(seq.number() + u64::from(steps))
}
