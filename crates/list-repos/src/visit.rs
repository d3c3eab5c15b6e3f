use standpipe_cursor::Seq;

use crate::body::Body;
use crate::course::Request;
use crate::{Gap, PageLimit, RepoRows, Rows as _};

/// What is asked to read a range again that could not be read, and what is made of the answers. Pure: no I/O, no clock.
///
/// It begins with the page behind the range's beginning. Where that fails still, a page is looked for inside the range by
/// halving it, between the cursor behind which a page fails and the end, behind which one was served. So a range that is
/// no better than before costs a request, and one more each time that it is twice as long.
///
/// A row has no number of its own. Of a page that may reach beyond the range, those rows are the range's that come before
/// the first one of the page behind its end.
#[derive(Debug)]
pub(crate) struct Visit {
    /// Up to where it was read, or given up.
    at: Seq,
    through: Seq,
    limit: u16,
    wanted: u16,
    phase: Phase,
}

/// What is asked for.
#[derive(Debug)]
enum Phase {
    /// The page behind the place that is reached.
    Read,
    /// The page behind the range, whose first row ends what belongs to the range of the page that is held.
    Cut {
        page: Box<Body<RepoRows>>,
    },
    /// A page inside: the one behind `failed` was not served, the one behind `served` was.
    Halve {
        failed: Seq,
        served: Seq,
        page: Option<Box<Body<RepoRows>>>,
    },
    Over,
}

/// What could be read of a range.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) range: Gap,
    pub(crate) rows: RepoRows,
    /// How many of the rows are the range's; the first ones.
    pub(crate) within: usize,
}

impl Visit {
    /// Nothing was asked for yet.
    pub(crate) fn of(range: Gap, wanted: u16) -> Self {
        let Gap { after, through } = range;
        Self { at: after, through, limit: PageLimit::MIN, wanted, phase: Phase::Read }
    }

    /// What to ask next; `None` when there is nothing more to be had.
    pub(crate) fn request(&self) -> Option<Request> {
        let (seq, limit) = match &self.phase {
            Phase::Read => (self.at, self.limit),
            Phase::Cut { .. } => (self.through, PageLimit::MIN),
            Phase::Halve { failed, served, .. } => (between(*failed, *served)?, PageLimit::MIN),
            Phase::Over => return None,
        };
        Some(Request { cursor: Some(seq.into()), limit })
    }

    /// Takes a page.
    pub(crate) fn answered(&mut self, body: Body<RepoRows>) -> Option<Found> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Read => self.judge(body),
            Phase::Cut { page } => self.cut(*page, &body),
            Phase::Halve { failed, served, .. } => {
                let served = between(failed, served)?;
                self.halve(failed, served, Some(Box::new(body)))
            }
            Phase::Over => None,
        }
    }

    /// Takes note that a page could not be had.
    pub(crate) fn failed(&mut self) -> Option<Found> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Read if self.limit > PageLimit::MIN => {
                self.limit = PageLimit::MIN;
                self.phase = Phase::Read;
                None
            }
            Phase::Read => self.halve(self.at, self.through, None),
            Phase::Halve { failed, served, page } => {
                let failed = between(failed, served)?;
                self.halve(failed, served, page)
            }
            Phase::Cut { .. } | Phase::Over => None,
        }
    }

    fn halve(&mut self, failed: Seq, served: Seq, page: Option<Box<Body<RepoRows>>>) -> Option<Found> {
        if between(failed, served).is_some() {
            self.phase = Phase::Halve { failed, served, page };
            return None;
        }
        self.at = served;
        self.judge(*page?)
    }

    /// Judges the page behind the place that is reached.
    fn judge(&mut self, page: Body<RepoRows>) -> Option<Found> {
        if let Some(next) = &page.cursor {
            // A cursor that is no number, or does not lead on, says nothing of where the rows belong.
            let next = next.seq().filter(|next| *next > self.at)?;
            if next <= self.through {
                let within = page.rows.len();
                self.limit = self.limit.saturating_mul(2).min(self.wanted);
                return Some(self.found(next, page.rows, within));
            }
        }
        self.phase = Phase::Cut { page: Box::new(page) };
        None
    }

    /// Takes of a page what comes before the first row behind the range.
    fn cut(&mut self, page: Body<RepoRows>, behind: &Body<RepoRows>) -> Option<Found> {
        let is_behind = |did: &str| behind.rows.iter().any(|row| row.did == did);
        let place = page.rows.iter().position(|row| is_behind(row.did));
        let ends_there = page.cursor.is_none() && behind.cursor.is_none() && behind.rows.is_empty();
        // Rows that neither page tells apart are left for another time.
        let within = place.or_else(|| ends_there.then_some(page.rows.len()))?;
        Some(self.found(self.through, page.rows, within))
    }

    /// What was read up to there. It goes on behind that.
    fn found(&mut self, through: Seq, rows: RepoRows, within: usize) -> Found {
        let after = std::mem::replace(&mut self.at, through);
        self.phase = if through < self.through { Phase::Read } else { Phase::Over };
        Found { range: Gap { after, through }, rows, within }
    }
}

/// The number in the middle, where there is one in between.
fn between(low: Seq, high: Seq) -> Option<Seq> {
    let half = high.number().saturating_sub(low.number()) / 2;
    Seq::new(low.number() + half).filter(|middle| *middle > low)
}

#[cfg(test)]
mod tests;
