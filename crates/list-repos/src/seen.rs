use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use standpipe_cursor::Cursor;

/// The cursors of a run, as hashes, the newest of them.
///
/// The hashes are keyed anew in each run, so that two cursors that collide in one do not in the next.
pub(crate) struct Seen {
    hashes: HashSet<u64>,
    order: VecDeque<u64>,
    cap: usize,
    keys: RandomState,
}

impl Seen {
    /// Remembers at most so many: about 30 bytes each.
    pub(crate) fn with_cap(cap: usize) -> Self {
        Self { hashes: HashSet::new(), order: VecDeque::new(), cap, keys: RandomState::new() }
    }

    pub(crate) fn contains(&self, cursor: &Cursor) -> bool {
        self.hashes.contains(&self.keys.hash_one(cursor))
    }

    pub(crate) fn insert(&mut self, cursor: &Cursor) {
        let hash = self.keys.hash_one(cursor);
        if !self.hashes.insert(hash) {
            return;
        }
        self.order.push_back(hash);
        if self.order.len() > self.cap
            && let Some(oldest) = self.order.pop_front()
        {
            self.hashes.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i7_the_newest_cursors_are_remembered_and_no_more() {
        let mut seen = Seen::with_cap(3);
        let cursor = |number: u32| Cursor::parse(&number.to_string()).unwrap();
        for number in 1..=5 {
            assert!(!seen.contains(&cursor(number)));
            seen.insert(&cursor(number));
            seen.insert(&cursor(number));
            assert!(seen.contains(&cursor(number)));
        }
        let known: Vec<_> = (1..=5).filter(|number| seen.contains(&cursor(*number))).collect();
        assert_eq!(known, [3, 4, 5]);
        assert_eq!((seen.hashes.len(), seen.order.len()), (3, 3));
    }
}
