//! How long turns took and who waited how long, one or several kinds of times. Of each kind is asked how many, the shortest,
//! the middle one and the longest, and of most connections there are few: so all stand together, in as few octets as hold them.

use super::distribution::{Distribution, packed_steps, place_packed, step_of};
use crate::utils::prefetch::{LINE, prefetch};

/// So many samples of each kind, of all together, are kept as they are. Up to then what is in the middle is exact.
const AS_THEY_ARE: usize = 8;
/// No more kinds than this together.
const MOST_KINDS: usize = 4;
/// The octets that samples take at most before they are counted in a table instead.
const MOST_OCTETS: usize = 192;
/// Room for octets is made in rows of so many, less what the allocator puts before them.
const ROW: usize = 16;
const BEFORE: usize = 8;

/// Times of one kind, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many.
    pub count: u64,
    /// The shortest.
    pub min: i64,
    /// The one in the middle: exact for up to eight, then within 1 %.
    pub median: i64,
    /// The longest.
    pub max: i64,
}

/// Times of so many kinds, which are numbered from 0.
#[derive(Clone, Debug)]
pub struct Durations<const KINDS: usize> {
    octets: Box<[u8]>,
    kept: Kept<KINDS>,
}

/// How they are kept.
#[derive(Clone, Debug)]
enum Kept<const KINDS: usize> {
    /// Themselves in the octets: so many, in so many octets.
    AsTheyAre { samples: u8, used: u16 },
    /// While all are below 18 minutes: the steps they lie in, packed in the octets, kind after kind.
    Short(Short<KINDS>),
    /// In tables.
    Long(Box<[Long; KINDS]>),
}

impl<const KINDS: usize> Default for Durations<KINDS> {
    fn default() -> Self {
        Self {
            octets: Box::default(),
            kept: Kept::AsTheyAre {
                samples: 0,
                used: 0,
            },
        }
    }
}

impl<const KINDS: usize> Durations<KINDS> {
    /// Asks for the octets.
    pub fn prefetch_beside(&self) {
        for place in self.octets.iter().step_by(LINE) {
            prefetch(place);
        }
    }

    /// Adds a time of so many nanoseconds, 0 or more. `shift` is what will be taken off those of the first kind, as far as is
    /// known: it makes the steps as narrow as what is left asks for.
    pub fn add(&mut self, kind: usize, nanos: i64, shift: i64) {
        if let Kept::AsTheyAre { samples, used } = &mut self.kept {
            if usize::from(*samples) < AS_THEY_ARE * KINDS {
                let (octets, number) = as_octets(kind, nanos);
                let octets = &octets[..number];
                let at = usize::from(*used);
                make_room(&mut self.octets, at + number);
                self.octets[at..at + number].copy_from_slice(octets);
                *samples += 1;
                *used += number as u16;
                return;
            }
            self.count_steps(shift);
        }
        if let Kept::Short(short) = &mut self.kept {
            if short.add(&mut self.octets, kind, nanos) {
                return;
            }
            self.kept = Kept::Long(Box::new(short.at_large(&self.octets)));
            self.octets = Box::default();
        }
        if let Kept::Long(long) = &mut self.kept {
            long[kind].add(nanos);
        }
    }

    /// From now on counts in which steps the times lie.
    fn count_steps(&mut self, shift: i64) {
        let samples: Vec<_> = self.as_they_are().collect();
        let mut short = Short {
            base: u32::try_from(shift.max(0)).unwrap_or(u32::MAX),
            ..Short::default()
        };
        let mut octets = Box::default();
        for &(kind, nanos) in &samples {
            if !short.add(&mut octets, kind, nanos) {
                let mut long = std::array::from_fn(|kind| Long {
                    base: if kind == 0 { shift } else { 0 },
                    ..Long::default()
                });
                for &(kind, nanos) in &samples {
                    long[kind].add(nanos);
                }
                (self.octets, self.kept) = (Box::default(), Kept::Long(Box::new(long)));
                return;
            }
        }
        (self.octets, self.kept) = (octets, Kept::Short(short));
    }

    /// The times as long as they are kept as they are, with the index of their kind.
    fn as_they_are(&self) -> impl Iterator<Item = (usize, i64)> {
        let used = match self.kept {
            Kept::AsTheyAre { used, .. } => usize::from(used),
            Kept::Short(_) | Kept::Long(_) => 0,
        };
        let mut octets = self.octets[..used].iter();
        std::iter::from_fn(move || from_octets(&mut octets))
    }

    /// The figures of a kind, with one more time if there is one, and with so many nanoseconds taken off each; `None` without any.
    pub fn figures(&self, kind: usize, off: i64, more: Option<i64>) -> Option<Figures> {
        let mut all = match &self.kept {
            Kept::AsTheyAre { .. } => {
                let mut long = Long::default();
                let mine = self.as_they_are().filter(|&(of, _)| of == kind);
                mine.for_each(|(_, nanos)| long.add(nanos));
                long
            }
            Kept::Short(short) => short.of(&self.octets, kind),
            Kept::Long(long) => long[kind].clone(),
        };
        more.into_iter().for_each(|nanos| all.add(nanos));
        all.figures(off)
    }

    /// Octets of memory they take beside their own size.
    pub fn memory(&self) -> usize {
        let tables = match &self.kept {
            Kept::AsTheyAre { .. } | Kept::Short(_) => 0,
            Kept::Long(long) => {
                let beside = long.iter().map(|long| long.distribution.memory());
                size_of_val(&**long) + beside.sum::<usize>()
            }
        };
        self.octets.len() + tables
    }
}

/// Makes room for so many octets.
fn make_room(octets: &mut Box<[u8]>, number: usize) {
    if octets.len() < number {
        // Half as much again at least: each time costs more than the times that are kept.
        let wanted = number
            .max(octets.len() + octets.len() / 2)
            .min(MOST_OCTETS.max(number));
        let rows = (wanted + BEFORE).next_multiple_of(ROW) - BEFORE;
        let mut longer = std::mem::take(octets).into_vec();
        longer.reserve_exact(rows - longer.len());
        longer.resize(rows, 0);
        *octets = longer.into_boxed_slice();
    }
}

/// The most octets that one time takes: 2 bits for its kind and 63 for itself, seven in each.
const MOST_FOR_ONE: usize = 10;

/// A time in as few octets as hold it, the lowest seven bits first, each but the last with its highest bit set.
fn as_octets(kind: usize, nanos: i64) -> ([u8; MOST_FOR_ONE], usize) {
    let mut rest = u128::from(nanos.max(0).unsigned_abs()) << 2 | (kind % MOST_KINDS) as u128;
    let (mut octets, mut number) = ([0; MOST_FOR_ONE], 0);
    loop {
        octets[number] = rest as u8 & 0x7f;
        rest >>= 7;
        number += 1;
        if rest == 0 {
            return (octets, number);
        }
        octets[number - 1] |= 0x80;
    }
}

fn from_octets(octets: &mut std::slice::Iter<u8>) -> Option<(usize, i64)> {
    let (mut value, mut shift) = (0u128, 0);
    loop {
        let octet = *octets.next()?;
        value |= u128::from(octet & 0x7f) << shift;
        shift += 7;
        if octet & 0x80 == 0 {
            return Some((value as usize % MOST_KINDS, (value >> 2) as i64));
        }
    }
}

/// Nanoseconds below 2^40, which are 18 minutes.
#[derive(Clone, Copy, Debug, Default)]
struct Nanos([u8; 5]);

impl Nanos {
    /// `None` if they do not fit.
    fn new(nanos: i64) -> Option<Self> {
        let [a, b, c, d, e, 0, 0, 0] = nanos.to_le_bytes() else {
            return None;
        };
        Some(Self([a, b, c, d, e]))
    }

    fn get(self) -> i64 {
        let [a, b, c, d, e] = self.0;
        i64::from_le_bytes([a, b, c, d, e, 0, 0, 0])
    }
}

/// Times below 18 minutes.
#[derive(Clone, Copy, Debug)]
struct Short<const KINDS: usize> {
    /// The shortest and the longest of each kind.
    ranges: [(Nanos, Nanos); KINDS],
    /// What is taken off those of the first kind before their step is found.
    base: u32,
    /// How many are no more than that; of transfers, how many runs were a single packet.
    zeros: [u16; KINDS],
    /// The least step of the others.
    first: [u16; KINDS],
    /// The end of each kind's octets.
    ends: [u8; KINDS],
}

impl<const KINDS: usize> Default for Short<KINDS> {
    fn default() -> Self {
        Self {
            ranges: [(Nanos([0; 5]), Nanos([0; 5])); KINDS],
            base: 0,
            zeros: [0; KINDS],
            first: [0; KINDS],
            ends: [0; KINDS],
        }
    }
}

impl<const KINDS: usize> Short<KINDS> {
    fn place(&self, kind: usize) -> std::ops::Range<usize> {
        let start = kind.checked_sub(1).map_or(0, |before| self.ends[before]);
        usize::from(start)..usize::from(self.ends[kind])
    }

    fn base(&self, kind: usize) -> u32 {
        if kind == 0 { self.base } else { 0 }
    }

    /// Adds a time. Returns whether there is room for it.
    fn add(&mut self, octets: &mut Box<[u8]>, kind: usize, nanos: i64) -> bool {
        let Some(exact) = Nanos::new(nanos) else {
            return false;
        };
        let place = self.place(kind);
        let is_first = place.is_empty() && self.zeros[kind] == 0;
        match nanos.saturating_sub(i64::from(self.base(kind))) {
            ..=0 => match self.zeros[kind].checked_add(1) {
                Some(zeros) => self.zeros[kind] = zeros,
                None => return false,
            },
            more => {
                let mine = &octets[place.clone()];
                let mut first = self.first[kind];
                let (at, put, nearer) = place_packed(mine, &mut first, step_of(more));
                let used = usize::from(self.ends[KINDS - 1]);
                if used + put.len() > MOST_OCTETS {
                    return false;
                }
                make_room(octets, used + put.len());
                let at = place.start + at;
                if at < place.end {
                    octets[at] = octets[at].wrapping_sub(nearer << 1);
                }
                octets.copy_within(at..used, at + put.len());
                octets[at..at + put.len()].copy_from_slice(&put);
                self.first[kind] = first;
                for end in &mut self.ends[kind..] {
                    *end += put.len() as u8;
                }
            }
        }
        let (least, most) = &mut self.ranges[kind];
        if is_first || nanos < least.get() {
            *least = exact;
        }
        if is_first || nanos > most.get() {
            *most = exact;
        }
        true
    }

    /// The times of a kind.
    fn of(&self, octets: &[u8], kind: usize) -> Long {
        let mut long = Long {
            base: i64::from(self.base(kind)),
            ..Long::default()
        };
        let steps = packed_steps(&octets[self.place(kind)], self.first[kind]);
        let zeros = u32::from(self.zeros[kind]);
        long.distribution.add_steps(0, zeros);
        steps.for_each(|step| long.distribution.add_steps(step, 1));
        long.count = long.distribution.count();
        let (least, most) = self.ranges[kind];
        (long.min, long.max) = (least.get(), most.get());
        long
    }

    fn at_large(&self, octets: &[u8]) -> [Long; KINDS] {
        std::array::from_fn(|kind| self.of(octets, kind))
    }
}

/// Times of one kind, however many and however long.
#[derive(Clone, Debug, Default)]
struct Long {
    count: u64,
    min: i64,
    max: i64,
    /// What is taken off before they are put into the distribution.
    base: i64,
    distribution: Distribution,
}

impl Long {
    fn add(&mut self, nanos: i64) {
        if self.count == 0 {
            (self.min, self.max) = (nanos, nanos);
        }
        (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
        self.count += 1;
        self.distribution.add(nanos - self.base);
    }

    /// The figures with so many nanoseconds taken off each.
    fn figures(&self, off: i64) -> Option<Figures> {
        let middle = self.count.checked_sub(1)?.div_ceil(2);
        let median = (self.distribution.at(middle)? as i64).saturating_add(self.base);
        let less = |nanos: i64| nanos.saturating_sub(off).max(0);
        Some(Figures {
            count: self.count,
            min: less(self.min),
            median: less(median.clamp(self.min, self.max)),
            max: less(self.max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::distribution::PERCENTILE_ERROR;
    use super::*;

    /// The figures of the samples themselves.
    fn exactly(samples: &[i64], off: i64) -> Option<Figures> {
        let less = |nanos: &i64| (nanos - off).max(0);
        let mut sorted: Vec<_> = samples.iter().map(less).collect();
        sorted.sort_unstable();
        Some(Figures {
            count: sorted.len() as u64,
            min: *sorted.first()?,
            median: sorted[(sorted.len() - 1).div_ceil(2)],
            max: *sorted.last()?,
        })
    }

    #[test]
    fn times_of_clocks_that_were_set_have_figures_too() {
        for shift in [0, 1, 20_000_000, i64::MAX] {
            let mut durations = Durations::<1>::default();
            for at in 0..100 {
                durations.add(0, i64::MAX - at % 3, shift);
            }
            let figures = durations.figures(0, 0, None).unwrap();
            assert!(figures.min <= figures.median && figures.median <= figures.max);
            assert_eq!((figures.count, figures.max), (100, i64::MAX));
        }
    }

    #[test]
    fn a_time_is_read_as_it_was_written() {
        for nanos in [0, 1, 31, 32, 4095, 4096, 5_000_000_000, i64::MAX] {
            for kind in 0..MOST_KINDS {
                let (octets, number) = as_octets(kind, nanos);
                let mut octets = octets[..number].iter();
                assert_eq!(from_octets(&mut octets), Some((kind, nanos)));
                assert_eq!(octets.len(), 0);
            }
        }
    }

    /// The forms they go through must not show: the waits of one side are near a round trip that is taken off, the transfers mostly
    /// none, and one may be long.
    #[test]
    fn the_figures_are_right_in_every_form() {
        let long_ones = [0, 3, 7, 20, 90, 1000, -3, -20];
        // The kind that stands first, what is known of what will be taken off it, and what then is.
        let firsts = [(0, 300_000, 300_000), (1, 20_000_000, 19_990_000)];
        for (long_one, (first, shift, off)) in long_ones
            .into_iter()
            .flat_map(|long_one| firsts.map(|first| (long_one, first)))
        {
            let mut durations = Durations::<4>::default();
            let mut all: [Vec<i64>; 4] = Default::default();
            for at in 1..=1200i64 {
                let spread = at * 7919 % 1009;
                let think = 470_000_000 + spread * 800_000;
                let mut samples = [
                    if at == long_one {
                        9_000_000_000
                    } else if at == -long_one {
                        9_000_000_000_000
                    } else {
                        think
                    },
                    20_000_000 + (spread * spread) * 5,
                    0,
                    if at % 4 == 0 { spread * 100 } else { 0 },
                ];
                samples.swap(0, first);
                for (kind, nanos) in samples.into_iter().enumerate() {
                    durations.add(kind, nanos, shift);
                    all[kind].push(nanos);
                }
                for (kind, off) in [off, 0, 0, 0].into_iter().enumerate() {
                    let found = durations.figures(kind, off, None).unwrap();
                    let exact = exactly(&all[kind], off).unwrap();
                    let error = if at <= 8 { 0.0 } else { PERCENTILE_ERROR };
                    let far = (found.median - exact.median).abs() as f64;
                    assert!(
                        far <= exact.median as f64 * error + 1.0,
                        "{at} {kind} {found:?} {exact:?}"
                    );
                    assert_eq!(
                        Figures { median: 0, ..found },
                        Figures { median: 0, ..exact }
                    );
                }
                assert!(at > 40 || long_one != 0 || durations.memory() <= 160);
            }
            assert!(durations.memory() < 32 * 1024);
        }
    }

    #[test]
    fn one_more_counts_but_is_not_kept() {
        let mut durations = Durations::<2>::default();
        let kind = 1;
        assert_eq!(durations.figures(kind, 0, None), None);
        assert_eq!(durations.figures(kind, 0, Some(5)), exactly(&[5], 0));
        durations.add(kind, 7, 0);
        assert_eq!(durations.figures(kind, 0, Some(5)), exactly(&[5, 7], 0));
        assert_eq!(durations.figures(kind, 2, None), exactly(&[7], 2));
        assert!(durations.memory() <= 16);
    }
}
