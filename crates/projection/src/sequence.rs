use standpipe_cursor::{Resume, Seq};

use crate::Halt;

/// So many frames behind the cursor, and none beyond it, show that the host is behind us without saying so.
const BEHIND_AT_MOST: u32 = 50;

/// So many stale frames in a row show that the host was set back.
const STALE_AT_MOST: u32 = 100;

/// What a host's numbering means on one connection.
#[derive(Debug)]
pub(crate) struct Sequence {
    asked: Option<Seq>,
    last: Option<Seq>,
    has_advanced: bool,
    stale_in_a_row: u32,
}

/// Whether a frame is news.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Beyond all that was read.
    Fresh,
    /// At or before what was read: hosts differ on whether the cursor's own frame is sent again.
    Stale,
}

impl Sequence {
    pub(crate) fn resumed(resume: Resume) -> Self {
        let asked = match resume {
            Resume::Live | Resume::Oldest => None,
            Resume::After(seq) => Some(seq),
        };
        Self { asked, last: asked, has_advanced: false, stale_in_a_row: 0 }
    }

    /// What the host was asked to go on after.
    pub(crate) fn asked(&self) -> Option<Seq> {
        self.asked
    }

    /// Judges the next frame.
    pub(crate) fn judge(&mut self, seq: Seq) -> Result<Age, Halt> {
        let Some(last) = self.last.filter(|&last| seq <= last) else {
            self.last = Some(seq);
            self.has_advanced = true;
            self.stale_in_a_row = 0;
            return Ok(Age::Fresh);
        };
        self.stale_in_a_row += 1;
        match self.asked.filter(|_| !self.has_advanced) {
            Some(cursor) if self.stale_in_a_row >= BEHIND_AT_MOST && seq < cursor => {
                Err(Halt::CursorAhead { cursor: cursor.number(), seq: seq.number() })
            }
            Some(_) | None if self.stale_in_a_row > STALE_AT_MOST => {
                Err(Halt::WentBack { last: last.number(), seq: seq.number() })
            }
            Some(_) | None => Ok(Age::Stale),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    #[test]
    fn a_host_that_repeats_the_cursors_own_frame_is_as_good_as_one_that_does_not() {
        for first in [10, 11] {
            let mut sequence = Sequence::resumed(Resume::After(seq(10)));
            let ages: Vec<_> = (first..=12).map(|number| sequence.judge(seq(number)).unwrap()).collect();
            assert_eq!(ages.iter().filter(|age| **age == Age::Fresh).count(), 2, "{ages:?}");
        }
    }

    #[test]
    fn i2_what_was_read_before_is_stale_and_gaps_are_legal() {
        let mut sequence = Sequence::resumed(Resume::Live);
        let ages = [5, 900, 900, 899, 901].map(|number| sequence.judge(seq(number)).unwrap());
        assert_eq!(ages, [Age::Fresh, Age::Fresh, Age::Stale, Age::Stale, Age::Fresh]);
    }

    #[test]
    fn fifty_frames_behind_the_cursor_and_none_beyond_hold_the_host() {
        let mut sequence = Sequence::resumed(Resume::After(seq(1000)));
        for number in 1..50 {
            assert_eq!(sequence.judge(seq(number)), Ok(Age::Stale));
        }
        assert_eq!(sequence.judge(seq(50)), Err(Halt::CursorAhead { cursor: 1000, seq: 50 }));
    }

    #[test]
    fn a_host_that_is_set_back_after_it_went_on_is_left_after_a_hundred_frames() {
        let mut sequence = Sequence::resumed(Resume::After(seq(1000)));
        assert_eq!(sequence.judge(seq(1001)), Ok(Age::Fresh));
        for number in 1..=100 {
            assert_eq!(sequence.judge(seq(number)), Ok(Age::Stale));
        }
        assert_eq!(sequence.judge(seq(101)), Err(Halt::WentBack { last: 1001, seq: 101 }));
    }
}
