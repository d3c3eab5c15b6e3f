use crate::PageLimit;

/// The limits that a page is tried with, from what is wanted down to the smallest that works everywhere.
const RUNGS: [u16; 4] = [500, 100, 10, PageLimit::MIN];

/// How many rows to ask for while a bad row is crept up to.
///
/// A page of `n` rows that fails has the bad row among the next `n`. So a smaller limit stays until as many rows were
/// read, and only then grows again, rung by rung.
#[derive(Debug)]
pub(crate) struct Ladder {
    wanted: u16,
    /// Rungs below `wanted` that are gone down; 0 is `wanted`.
    depth: usize,
    /// Rows among which the bad one is.
    suspects: usize,
}

impl Ladder {
    pub(crate) fn new(wanted: u16) -> Self {
        Self { wanted, depth: 0, suspects: 0 }
    }

    /// The limit of the next request.
    pub(crate) fn limit(&self) -> u16 {
        self.depth.checked_sub(1).and_then(|depth| self.rungs().nth(depth)).unwrap_or(self.wanted)
    }

    /// Goes down a rung, since the page failed at this one. False at the lowest.
    pub(crate) fn shrink(&mut self) -> bool {
        let failed = usize::from(self.limit());
        let has_lower = self.depth < self.rungs().count();
        if has_lower {
            self.suspects = failed;
            self.depth += 1;
        }
        has_lower
    }

    /// Takes note of rows that could be read.
    pub(crate) fn read(&mut self, rows: usize) {
        self.suspects = self.suspects.saturating_sub(rows);
        if self.suspects == 0 {
            self.depth = self.depth.saturating_sub(1);
        }
    }

    /// The bad row lies behind us.
    pub(crate) fn passed(&mut self) {
        self.suspects = 0;
    }

    fn rungs(&self) -> impl Iterator<Item = u16> {
        RUNGS.into_iter().filter(|rung| *rung < self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_shrinks_to_two_and_grows_again_behind_the_bad_row() {
        let mut ladder = Ladder::new(1000);
        let mut limits = vec![ladder.limit()];
        while ladder.shrink() {
            limits.push(ladder.limit());
        }
        assert_eq!(limits, [1000, 500, 100, 10, 2]);
        ladder.passed();
        let grown: Vec<_> = std::iter::repeat_with(|| {
            ladder.read(1);
            ladder.limit()
        })
        .take(5)
        .collect();
        assert_eq!(grown, [10, 100, 500, 1000, 1000]);
    }

    #[test]
    fn it_stays_small_until_the_bad_row_must_have_come() {
        let mut ladder = Ladder::new(1000);
        ladder.shrink();
        ladder.read(499);
        assert_eq!(ladder.limit(), 500);
        ladder.read(500);
        assert_eq!(ladder.limit(), 500);
        ladder.read(1);
        assert_eq!(ladder.limit(), 1000);
    }

    #[test]
    fn a_small_wish_has_few_rungs() {
        for (wanted, below) in [(2, vec![]), (10, vec![2]), (50, vec![10, 2]), (2000, vec![500, 100, 10, 2])]
        {
            let mut ladder = Ladder::new(wanted);
            let mut limits = Vec::new();
            while ladder.shrink() {
                limits.push(ladder.limit());
            }
            assert_eq!(limits, below);
        }
    }
}
