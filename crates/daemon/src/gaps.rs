use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use standpipe_cursor::Seq;

/// How many gaps of one host are kept; older ones are only counted.
const KEPT: usize = 20;

/// Numbers may be left out at will: a host takes events down, or numbers by something else. More than this many, with
/// [`LEAST_TIME`] between, is no such thing.
const LEAST_SEQS: u64 = 1_000;
/// Hosts that keep events for a day drop them by the hour. Less than this is a host that had nothing to say.
const LEAST_TIME: SignedDuration = SignedDuration::from_mins(10);

/// Rows of a list that a host could not serve.
const POISON_ROW: &str = "poison_row";

/// A stretch of events that a host did not have any more when it was asked for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// How it was noticed: `outdated_cursor` (the host says so), `silent_hole` (its numbers and times show it),
    /// `future_cursor_live` or `future_cursor_oldest` (an operator's word), `poison_row` (rows of a list that the host
    /// cannot serve were left out, as configured).
    pub reason: &'static str,
    /// The last seq before it, where one is known.
    pub from: Option<u64>,
    /// The time of the last event before it whose time is known; at most a minute of events lies between.
    pub from_time: Option<Timestamp>,
    /// The first seq after it; none as long as none came.
    pub to: Option<u64>,
    /// The time that the event after it gives itself.
    pub to_time: Option<Timestamp>,
    /// When it was noticed; where an earlier process did so, when this one learned of it.
    pub noticed_at: Timestamp,
    /// When it was read after all. Only rows of a list can be.
    pub closed_at: Option<Timestamp>,
}

/// The last gaps of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gaps {
    kept: VecDeque<Gap>,
    /// Ranges of a list that are to be read yet, `(after, through]`.
    owed: Vec<(u64, u64)>,
}

/// What became of a range that was owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repaid {
    /// All of it was read.
    Whole(u64, u64),
    /// A part was read.
    Part(u64, u64),
}

/// A seq and the time that its event gave itself: where a host was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) seq: u64,
    pub(crate) time: Timestamp,
}

impl Gaps {
    /// The gaps, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Gap> {
        self.kept.iter()
    }

    /// Writes a gap down. Answers whether it is another one than the host has told before: a connection that breaks
    /// before its first event is told of the same gap again.
    pub(crate) fn add(&mut self, gap: Gap) -> bool {
        let is_same = |known: &Gap| {
            known.to == gap.to
                && known.reason == gap.reason
                && known.from == gap.from
                && known.closed_at.is_none()
        };
        // Ranges of a list are met again in any order.
        let is_told_again = match gap.reason {
            POISON_ROW => self.kept.iter().any(is_same),
            _ => self.kept.back().is_some_and(is_same),
        };
        if is_told_again {
            return false;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(gap);
        true
    }

    /// These ranges of a list, `(after, through]`, are to be read yet, and no others. Answers what was read of those that
    /// were.
    pub(crate) fn owes(&mut self, owed: &[(u64, u64)]) -> Vec<Repaid> {
        let before = std::mem::replace(&mut self.owed, owed.to_vec());
        let touches = |range: &(u64, u64)| owed.iter().any(|left| left.0 < range.1 && range.0 < left.1);
        let repaid = before.iter().filter(|range| !owed.contains(range)).filter_map(|range| {
            let contains = |left: &(u64, u64)| range.0 <= left.0 && left.1 <= range.1;
            match range {
                (after, through) if !touches(range) => Some(Repaid::Whole(*after, *through)),
                (after, through) if owed.iter().any(contains) => Some(Repaid::Part(*after, *through)),
                // It has become one with another.
                _ => None,
            }
        });
        let repaid = repaid.collect();
        let now = Timestamp::now();
        for gap in self.kept.iter_mut().filter(|gap| gap.reason == POISON_ROW && gap.closed_at.is_none()) {
            let Some(range) = gap.range() else { continue };
            let was_owed = before.iter().any(|known| known.0 < range.1 && range.0 < known.1);
            if was_owed && !touches(&range) {
                gap.closed_at = Some(now);
            }
        }
        for (after, through) in owed.iter().filter(|range| !before.contains(range)) {
            // Of what is told already, no part is told anew.
            let is_told = self.kept.iter().any(|gap| {
                gap.reason == POISON_ROW
                    && gap.closed_at.is_none()
                    && gap.range().is_some_and(|range| range.0 < *through && *after < range.1)
            });
            if !is_told {
                let gap = Gap::new(POISON_ROW, Seq::new(*after), None);
                self.add(Gap { to: through.checked_add(1), ..gap });
            }
        }
        repaid
    }

    /// How many ranges of a list are to be read yet.
    pub(crate) fn owed(&self) -> usize {
        self.owed.len()
    }

    /// The first event after a gap came. Answers the gap that is known whole by it.
    pub(crate) fn close(&mut self, to: Seq, time: Option<Timestamp>) -> Option<Gap> {
        let open = self.kept.back_mut().filter(|last| last.to.is_none())?;
        open.to = Some(to.number());
        open.to_time = time;
        Some(open.clone())
    }
}

impl Position {
    /// The position as it is for a cursor that went on a little since the time was written down; `None` for one that
    /// was set back.
    pub(crate) fn moved_to(self, cursor: Seq) -> Option<Self> {
        let seq = cursor.number();
        (self.seq <= seq).then_some(Self { seq, ..self })
    }
}

impl Gap {
    pub(crate) fn new(reason: &'static str, from: Option<Seq>, left: Option<Position>) -> Self {
        let from = from.map(Seq::number);
        let from_time = left.filter(|left| from.is_some_and(|from| left.seq <= from)).map(|left| left.time);
        let noticed_at = Timestamp::now();
        Self { reason, from, from_time, to: None, to_time: None, noticed_at, closed_at: None }
    }

    /// The range of a list that it is, `(after, through]`.
    fn range(&self) -> Option<(u64, u64)> {
        Some((self.from?, self.to?.checked_sub(1)?))
    }

    /// The gap that a host does not speak of, but shows: it was asked to go on where it was left, and its first event
    /// is far from there both by number and by time.
    pub(crate) fn shown(left: Position, first: Seq, time: Option<Timestamp>) -> Option<Self> {
        let (seqs, time) = (first.number().checked_sub(left.seq)?, time?);
        if seqs <= LEAST_SEQS || time.duration_since(left.time) <= LEAST_TIME {
            return None;
        }
        let gap = Self::new("silent_hole", Seq::new(left.seq), Some(left));
        Some(Self { to: Some(first.number()), to_time: Some(time), ..gap })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number).unwrap()
    }

    #[test]
    fn a_hole_shows_only_where_both_number_and_time_jump() {
        let time: Timestamp = "2026-07-04T14:00:00Z".parse().unwrap();
        let left = Position { seq: 10_000, time };
        let after = |seconds| Some(time + SignedDuration::from_secs(seconds));
        for (first, then, is_hole) in [
            (10_001, after(86_400), false),
            (11_000, after(86_400), false),
            (11_001, after(86_400), true),
            (50_000, after(600), false),
            (50_000, after(601), true),
            // The host was renumbered, and repeats a day: nothing is missing.
            (9_000_000, after(-86_400), false),
            (50_000, None, false),
            (9_000, after(86_400), false),
        ] {
            let gap = Gap::shown(left, seq(first), then);
            assert_eq!(gap.is_some(), is_hole, "{first} {then:?}");
            if let Some(gap) = gap {
                assert_eq!((gap.from, gap.to, gap.to_time), (Some(10_000), Some(first), then));
            }
        }
    }

    #[test]
    fn the_same_gap_told_again_is_one_and_closed_once() {
        let mut gaps = Gaps::default();
        assert!(gaps.add(Gap::new("outdated_cursor", Some(seq(5)), None)));
        assert!(!gaps.add(Gap::new("outdated_cursor", Some(seq(5)), None)));
        assert_eq!(gaps.close(seq(900), None).and_then(|gap| gap.to), Some(900));
        assert_eq!(gaps.close(seq(901), None), None);
        assert!(gaps.add(Gap::new("outdated_cursor", Some(seq(5)), None)));
        assert_eq!(gaps.iter().count(), 2);
    }

    fn shown(gaps: &Gaps) -> Vec<(Option<u64>, Option<u64>, bool)> {
        gaps.iter().map(|gap| (gap.from, gap.to, gap.closed_at.is_some())).collect()
    }

    #[test]
    fn a_range_of_a_list_is_open_until_it_is_owed_no_more() {
        let mut gaps = Gaps::default();
        let poison = |after, to| Gap { to: Some(to), ..Gap::new("poison_row", Some(seq(after)), None) };
        assert!(gaps.add(poison(10, 12)));
        assert_eq!(gaps.owes(&[(10, 11)]), []);
        assert!(gaps.add(poison(50, 54)));
        // Met again by a walk that began anew.
        assert!(!gaps.add(poison(10, 12)));
        assert_eq!(gaps.owes(&[(10, 11), (50, 53)]), []);
        assert_eq!(gaps.owes(&[(50, 51)]), [Repaid::Whole(10, 11), Repaid::Part(50, 53)]);
        assert_eq!(shown(&gaps), [(Some(10), Some(12), true), (Some(50), Some(54), false)]);
        assert_eq!((gaps.owes(&[]), gaps.owed()), (vec![Repaid::Whole(50, 51)], 0));
        assert_eq!(shown(&gaps), [(Some(10), Some(12), true), (Some(50), Some(54), true)]);
        // One that fails anew is another gap.
        assert!(gaps.add(poison(10, 12)));
    }

    #[test]
    fn i5_what_an_earlier_process_left_is_shown() {
        let mut gaps = Gaps::default();
        assert_eq!(gaps.owes(&[(10, 11), (50, 53)]), []);
        assert_eq!(shown(&gaps), [(Some(10), Some(12), false), (Some(50), Some(54), false)]);
        assert_eq!(gaps.owes(&[(10, 11), (50, 53)]), []);
        assert_eq!(gaps.owes(&[(10, 20), (50, 53)]), []);
        assert_eq!((gaps.owed(), shown(&gaps).len()), (2, 2));
    }

    #[test]
    fn i7_only_the_last_gaps_are_kept() {
        let mut gaps = Gaps::default();
        for number in 1..=100 {
            gaps.add(Gap::new("outdated_cursor", Some(seq(number)), None));
        }
        assert_eq!(gaps.iter().count(), KEPT);
        assert_eq!(gaps.iter().next().and_then(|gap| gap.from), Some(81));
    }
}
