//! The index by which connections are found: the slots of all that are kept, by the numbers of their endpoints.
//!
//! A look-up costs what it waits for memory and what the processor guesses wrong. So all that it reads stands in one line of memory,
//! mostly, which is known before the look-up begins and can be fetched for many segments at once ([`Index::prefetch`]; perf/NOTES.md);
//! a table of the usual kind keeps its tags and its entries apart. And the eight numbers of a line are compared all at once, where one
//! after the other would end sooner or later each time. What finds its line full goes to the next one, and comes back when there is
//! room (Knuth, The Art of Computer Programming 3, §6.4, algorithms L and R, with lines for places).

use super::pair_hash::PairHash;
use super::slot::Packed;
use crate::utils::prefetch::prefetch;

/// Slots in a line.
const WAYS: usize = 8;
/// Lines of the smallest table.
const FEWEST: usize = 2;

/// Slots with the numbers of their connections' endpoints: a look-up mostly knows by these alone. Those that are free come last.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    hashes: [PairHash; WAYS],
    slots: [Packed; WAYS],
}

const _: () = assert!(size_of::<Line>() == crate::utils::prefetch::LINE);

impl Line {
    const EMPTY: Line = Line {
        hashes: [PairHash::NONE; WAYS],
        slots: [Packed::NONE; WAYS],
    };

    fn is_full(&self) -> bool {
        self.slots[WAYS - 1] != Packed::NONE
    }

    fn len(&self) -> usize {
        let free = self.slots.iter().position(|&slot| slot == Packed::NONE);
        free.unwrap_or(WAYS)
    }

    /// A bit for each place that holds this number, or held it when it was last taken.
    #[inline]
    fn places_of(&self, hash: PairHash) -> u32 {
        let bits = self.hashes.iter().enumerate();
        bits.fold(0, |bits, (way, &other)| {
            bits | u32::from(other == hash) << way
        })
    }

    fn push(&mut self, (hash, slot): (PairHash, Packed)) {
        let free = self.len();
        (self.hashes[free], self.slots[free]) = (hash, slot);
    }

    fn take(&mut self, way: usize) -> (PairHash, Packed) {
        let taken = (self.hashes[way], self.slots[way]);
        let last = self.len() - 1;
        (self.hashes[way], self.slots[way]) = (self.hashes[last], self.slots[last]);
        self.slots[last] = Packed::NONE;
        taken
    }
}

/// Slots by numbers, of which several may be the same.
#[derive(Debug, Default)]
pub struct Index {
    /// None, or a power of two, of which a fifth is free at least: every search ends at one that is not full.
    lines: Vec<Line>,
    len: usize,
}

impl Index {
    /// Octets of memory it takes.
    pub fn memory(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }

    /// The line of a number.
    fn home(&self, hash: PairHash) -> usize {
        hash.number() as usize & self.lines.len().wrapping_sub(1)
    }

    fn behind(&self, line: usize) -> usize {
        (line + 1) & (self.lines.len() - 1)
    }

    /// How many lines a search goes on from one to another.
    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.lines.len() - 1)
    }

    /// Asks for the memory where a number is looked for.
    #[inline]
    pub fn prefetch(&self, hash: PairHash) {
        if let Some(line) = self.lines.get(self.home(hash)) {
            prefetch(line);
        }
    }

    /// The line and the place in it.
    #[inline]
    fn place(
        &self,
        hash: PairHash,
        mut is_wanted: impl FnMut(Packed) -> bool,
    ) -> Option<(usize, usize)> {
        let mut at = self.home(hash);
        loop {
            let line = self.lines.get(at)?;
            let mut places = line.places_of(hash);
            while places != 0 {
                let way = places.trailing_zeros() as usize % WAYS;
                let slot = line.slots[way];
                if slot != Packed::NONE && is_wanted(slot) {
                    return Some((at, way));
                }
                places &= places - 1;
            }
            if !line.is_full() {
                return None;
            }
            at = self.behind(at);
        }
    }

    /// The first slot with this number for which the condition holds.
    #[inline]
    pub fn find(&self, hash: PairHash, is_wanted: impl FnMut(Packed) -> bool) -> Option<Packed> {
        let (line, way) = self.place(hash, is_wanted)?;
        Some(self.lines[line].slots[way])
    }

    /// The same, to be changed into another slot.
    pub fn find_mut(
        &mut self,
        hash: PairHash,
        is_wanted: impl FnMut(Packed) -> bool,
    ) -> Option<&mut Packed> {
        let (line, way) = self.place(hash, is_wanted)?;
        Some(&mut self.lines[line].slots[way])
    }

    /// Adds a slot.
    pub fn insert(&mut self, hash: PairHash, slot: Packed) {
        if (self.len + 1) * 5 > self.lines.len() * WAYS * 4 {
            self.grow();
        }
        self.len += 1;
        self.put((hash, slot));
    }

    fn put(&mut self, entry: (PairHash, Packed)) {
        let mut line = self.home(entry.0);
        while self.lines[line].is_full() {
            line = self.behind(line);
        }
        self.lines[line].push(entry);
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.lines.len() * 2).max(FEWEST);
        let before = std::mem::replace(&mut self.lines, vec![Line::EMPTY; size]);
        for line in before {
            for way in 0..line.len() {
                self.put((line.hashes[way], line.slots[way]));
            }
        }
    }

    /// Takes a slot out.
    pub fn remove(&mut self, hash: PairHash, slot: Packed) {
        let Some((line, way)) = self.place(hash, |other| other == slot) else {
            return;
        };
        self.len -= 1;
        let mut was_full = self.lines[line].is_full();
        self.lines[line].take(way);
        // Whoever passed by because the line was full would not be found any more.
        let (mut gap, mut next) = (line, self.behind(line));
        while was_full {
            was_full = self.lines[next].is_full();
            if let Some(way) = self.passer_by(next, gap) {
                let moved = self.lines[next].take(way);
                self.lines[gap].push(moved);
                gap = next;
            }
            next = self.behind(next);
        }
    }

    /// Who stands in a line and passed by another one on the way there.
    fn passer_by(&self, line: usize, passed: usize) -> Option<usize> {
        let held = &self.lines[line];
        (0..held.len()).find(|&way| {
            let home = self.home(held.hashes[way]);
            self.distance(home, line) >= self.distance(passed, line)
        })
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
        assert_eq!(index.memory(), 256 * 64);
    }

    proptest! {
        /// Held against a map, with numbers that crowd in the last and the first lines of the table, more than there is room for.
        #[test]
        fn what_was_put_in_is_found_until_it_is_taken_out(
            steps in prop::collection::vec((0u8..4, 0u32..8, 0u32..24), 0..400)
        ) {
            let mut index = Index::default();
            let mut known = BTreeMap::new();
            for (insert, number, which) in steps {
                let (hash, slot) = (PairHash::of(number.wrapping_sub(4)), slot(number * 32 + which));
                if insert > 0 && !known.contains_key(&(number, which)) {
                    index.insert(hash, slot);
                    known.insert((number, which), slot);
                } else {
                    index.remove(hash, slot);
                    known.remove(&(number, which));
                }
                prop_assert_eq!(index.len, known.len());
                let mut held = 0;
                for number in 0..8u32 {
                    let hash = PairHash::of(number.wrapping_sub(4));
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
