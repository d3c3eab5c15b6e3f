use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// A map that forgets what was not used for long: at most so many entries, in two generations.
///
/// When the young half is full, the old half is forgotten and the young one becomes old. Whatever is used is young again.
pub(crate) struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash, V> Generations<K, V> {
    pub(crate) fn with_cap(entries: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (entries / 2).max(1) }
    }

    pub(crate) fn get_mut<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        if let Some((key, value)) = self.old.remove_entry(key) {
            self.insert(key, value);
        }
        self.young.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        self.old.remove(&key);
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        self.young.remove(key);
        self.old.remove(key);
    }

    /// All entries, those that were used last before the others.
    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }

    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i7_never_more_than_the_cap_and_what_is_used_stays() {
        let mut map = Generations::with_cap(10);
        for number in 0..1000 {
            map.insert(number, number);
            assert!(map.len() <= 10);
            assert_eq!(map.get_mut(&0), Some(&mut 0), "{number}");
            assert_eq!(map.get_mut(&number), Some(&mut number.clone()));
        }
        assert_eq!(map.get_mut(&500), None);
        assert!(map.values().count() == map.len() && map.values().take(5).any(|value| *value == 0));
        map.remove(&0);
        assert_eq!(map.get_mut(&0), None);
    }
}
