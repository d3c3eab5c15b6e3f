use std::fmt;
use std::num::NonZeroU64;

/// The number that a host gives to a frame: 1 to 2^53 - 1, rising, with arbitrary gaps.
///
/// Seqs are compared only within one host and one endpoint; another host numbers by itself.
/// Source: <https://atproto.com/specs/event-stream> (sequence numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(NonZeroU64);

impl Seq {
    /// The largest seq, 2^53 - 1: the largest integer that every JSON reader holds exactly.
    pub const MAX: u64 = (1 << 53) - 1;

    /// A seq, or `None` outside 1..=2^53 - 1.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        if number > Self::MAX {
            return None;
        }
        NonZeroU64::new(number).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_is_positive_and_at_most_two_to_the_53_less_one() {
        assert_eq!(Seq::new(0), None);
        assert_eq!(Seq::new(1).map(Seq::number), Some(1));
        assert_eq!(Seq::new(9_007_199_254_740_991).map(Seq::number), Some(Seq::MAX));
        assert_eq!(Seq::new(9_007_199_254_740_992), None);
    }
}
