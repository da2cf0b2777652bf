//! Round-trip times: samples of one kind, and the retransmission timer's estimate from them (RFC 6298 §2).

use crate::utils::maybe::Maybe;
use crate::utils::prefetch::prefetch;
use crate::utils::time::NANOS_PER_MILLI;
use arrayvec::ArrayVec;

/// Up to this many samples the percentiles are exact.
const EXACT_SAMPLES: usize = 32;
/// The relative error of percentiles from then on.
pub const PERCENTILE_ERROR: f64 = 0.01;
/// Samples that are taken in at once: the figures are a memory access away, so they are not fetched for each one.
const AT_ONCE: usize = 6;

/// So many samples are kept as they are before figures are made of them: most connections have no more, and nobody asks before
/// the end.
const AS_THEY_ARE: usize = 3 * AT_ONCE;

/// Samples of one kind, in nanoseconds, and all figures about them.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    latest: ArrayVec<u32, AT_ONCE>,
    earlier: Option<Box<Earlier>>,
}

/// The samples before the latest.
#[derive(Clone, Debug)]
enum Earlier {
    /// Themselves, in their order.
    Few(ArrayVec<u32, AS_THEY_ARE>),
    /// What is known of them.
    Many(Figures),
}

impl Earlier {
    /// The figures, from now on kept up to date.
    fn figures_mut(&mut self) -> &mut Figures {
        if let Earlier::Few(samples) = self {
            let figures = Figures::of(samples);
            *self = Earlier::Many(figures);
        }
        match self {
            Earlier::Many(figures) => figures,
            Earlier::Few(_) => unreachable!("they were just made"),
        }
    }
}

impl Default for Earlier {
    fn default() -> Self {
        Earlier::Few(ArrayVec::new())
    }
}

impl Samples {
    /// Adds a sample in nanoseconds. A negative one is dropped and counted (ANALYSIS.md 6.6).
    pub fn add(&mut self, nanos: i64) {
        match u32::try_from(nanos) {
            Ok(short) => {
                self.latest.push(short);
                if self.latest.is_full() {
                    self.take_in();
                }
            }
            // Four seconds and more, or a clock that ran backwards: too rare for a faster way.
            Err(_) => {
                self.take_in();
                let earlier = self.earlier.get_or_insert_default();
                earlier.figures_mut().add(nanos);
            }
        }
    }

    /// Asks for the memory of the earlier samples.
    pub(super) fn prefetch_beside(&self) {
        if let Some(earlier) = self.earlier.as_deref() {
            prefetch(earlier);
        }
    }

    fn take_in(&mut self) {
        let earlier = self.earlier.get_or_insert_default();
        if let Earlier::Few(samples) = &mut **earlier
            && samples.try_extend_from_slice(&self.latest).is_ok()
        {
            self.latest.clear();
            return;
        }
        let figures = earlier.figures_mut();
        for nanos in self.latest.drain(..) {
            figures.add(i64::from(nanos));
        }
    }

    /// The figures.
    pub fn figures(&self) -> Figures {
        let mut figures = match self.earlier.as_deref() {
            None => Figures::default(),
            Some(Earlier::Few(samples)) => Figures::of(samples),
            Some(Earlier::Many(figures)) => figures.clone(),
        };
        for &nanos in &self.latest {
            figures.add(i64::from(nanos));
        }
        figures
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.earlier.as_deref().map_or(0, |earlier| {
            let distribution = match earlier {
                Earlier::Few(_) => 0,
                Earlier::Many(figures) => figures.distribution.memory(),
            };
            size_of::<Earlier>() + distribution
        })
    }
}

/// What is known of samples of one kind, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// How many.
    pub count: u64,
    /// The shortest; 0 without samples.
    pub min: i64,
    /// The longest; 0 without samples.
    pub max: i64,
    /// Samples that were negative, because the capture's time ran backwards; dropped.
    pub negative: u64,
    mean: f64,
    squares: f64,
    jitter: f64,
    last: i64,
    distribution: Distribution,
}

impl Figures {
    /// The figures of these samples.
    fn of(samples: &[u32]) -> Self {
        let mut figures = Self {
            distribution: Distribution::Exact(Vec::with_capacity(EXACT_SAMPLES)),
            ..Self::default()
        };
        for &nanos in samples {
            figures.add(i64::from(nanos));
        }
        figures
    }

    fn add(&mut self, nanos: i64) {
        if nanos < 0 {
            self.negative += 1;
            return;
        }
        if self.count == 0 {
            (self.min, self.max) = (nanos, nanos);
        } else {
            (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
            // RFC 3550 §6.4.1: J += (|D| - J) / 16.
            self.jitter += ((nanos - self.last).abs() as f64 - self.jitter) / 16.0;
        }
        self.last = nanos;
        self.count += 1;
        // Welford's recurrence: sums of squares of nanoseconds would lose the small differences.
        let difference = nanos as f64 - self.mean;
        self.mean += difference / self.count as f64;
        self.squares += difference * (nanos as f64 - self.mean);
        self.distribution.add(nanos);
    }

    /// The mean; 0 without samples.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The sample standard deviation (n − 1); 0 with fewer than two samples.
    pub fn standard_deviation(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            (self.squares / (self.count - 1) as f64).sqrt()
        }
    }

    /// Interarrival jitter in the form of RFC 3550 §6.4.1 over consecutive samples; 0 with fewer than two.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The sample below which this share (0 to 1) of all lies; `None` without samples. Exact for up to 32 samples, then
    /// within `PERCENTILE_ERROR`.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let rank = share.clamp(0.0, 1.0) * self.count.checked_sub(1)? as f64;
        let value = self.distribution.at(rank.round() as u64)?;
        Some(value.clamp(self.min as f64, self.max as f64))
    }
}

/// How the samples spread: themselves while they are few, then how many lie in each step of a logarithmic scale.
#[derive(Clone, Debug)]
enum Distribution {
    Exact(Vec<u32>),
    /// With one of four seconds or more among them.
    ExactLong(Vec<i64>),
    Steps(Vec<Step>),
}

impl Default for Distribution {
    fn default() -> Self {
        Distribution::Exact(Vec::new())
    }
}

/// How many samples lie in a step of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    count: u32,
    step: u16,
}

/// Steps per doubling, as a power of two: 64, so that the middle of a step is at most 0.8 % from its ends.
const STEPS_PER_DOUBLING: u32 = 6;

/// The step that a sample lies in: small ones each in their own.
fn step_of(nanos: i64) -> u16 {
    let nanos = nanos.max(0).unsigned_abs();
    let doubling = (nanos | 1).ilog2().saturating_sub(STEPS_PER_DOUBLING);
    ((u64::from(doubling) << STEPS_PER_DOUBLING) + (nanos >> doubling)) as u16
}

/// The middle of a step in nanoseconds.
fn middle_of(step: u16) -> f64 {
    let (doubling, place) = (
        step >> STEPS_PER_DOUBLING,
        step & ((1 << STEPS_PER_DOUBLING) - 1),
    );
    match doubling {
        0 => f64::from(place),
        _ => {
            let lowest = f64::from(place + (1 << STEPS_PER_DOUBLING));
            let width = (2f64).powi(i32::from(doubling) - 1);
            lowest * width + (width - 1.0) / 2.0
        }
    }
}

impl Distribution {
    fn add(&mut self, nanos: i64) {
        match self {
            Distribution::Exact(samples) if samples.len() < EXACT_SAMPLES => {
                match u32::try_from(nanos) {
                    Ok(short) => samples.push(short),
                    Err(_) => {
                        let longer = samples.iter().map(|&sample| i64::from(sample));
                        *self = Distribution::ExactLong(longer.chain([nanos]).collect());
                    }
                }
            }
            Distribution::ExactLong(samples) if samples.len() < EXACT_SAMPLES => {
                samples.push(nanos);
            }
            Distribution::Exact(samples) => {
                let samples = std::mem::take(samples).into_iter().map(i64::from);
                *self = Self::steps(samples.chain([nanos]));
            }
            Distribution::ExactLong(samples) => {
                let samples = std::mem::take(samples).into_iter();
                *self = Self::steps(samples.chain([nanos]));
            }
            Distribution::Steps(steps) => count(steps, nanos),
        }
    }

    fn steps(samples: impl Iterator<Item = i64>) -> Self {
        let mut steps = Vec::new();
        samples.for_each(|nanos| count(&mut steps, nanos));
        Distribution::Steps(steps)
    }

    /// The sample of this rank, from 0.
    fn at(&self, rank: u64) -> Option<f64> {
        fn sorted<T: Ord + Copy>(samples: &[T], rank: u64) -> Option<T> {
            let mut sorted = samples.to_vec();
            sorted.sort_unstable();
            sorted.get(rank as usize).copied()
        }
        match self {
            Distribution::Exact(samples) => sorted(samples, rank).map(f64::from),
            Distribution::ExactLong(samples) => sorted(samples, rank).map(|nanos| nanos as f64),
            Distribution::Steps(steps) => {
                let mut below = 0u64;
                let step = steps.iter().find(|step| {
                    below += u64::from(step.count);
                    below > rank
                })?;
                Some(middle_of(step.step))
            }
        }
    }

    fn memory(&self) -> usize {
        match self {
            Distribution::Exact(samples) => samples.capacity() * size_of::<u32>(),
            Distribution::ExactLong(samples) => samples.capacity() * size_of::<i64>(),
            Distribution::Steps(steps) => steps.capacity() * size_of::<Step>(),
        }
    }
}

/// Counts a sample in its step. At most some 3700 steps cover all times there are, so that memory stays below 32 KiB.
fn count(steps: &mut Vec<Step>, nanos: i64) {
    let step = step_of(nanos);
    match steps.binary_search_by_key(&step, |old| old.step) {
        Ok(at) => steps[at].count = steps[at].count.saturating_add(1),
        Err(at) => steps.insert(at, Step { count: 1, step }),
    }
}

/// The estimate that a sender's retransmission timer works with (RFC 6298 §2), from the samples that the capture gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    smoothed: Maybe<i64>,
    variation: i64,
}

/// No path takes longer; what seems to comes from a clock that was set. Nanoseconds.
pub const LONGEST_ROUND_TRIP: i64 = 3_600_000 * NANOS_PER_MILLI;

/// The least timeout that common systems use; the RFC's second is honoured by few (ANALYSIS.md 4.16).
pub const LEAST_TIMEOUT: i64 = 200 * NANOS_PER_MILLI;

impl Estimate {
    /// Takes in a sample in nanoseconds.
    pub fn update(&mut self, sample: i64) {
        let sample = sample.clamp(0, LONGEST_ROUND_TRIP);
        match self.smoothed.get() {
            // §2.2
            None => (self.smoothed, self.variation) = (sample.into(), sample / 2),
            // §2.3
            Some(smoothed) => {
                self.variation += ((smoothed - sample).abs() - self.variation) / 4;
                self.smoothed = (smoothed + (sample - smoothed) / 8).into();
            }
        }
    }

    /// The smoothed round-trip time in nanoseconds; `None` without samples.
    pub fn smoothed(&self) -> Option<i64> {
        self.smoothed.get()
    }

    /// The retransmission timeout in nanoseconds, with the least that common systems use; one second without samples (§2.1).
    pub fn timeout(&self) -> i64 {
        match self.smoothed.get() {
            None => 1000 * NANOS_PER_MILLI,
            // Linux bounds the variation's share from below by its least timeout.
            Some(smoothed) => smoothed + (4 * self.variation).max(LEAST_TIMEOUT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_are_exact() {
        let mut samples = Samples::default();
        for nanos in [30, 10, 20, -5] {
            samples.add(nanos);
        }
        let samples = samples.figures();
        assert_eq!(
            (samples.count, samples.min, samples.max, samples.negative),
            (3, 10, 30, 1)
        );
        assert_eq!((samples.mean(), samples.standard_deviation()), (20.0, 10.0));
        assert_eq!(samples.percentile(0.5), Some(20.0));
        assert_eq!(samples.percentile(1.0), Some(30.0));
        assert_eq!(Samples::default().figures().percentile(0.5), None);
    }

    #[test]
    fn many_samples_keep_to_the_stated_error() {
        let mut samples = Samples::default();
        (1..=100_000).for_each(|nanos| samples.add(nanos * 1000));
        let samples = samples.figures();
        for (share, exact) in [(0.5, 5e7), (0.95, 9.5e7), (0.99, 9.9e7)] {
            let value = samples.percentile(share).unwrap();
            assert!(
                (value / exact - 1.0).abs() <= PERCENTILE_ERROR,
                "{share}: {value}"
            );
        }
    }

    #[test]
    fn long_samples_are_kept_whole() {
        let mut samples = Samples::default();
        (1..=20).for_each(|seconds| samples.add(seconds * 1_000_000_000));
        let samples = samples.figures();
        assert_eq!((samples.count, samples.max), (20, 20_000_000_000));
        assert_eq!(samples.percentile(1.0 / 19.0), Some(2e9));
    }

    #[test]
    fn steps_cover_all_times_in_order_with_a_small_error() {
        let mut before = 0;
        for nanos in (0..61)
            .flat_map(|power| [0, 1, 2].map(|part| (1i64 << power) + part * (1 << power) / 3))
        {
            let (step, middle) = (step_of(nanos), middle_of(step_of(nanos)));
            assert!(step >= before || nanos < 4, "{nanos}");
            assert!(
                (middle - nanos as f64).abs() <= nanos as f64 * PERCENTILE_ERROR,
                "{nanos} {middle}"
            );
            before = step;
        }
    }

    #[test]
    fn the_estimate_of_rfc_6298() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.timeout(), 1_000_000_000);
        estimate.update(400_000_000);
        assert_eq!(estimate.timeout(), 1_200_000_000);
        estimate.update(400_000_000);
        assert_eq!(
            (estimate.smoothed(), estimate.timeout()),
            (Some(400_000_000), 1_000_000_000)
        );
    }
}
