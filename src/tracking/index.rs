//! The index by which connections are found: the slots of all that are kept, by the numbers of their endpoints.
//!
//! A look-up costs what it waits for memory, so that what it reads should mostly stand in one line, and the line should be known
//! before the look-up begins, to be fetched for many segments at once ([`Index::prefetch`]; perf/NOTES.md). That rules out a table of the
//! usual kind, which keeps its tags and its entries apart. This one has open addressing with linear probing, and closes the gap where
//! an entry is taken out (Knuth, The Art of Computer Programming 3, §6.4, algorithms L and R).

use super::pair_hash::PairHash;
use super::slot::Packed;
use crate::utils::prefetch::prefetch;

/// Entries of the smallest table.
const FEWEST: usize = 16;

/// A slot with the number of its connection's endpoints: a look-up mostly knows by it alone. Aligned, so that none stands in two
/// lines.
#[derive(Clone, Copy, Debug)]
#[repr(align(8))]
struct Entry {
    hash: PairHash,
    slot: Packed,
}

impl Entry {
    fn is_free(self) -> bool {
        self.slot == Packed::NONE
    }
}

/// Slots by numbers, of which several may be the same.
#[derive(Debug, Default)]
pub struct Index {
    /// None, or a power of two, of which a fifth are free at least: every search ends at a free one.
    entries: Vec<Entry>,
    len: usize,
}

impl Index {
    /// Octets of memory it takes.
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    /// Where the entries of a number begin.
    fn home(&self, hash: PairHash) -> usize {
        hash.number() as usize & self.entries.len().wrapping_sub(1)
    }

    fn behind(&self, place: usize) -> usize {
        (place + 1) & (self.entries.len() - 1)
    }

    /// Asks for the memory where a number is looked for.
    #[inline]
    pub fn prefetch(&self, hash: PairHash) {
        if let Some(entry) = self.entries.get(self.home(hash)) {
            prefetch(entry);
        }
    }

    #[inline]
    fn place(&self, hash: PairHash, mut is_wanted: impl FnMut(Packed) -> bool) -> Option<usize> {
        let mut place = self.home(hash);
        loop {
            let entry = *self.entries.get(place)?;
            if entry.is_free() {
                return None;
            }
            if entry.hash == hash && is_wanted(entry.slot) {
                return Some(place);
            }
            place = self.behind(place);
        }
    }

    /// The first slot with this number for which the condition holds.
    #[inline]
    pub fn find(&self, hash: PairHash, is_wanted: impl FnMut(Packed) -> bool) -> Option<Packed> {
        let place = self.place(hash, is_wanted)?;
        Some(self.entries[place].slot)
    }

    /// The same, to be changed into another slot.
    pub fn find_mut(
        &mut self,
        hash: PairHash,
        is_wanted: impl FnMut(Packed) -> bool,
    ) -> Option<&mut Packed> {
        let place = self.place(hash, is_wanted)?;
        Some(&mut self.entries[place].slot)
    }

    /// Adds a slot.
    pub fn insert(&mut self, hash: PairHash, slot: Packed) {
        if (self.len + 1) * 5 > self.entries.len() * 4 {
            self.grow();
        }
        self.len += 1;
        self.put(Entry { hash, slot });
    }

    fn put(&mut self, entry: Entry) {
        let mut place = self.home(entry.hash);
        while !self.entries[place].is_free() {
            place = self.behind(place);
        }
        self.entries[place] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        const FREE: Entry = Entry {
            hash: PairHash::NONE,
            slot: Packed::NONE,
        };
        let size = (self.entries.len() * 2).max(FEWEST);
        let before = std::mem::replace(&mut self.entries, vec![FREE; size]);
        let held = before.into_iter().filter(|entry| !entry.is_free());
        held.for_each(|entry| self.put(entry));
    }

    /// Takes a slot out.
    pub fn remove(&mut self, hash: PairHash, slot: Packed) {
        let Some(mut gap) = self.place(hash, |other| other == slot) else {
            return;
        };
        self.len -= 1;
        let distance = |from: usize, to: usize, mask: usize| to.wrapping_sub(from) & mask;
        let mask = self.entries.len() - 1;
        let mut place = self.behind(gap);
        while !self.entries[place].is_free() {
            let home = self.home(self.entries[place].hash);
            // Whoever searches it from its home on passes the gap: it may as well stand there.
            if distance(home, place, mask) >= distance(gap, place, mask) {
                self.entries[gap] = self.entries[place];
                gap = place;
            }
            place = self.behind(place);
        }
        self.entries[gap].slot = Packed::NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::slot::Slot;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn slot(number: u32) -> Packed {
        Packed::of(Slot::Full(number))
    }

    #[test]
    fn an_empty_one_finds_nothing_and_a_full_one_grows() {
        let mut index = Index::default();
        assert_eq!(index.find(PairHash::of(7), |_| true), None);
        index.prefetch(PairHash::of(7));
        index.remove(PairHash::of(7), slot(7));
        for number in 0..1000 {
            index.insert(PairHash::of(number * 8), slot(number));
        }
        for number in 0..1000 {
            let found = index.find(PairHash::of(number * 8), |_| true);
            assert_eq!(found, Some(slot(number)));
        }
        assert_eq!(index.memory(), 2048 * 8);
    }

    proptest! {
        /// Held against a map, with numbers that crowd at the end and the beginning of the table.
        #[test]
        fn what_was_put_in_is_found_until_it_is_taken_out(
            steps in prop::collection::vec((any::<bool>(), 0u32..24, 0u32..3), 0..400)
        ) {
            let mut index = Index::default();
            let mut known = BTreeMap::new();
            for (insert, number, which) in steps {
                let (hash, slot) = (PairHash::of(number.wrapping_sub(8)), slot(number * 4 + which));
                if insert && !known.contains_key(&(number, which)) {
                    index.insert(hash, slot);
                    known.insert((number, which), slot);
                } else {
                    index.remove(hash, slot);
                    known.remove(&(number, which));
                }
                prop_assert_eq!(index.len, known.len());
                let mut held = 0;
                for number in 0..24u32 {
                    let hash = PairHash::of(number.wrapping_sub(8));
                    // Every one is passed by, and nothing else.
                    let mut passed = Vec::new();
                    let found = index.find(hash, |slot| {
                        passed.push(slot);
                        false
                    });
                    prop_assert_eq!(found, None);
                    held += passed.len();
                    for slot in passed {
                        let is_known = known.iter().any(|(&(of, _), &one)| of == number && one == slot);
                        prop_assert!(is_known);
                    }
                }
                prop_assert_eq!(held, known.len());
            }
        }
    }
}
