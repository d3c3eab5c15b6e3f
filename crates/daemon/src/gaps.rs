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
    /// When it was noticed.
    pub noticed_at: Timestamp,
}

/// The last gaps of one host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gaps {
    kept: VecDeque<Gap>,
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
        let is_told_again = self
            .kept
            .back()
            .is_some_and(|last| last.to == gap.to && last.reason == gap.reason && last.from == gap.from);
        if is_told_again {
            return false;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(gap);
        true
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
        Self { reason, from, from_time, to: None, to_time: None, noticed_at }
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
