//! A set of octet ranges in bounded memory: what a receiver has selectively acknowledged.
//!
//! At most `MAX_RANGES` ranges are kept apart, sorted and disjoint. Beyond that the two lowest become one, with the gap between
//! them: a scoreboard that long belongs to a path that loses every second segment, and the lowest gap is the one that the next
//! acknowledgment settles anyway.

use std::ops::Range;

/// The most ranges that are kept apart.
pub const MAX_RANGES: usize = 256;

/// A set of octets of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Range<i64>>);

impl Ranges {
    /// No octets.
    pub const EMPTY: Ranges = Ranges(Vec::new());

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.0.capacity() * size_of::<Range<i64>>()
    }

    /// Adds the octets of a range. Returns how many were new. An empty or reversed range adds nothing.
    pub fn insert(&mut self, range: Range<i64>) -> i64 {
        if range.start >= range.end {
            return 0;
        }
        let first = self.0.partition_point(|old| old.end < range.start);
        let behind = self.0.partition_point(|old| old.start <= range.end);
        let touched = &self.0[first..behind];
        let known: i64 = touched.iter().map(|old| overlap(old, &range)).sum();
        let merged = touched.iter().fold(range.clone(), |sum, old| {
            sum.start.min(old.start)..sum.end.max(old.end)
        });
        self.0.splice(first..behind, [merged]);
        if self.0.len() > MAX_RANGES {
            self.join_lowest();
        }
        (range.end - range.start) - known
    }

    /// Makes one of the two lowest, if there are two, with the gap between them.
    pub fn join_lowest(&mut self) {
        if let [lowest, next, ..] = self.0.as_mut_slice() {
            next.start = lowest.start;
            self.0.remove(0);
        }
    }

    /// Gives memory back that was for many more.
    pub fn give_back(&mut self) {
        if self.0.capacity() > 16 + 4 * self.0.len() {
            self.0.shrink_to(2 * self.0.len());
        }
    }

    /// How many ranges are kept apart.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets everything before `offset`.
    pub fn remove_below(&mut self, offset: i64) {
        let whole = self.0.partition_point(|range| range.end <= offset);
        self.0.drain(..whole);
        if let Some(first) = self.0.first_mut() {
            first.start = first.start.max(offset);
        }
    }

    /// How many octets of `range` are in the set.
    pub fn overlap(&self, range: &Range<i64>) -> i64 {
        let first = self.0.partition_point(|old| old.end <= range.start);
        self.0[first..]
            .iter()
            .take_while(|old| old.start < range.end)
            .map(|old| overlap(old, range))
            .sum()
    }

    /// How many octets the set has at or above `offset`.
    pub fn above(&self, offset: i64) -> i64 {
        self.overlap(&(offset..i64::MAX))
    }

    /// Where the octets from `start` on end that are in the set without a gap; `start` itself if it is not in the set.
    pub fn end_of_first(&self, start: i64) -> i64 {
        let holding = self.0.iter().find(|range| range.contains(&start));
        holding.map_or(start, |range| range.end)
    }

    /// Whether the set has no octets.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The position behind the last octet.
    pub fn end(&self) -> Option<i64> {
        self.0.last().map(|range| range.end)
    }
}

/// How many octets two ranges have in common.
pub fn overlap(a: &Range<i64>, b: &Range<i64>) -> i64 {
    (a.end.min(b.end).saturating_sub(a.start.max(b.start))).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut set = Ranges::default();
        assert_eq!(set.insert(10..20), 10);
        assert_eq!(set.insert(30..40), 10);
        assert_eq!(set.insert(20..30), 10);
        assert_eq!((set.0.len(), set.end(), set.above(0)), (1, Some(40), 30));
        assert_eq!(set.insert(5..45), 10);
        assert_eq!(set.insert(9..9), 0);
    }

    #[test]
    fn the_number_of_ranges_is_bounded() {
        let mut set = Ranges::default();
        for at in 0..10_000 {
            set.insert(at * 10..at * 10 + 1);
        }
        assert_eq!(set.0.len(), MAX_RANGES);
        assert_eq!(set.end(), Some(99_991));
    }

    proptest! {
        #[test]
        fn agrees_with_a_set_of_octets(steps in proptest::collection::vec((0i64..200, 0i64..30, any::<bool>()), 1..60)) {
            let (mut set, mut model) = (Ranges::default(), BTreeSet::new());
            for (start, len, cut) in steps {
                if cut {
                    set.remove_below(start);
                    model = model.split_off(&start);
                } else {
                    let before = model.len();
                    model.extend(start..start + len);
                    prop_assert_eq!(set.insert(start..start + len), (model.len() - before) as i64);
                }
                prop_assert_eq!(set.above(i64::MIN), model.len() as i64);
                prop_assert_eq!(set.overlap(&(50..90)), model.range(50..90).count() as i64);
                prop_assert!(set.0.windows(2).all(|pair| pair[0].end < pair[1].start));
            }
        }
    }
}
