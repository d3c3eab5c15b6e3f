use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::mem;
use std::num::NonZeroUsize;

/// What was said of the accounts that were seen most recently, in bounded memory.
///
/// Accounts are told apart by 64 bits of a hash whose key is drawn anew each time, so that no host can aim at a
/// collision. Among 43 million accounts, the chance that any two of them collide is 1 in 20,000.
///
/// Two generations of half the bound each: when the young one is full, it becomes the old one, and the old one is
/// forgotten. So what was seen stays known for at least half the bound, and at most for the whole.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    key: RandomState,
    young: HashMap<u64, V>,
    old: HashMap<u64, V>,
    generation: usize,
}

impl<V: Copy> Recent<V> {
    /// Remembers at most so many accounts, or two if that is more. Nothing is allocated in advance.
    pub(crate) fn bounded(accounts: NonZeroUsize) -> Self {
        let generation = accounts.get().div_ceil(2);
        Self { key: RandomState::new(), young: HashMap::new(), old: HashMap::new(), generation }
    }

    /// Sets what is known of the account. Returns what was known before.
    pub(crate) fn meet(&mut self, did: &str, now: impl FnOnce(Option<V>) -> V) -> Option<V> {
        let hash = self.key.hash_one(did);
        let known = self.young.get(&hash).or_else(|| self.old.get(&hash)).copied();
        self.young.insert(hash, now(known));
        if self.young.len() >= self.generation {
            self.old = mem::take(&mut self.young);
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(accounts: usize) -> Recent<u32> {
        Recent::bounded(NonZeroUsize::new(accounts).unwrap())
    }

    #[test]
    fn what_was_seen_stays_known_for_half_the_bound() {
        let mut recent = bounded(100);
        for number in 0..1000_u32 {
            assert_eq!(recent.meet(&number.to_string(), |_| number), None);
            for before in number.saturating_sub(24)..number {
                assert_eq!(recent.meet(&before.to_string(), |known| known.unwrap()), Some(before));
            }
        }
    }

    #[test]
    fn i7_more_than_the_bound_is_never_remembered() {
        let mut recent = bounded(100);
        for number in 0..10_000_u32 {
            recent.meet(&number.to_string(), |_| number);
            assert!(recent.young.len() + recent.old.len() <= 100);
        }
        assert_eq!(recent.meet("0", |_| 0), None);
    }
}
