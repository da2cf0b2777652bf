//! A table that never grows beyond its capacity, whatever an attacker sends: in a full one the least weighty of a few entries
//! leaves for each newcomer. What counts much stays (the idea of space-saving sketches), what was seen once goes, and how many
//! went is known.

use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::{BuildHasher, Hash};

/// How many entries are compared when one has to leave.
const CANDIDATES: usize = 8;

/// What a value must say of itself to be kept or dropped.
pub trait Weight {
    /// The larger, the longer it stays; `u64::MAX` for what an alert is going on for.
    fn weight(&self) -> u64;
}

/// A table from keys to values with a fixed capacity.
#[derive(Debug)]
pub struct Bounded<K, V> {
    entries: Vec<(K, V)>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    capacity: usize,
    hand: usize,
    evicted: u64,
    /// Where the entry stands that was found last: an attack asks for one again and again.
    latest: usize,
}

impl<K: Copy + Eq + Hash, V: Weight> Bounded<K, V> {
    /// An empty table for at most `capacity` entries, at least one.
    pub fn new(capacity: usize) -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            capacity: capacity.max(1),
            hand: 0,
            evicted: 0,
            latest: 0,
        }
    }

    /// How many entries had to leave.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many entries there are.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entry of a key.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key)?;
        Some(&mut self.entries[at].1)
    }

    /// The entry of a key, made if there is none.
    pub fn entry(&mut self, key: K, make: impl FnOnce() -> V) -> &mut V {
        let at = match self.find(&key) {
            Some(at) => at,
            None => self.insert(key, make()),
        };
        &mut self.entries[at].1
    }

    /// Takes an entry out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key)?;
        Some(self.take(at))
    }

    fn find(&mut self, key: &K) -> Option<usize> {
        let entries = &self.entries;
        if entries
            .get(self.latest)
            .is_some_and(|entry| entry.0 == *key)
        {
            return Some(self.latest);
        }
        let hash = self.hasher.hash_one(key);
        let found = self
            .index
            .find(hash, |&at| entries[at as usize].0 == *key)?;
        self.latest = *found as usize;
        Some(self.latest)
    }

    fn insert(&mut self, key: K, value: V) -> usize {
        if self.entries.len() >= self.capacity {
            self.evict();
        }
        let at = self.entries.len();
        self.entries.push((key, value));
        let Self {
            entries, hasher, ..
        } = self;
        self.index
            .insert_unique(hasher.hash_one(key), at as u32, |&other| {
                hasher.hash_one(entries[other as usize].0)
            });
        at
    }

    fn evict(&mut self) {
        let len = self.entries.len();
        let at = (0..CANDIDATES.min(len))
            .map(|step| (self.hand + step) % len)
            .min_by_key(|&at| self.entries[at].1.weight());
        self.hand = (self.hand + CANDIDATES) % len;
        if let Some(at) = at {
            self.take(at);
            self.evicted += 1;
        }
    }

    /// Takes the entry at a place out; the last one moves there.
    fn take(&mut self, at: usize) -> V {
        let hash = self.hasher.hash_one(self.entries[at].0);
        if let Ok(found) = self.index.find_entry(hash, |&other| other as usize == at) {
            found.remove();
        }
        let last = self.entries.len() - 1;
        if at != last {
            let hash = self.hasher.hash_one(self.entries[last].0);
            if let Some(moved) = self.index.find_mut(hash, |&other| other as usize == last) {
                *moved = at as u32;
            }
        }
        self.entries.swap_remove(at).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for u64 {
        fn weight(&self) -> u64 {
            *self
        }
    }

    #[test]
    fn it_stays_within_its_capacity_and_keeps_what_is_heavy() {
        let mut table = Bounded::new(1000);
        for key in 0..1_000_000u32 {
            *table.entry(key, || 0) += 1;
            *table.entry(7_777_777, || 0) += 1;
        }
        assert_eq!((table.len(), table.evicted()), (1000, 1_000_001 - 1000));
        assert_eq!(table.get_mut(&7_777_777), Some(&mut 1_000_000));
    }

    #[test]
    fn entries_that_move_are_found_again() {
        let mut table = Bounded::new(10);
        for key in 0..5u32 {
            table.entry(key, || u64::from(key));
        }
        assert_eq!((table.remove(&1), table.remove(&1)), (Some(1), None));
        assert_eq!(table.len(), 4);
        for key in [0u32, 2, 3, 4] {
            assert_eq!(table.get_mut(&key), Some(&mut u64::from(key)));
        }
    }
}
