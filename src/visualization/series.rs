//! What a graph remembers of a connection while packets flow: samples in bounded memory.
//!
//! A series keeps every sample until it is full. Then neighbours that lie closer together than a graph could show are merged,
//! each merged sample keeping what a drawing needs: the first and last value, and the lowest and highest between them. So the
//! picture is that of all samples, in memory that does not depend on how many there were. Sums over time work the same way:
//! bins become twice as wide when they run out.

use crate::utils::time::Timestamp;

/// Samples that a series keeps at most: a few per pixel column of a large graph.
pub const CAPACITY: usize = 4096;

/// A sample that can take in the one behind it.
pub trait Sample: Copy {
    /// Takes in the next sample, so that one stands for both.
    fn absorb(&mut self, next: &Self);
}

/// Values in the order in which they came.
#[derive(Clone, Debug)]
pub struct Series<T> {
    samples: Vec<(Timestamp, T)>,
    /// Samples that fall into the same span of so many nanoseconds are merged; 0 while every sample stands by itself.
    width: i64,
}

impl<T> Default for Series<T> {
    fn default() -> Self {
        Self {
            samples: Vec::new(),
            width: 0,
        }
    }
}

impl<T: Sample> Series<T> {
    /// Adds a sample.
    pub fn push(&mut self, time: Timestamp, sample: T) {
        if let Some((at, last)) = self.samples.last_mut()
            && self.width > 0
            && at.nanos().div_euclid(self.width) == time.nanos().div_euclid(self.width)
        {
            last.absorb(&sample);
            return;
        }
        if self.samples.len() >= CAPACITY {
            self.thin_out();
        }
        self.samples.push((time, sample));
    }

    /// Merges neighbours until half of the room is free again, whatever their times are.
    fn thin_out(&mut self) {
        let (first, last) = (self.samples[0].0, self.samples[self.samples.len() - 1].0);
        let even = last.since(first).max(0) / (CAPACITY as i64 / 2);
        self.width = self.width.saturating_mul(2).max(even).max(1);
        let width = self.width;
        self.merge(|a, b, _| a.nanos().div_euclid(width) == b.nanos().div_euclid(width));
        if self.samples.len() > CAPACITY / 2 {
            // Times that jump to and fro: every second sample goes into the one before it.
            self.merge(|_, _, at| at % 2 == 1);
        }
    }

    fn merge(&mut self, belong_together: impl Fn(Timestamp, Timestamp, usize) -> bool) {
        let mut kept = 0;
        for at in 1..self.samples.len() {
            let (time, sample) = self.samples[at];
            if belong_together(self.samples[kept].0, time, at) {
                self.samples[kept].1.absorb(&sample);
            } else {
                kept += 1;
                self.samples[kept] = (time, sample);
            }
        }
        self.samples.truncate(kept + 1);
    }

    /// The samples, each with the time of the first that it stands for.
    pub fn samples(&self) -> &[(Timestamp, T)] {
        &self.samples
    }

    /// How many samples are kept.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Memory beside the series itself, in octets.
    pub fn memory(&self) -> usize {
        self.samples.capacity() * size_of::<(Timestamp, T)>()
    }

    /// Whether samples were merged, and over how many nanoseconds each now goes; 0 while each stands by itself.
    pub fn merged_over(&self) -> i64 {
        self.width
    }
}

/// A value that goes up and down: an acknowledgment, a window, a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// The first of the merged values.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The lowest.
    pub low: i64,
    /// The highest.
    pub high: i64,
    /// How many values they were.
    pub count: u32,
}

impl Value {
    /// One value.
    pub const fn of(value: i64) -> Self {
        Self {
            first: value,
            last: value,
            low: value,
            high: value,
            count: 1,
        }
    }
}

impl Sample for Value {
    fn absorb(&mut self, next: &Self) {
        self.count = self.count.saturating_add(next.count);
        self.last = next.last;
        self.low = self.low.min(next.low);
        self.high = self.high.max(next.high);
    }
}

/// Octets that a segment covers, and until when: merged segments reach from the first to the last of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first octet.
    pub low: i64,
    /// Behind the last octet.
    pub high: i64,
    /// The time of the last segment in it.
    pub until: Timestamp,
    /// How many segments it stands for.
    pub count: u32,
}

impl Sample for Span {
    fn absorb(&mut self, next: &Self) {
        self.low = self.low.min(next.low);
        self.high = self.high.max(next.high);
        self.until = self.until.max(next.until);
        self.count = self.count.saturating_add(next.count);
    }
}

/// Sums per span of time, for rates.
#[derive(Clone, Debug)]
pub struct Bins {
    begin: Option<Timestamp>,
    /// The place of the width in the table.
    step: usize,
    sums: Vec<u64>,
    limit: usize,
}

/// Widths of bins in nanoseconds, from a tenth of a millisecond to half a year: each a multiple of the one before it, so that
/// bins merge whole, and each a round time, so that a graph can say it.
const WIDTHS: [i64; 21] = [
    100_000,
    200_000,
    1_000_000,
    2_000_000,
    10_000_000,
    20_000_000,
    100_000_000,
    200_000_000,
    1_000_000_000,
    2_000_000_000,
    10_000_000_000,
    60_000_000_000,
    120_000_000_000,
    600_000_000_000,
    3_600_000_000_000,
    7_200_000_000_000,
    21_600_000_000_000,
    86_400_000_000_000,
    604_800_000_000_000,
    2_419_200_000_000_000,
    14_515_200_000_000_000,
];

impl Default for Bins {
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Bins {
    /// No sums yet, and never more than `limit` of them, (1200 at least, which reach over all times there are). The first bin begins at the
    /// first time.
    pub fn new(limit: usize) -> Self {
        Self {
            begin: None,
            step: 0,
            sums: Vec::new(),
            limit: limit.max(1200),
        }
    }

    /// The same with the first bin beginning at a given time: bins with the same beginning lie over each other.
    pub fn beginning(begin: Timestamp, limit: usize) -> Self {
        Self {
            begin: Some(begin),
            ..Self::new(limit)
        }
    }

    /// Adds an amount at a time. What comes before the first bin counts there.
    pub fn add(&mut self, time: Timestamp, amount: u64) {
        let begin = *self.begin.get_or_insert(time);
        let nanos = time.since(begin).max(0);
        while nanos / self.width() >= self.limit as i64 && self.step + 1 < WIDTHS.len() {
            self.widen();
        }
        let at = ((nanos / self.width()) as usize).min(self.limit - 1);
        if at >= self.sums.len() {
            self.sums.resize(at + 1, 0);
        }
        self.sums[at] = self.sums[at].saturating_add(amount);
    }

    fn widen(&mut self) {
        let before = self.width();
        self.step += 1;
        let together = (self.width() / before) as usize;
        let merged = self.sums.chunks(together);
        self.sums = merged
            .map(|bins| {
                bins.iter()
                    .fold(0, |sum: u64, &bin| sum.saturating_add(bin))
            })
            .collect();
    }

    /// The narrowest width in nanoseconds that is neither below that of the bins nor below `least`.
    pub fn width_from(&self, least: i64) -> i64 {
        let widths = WIDTHS[self.step..].iter().copied();
        widths
            .clone()
            .find(|&width| width >= least)
            .unwrap_or(WIDTHS[WIDTHS.len() - 1])
    }

    /// Spreads the sums over `number` equal spans of time from `from`, each `width` nanoseconds long (at least one). A bin that
    /// lies in several spans is divided among them as its time is.
    pub fn spread(&self, from: Timestamp, width: i64, number: usize) -> Vec<f64> {
        let mut spread = vec![0.0; number];
        let (Some(begin), width) = (self.begin, width.max(1) as f64) else {
            return spread;
        };
        let first = begin.since(from) as f64;
        for (at, &sum) in self.sums.iter().enumerate().filter(|(_, sum)| **sum > 0) {
            let own = self.width() as f64;
            let start = (first + at as f64 * own) / width;
            let end = start + own / width;
            let spans = start.floor().max(0.0) as usize..(end.ceil().max(0.0) as usize).min(number);
            for span in spans {
                let shared = end.min(span as f64 + 1.0) - start.max(span as f64);
                spread[span] += sum as f64 * shared.max(0.0) / (end - start);
            }
        }
        spread
    }

    /// The sum of all.
    pub fn total(&self) -> u64 {
        self.sums
            .iter()
            .fold(0, |sum, &next| sum.saturating_add(next))
    }

    /// How long a bin is in nanoseconds.
    pub const fn width(&self) -> i64 {
        WIDTHS[self.step]
    }

    /// How many bins are kept.
    pub fn len(&self) -> usize {
        self.sums.len()
    }

    /// Memory beside the bins themselves, in octets.
    pub fn memory(&self) -> usize {
        self.sums.capacity() * size_of::<u64>()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn few_samples_stand_by_themselves() {
        let mut series = Series::default();
        for value in 0..100 {
            series.push(at(value), Value::of(value));
        }
        assert_eq!((series.len(), series.merged_over()), (100, 0));
    }

    #[test]
    fn a_million_samples_keep_first_last_and_extremes() {
        let mut series = Series::default();
        for value in 0..1_000_000 {
            let odd = if value == 777_777 { -5 } else { value };
            series.push(at(value * 1000), Value::of(odd));
        }
        assert!(series.len() <= CAPACITY && series.len() > CAPACITY / 4);
        let samples = series.samples();
        assert_eq!((samples[0].1.first, samples[0].0), (0, at(0)));
        assert_eq!(samples[samples.len() - 1].1.last, 999_999);
        assert!(samples.iter().any(|(_, value)| value.low == -5));
    }

    #[test]
    fn bins_widen_and_keep_the_sum() {
        let mut bins = Bins::new(1200);
        for second in 0..86_400 {
            bins.add(at(second * 1_000_000_000), 3);
        }
        assert!(bins.len() <= 1200);
        assert_eq!(bins.total(), 3 * 86_400);
        let spread = bins.spread(at(0), 86_400_000_000_000 / 4, 4);
        let sum: f64 = spread.iter().sum();
        assert!(sum <= 3.0 * 86_400.0 + 1e-6 && sum > 0.99 * 3.0 * 86_400.0);
        assert!(
            (spread[0] - spread[1]).abs() < 1.0,
            "even traffic stays even: {spread:?}"
        );
    }

    #[test]
    fn widths_are_multiples_and_reach_over_all_times() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
        // The range of a timestamp is 584 years.
        assert!(i64::MAX / WIDTHS[WIDTHS.len() - 1] < 1200);
    }

    proptest! {
        #[test]
        fn memory_is_bounded_whatever_the_times(times in proptest::collection::vec(any::<i64>(), 0..10_000)) {
            let (mut series, mut bins) = (Series::default(), Bins::new(1200));
            let mut segments = Series::default();
            for &time in &times {
                series.push(at(time), Value::of(time));
                segments.push(at(time), Span { low: time, high: time, until: at(time), count: 1 });
                bins.add(at(time), 1);
            }
            prop_assert!(series.len() <= CAPACITY && bins.len() <= 1200);
            prop_assert_eq!(bins.total(), times.len() as u64);
            let counted: u64 = segments.samples().iter().map(|(_, span)| u64::from(span.count)).sum();
            prop_assert_eq!(counted, times.len() as u64);
            let lowest = series.samples().iter().map(|(_, value)| value.low).min();
            prop_assert_eq!(lowest, times.iter().copied().min());
        }
    }
}
