use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

/// How many unreadable frames are remembered. A host is read past as many of them without a sound one in between;
/// at the pace that babble is met with, that many take hours to be seen at all.
const REMEMBERED: usize = 1024;

/// More different unreadable frames than this within a minute are no accident.
const TOLERATED: usize = 20;

const MINUTE_MICROS: u64 = 60_000_000;

/// The unreadable frames of one host that were met before.
///
/// Dropping the connection cures damage on the way, but brings back a frame that is broken at its origin, for ever.
/// So the memory is shared by all connections to the host, the one thing that survives them: what comes a second
/// time is skipped. Bounded; clones share one memory.
#[derive(Clone, Debug, Default)]
pub struct PoisonMemory {
    seen: Arc<Mutex<VecDeque<Seen>>>,
}

#[derive(Debug)]
struct Seen {
    digest: [u8; 32],
    at_micros: u64,
}

/// What to do about an unreadable frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Met for the first time.
    First,
    /// Met before: skip it.
    Again,
    /// Met for the first time, as the last of this many different ones within a minute.
    Babble(usize),
}

impl PoisonMemory {
    pub(crate) fn meet(&self, frame: &[u8], now_micros: u64) -> Sight {
        let digest: [u8; 32] = Sha256::digest(frame).into();
        // The deque is whole between any two statements, so a panic elsewhere leaves it usable.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.iter().any(|earlier| earlier.digest == digest) {
            return Sight::Again;
        }
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(Seen { digest, at_micros: now_micros });
        let is_recent = |earlier: &&Seen| now_micros.saturating_sub(earlier.at_micros) < MINUTE_MICROS;
        match seen.iter().filter(is_recent).count() {
            count if count > TOLERATED => Sight::Babble(count),
            _ => Sight::First,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_skipped_on_second_sight_over_any_connection() {
        let memory = PoisonMemory::default();
        assert_eq!(memory.clone().meet(b"bad", 0), Sight::First);
        assert_eq!(memory.clone().meet(b"bad", 1), Sight::Again);
        assert_eq!(memory.meet(b"worse", 2), Sight::First);
    }

    #[test]
    fn more_than_twenty_different_ones_within_a_minute_are_babble() {
        let memory = PoisonMemory::default();
        for number in 0..20_u8 {
            assert_eq!(memory.meet(&[number], 1), Sight::First);
        }
        assert_eq!(memory.meet(b"21st", 2), Sight::Babble(21));
        assert_eq!(memory.meet(b"later", MINUTE_MICROS + 2), Sight::First);
    }

    #[test]
    fn i7_the_memory_is_bounded() {
        let memory = PoisonMemory::default();
        for number in 0..2000_u32 {
            memory.meet(&number.to_be_bytes(), 0);
        }
        assert_eq!(memory.seen.lock().unwrap().len(), REMEMBERED);
        assert_eq!(memory.meet(&0_u32.to_be_bytes(), MINUTE_MICROS), Sight::First);
    }
}
