//! Round-trip times: samples of one kind, and the retransmission timer's estimate from them (RFC 6298 §2).

use crate::utils::time::NANOS_PER_MILLI;
use sketches_ddsketch::{Config, DDSketch};

/// Below this many samples the percentiles are exact.
const EXACT_SAMPLES: usize = 32;
/// The relative error of percentiles from then on.
pub const PERCENTILE_ERROR: f64 = 0.01;

/// Samples of one kind, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples {
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

/// How the samples spread: themselves while they are few, then a sketch with a bounded relative error.
#[derive(Clone, Default)]
enum Distribution {
    #[default]
    None,
    Exact(Vec<i64>),
    Sketch(Box<DDSketch>),
}

impl std::fmt::Debug for Distribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Distribution::None => f.write_str("None"),
            Distribution::Exact(samples) => f.debug_tuple("Exact").field(samples).finish(),
            Distribution::Sketch(_) => f.write_str("Sketch"),
        }
    }
}

impl Samples {
    /// Adds a sample in nanoseconds. A negative one is dropped and counted (ANALYSIS.md 6.6).
    pub fn add(&mut self, nanos: i64) {
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
        match &self.distribution {
            Distribution::None => None,
            Distribution::Exact(samples) => {
                let mut sorted = samples.clone();
                sorted.sort_unstable();
                let rank = (share.clamp(0.0, 1.0) * (sorted.len() - 1) as f64).round() as usize;
                sorted.get(rank).map(|&nanos| nanos as f64)
            }
            Distribution::Sketch(sketch) => {
                let value = sketch.quantile(share.clamp(0.0, 1.0)).ok().flatten()?;
                Some(value.clamp(self.min as f64, self.max as f64))
            }
        }
    }
}

impl Distribution {
    fn add(&mut self, nanos: i64) {
        match self {
            Distribution::None => *self = Distribution::Exact(vec![nanos]),
            Distribution::Exact(samples) if samples.len() < EXACT_SAMPLES => samples.push(nanos),
            Distribution::Exact(samples) => {
                // 2048 bins of 1 % reach from a nanosecond to beyond any wait; memory stays below 32 KiB.
                let mut sketch = DDSketch::new(Config::new(PERCENTILE_ERROR, 2048, 1.0));
                samples.iter().for_each(|&sample| sketch.add(sample as f64));
                sketch.add(nanos as f64);
                *self = Distribution::Sketch(Box::new(sketch));
            }
            Distribution::Sketch(sketch) => sketch.add(nanos as f64),
        }
    }
}

/// The estimate that a sender's retransmission timer works with (RFC 6298 §2), from the samples that the capture gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    smoothed: Option<i64>,
    variation: i64,
}

/// The least timeout that common systems use; the RFC's second is honoured by few (ANALYSIS.md 4.16).
pub const LEAST_TIMEOUT: i64 = 200 * NANOS_PER_MILLI;

impl Estimate {
    /// Takes in a sample in nanoseconds.
    pub fn update(&mut self, sample: i64) {
        let sample = sample.max(0);
        match self.smoothed {
            // §2.2
            None => (self.smoothed, self.variation) = (Some(sample), sample / 2),
            // §2.3
            Some(smoothed) => {
                self.variation += ((smoothed - sample).abs() - self.variation) / 4;
                self.smoothed = Some(smoothed + (sample - smoothed) / 8);
            }
        }
    }

    /// The smoothed round-trip time in nanoseconds; `None` without samples.
    pub const fn smoothed(&self) -> Option<i64> {
        self.smoothed
    }

    /// The retransmission timeout in nanoseconds, with the least that common systems use; one second without samples (§2.1).
    pub fn timeout(&self) -> i64 {
        match self.smoothed {
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
        assert_eq!(
            (samples.count, samples.min, samples.max, samples.negative),
            (3, 10, 30, 1)
        );
        assert_eq!((samples.mean(), samples.standard_deviation()), (20.0, 10.0));
        assert_eq!(samples.percentile(0.5), Some(20.0));
        assert_eq!(samples.percentile(1.0), Some(30.0));
        assert_eq!(Samples::default().percentile(0.5), None);
    }

    #[test]
    fn many_samples_keep_to_the_stated_error() {
        let mut samples = Samples::default();
        (1..=100_000).for_each(|nanos| samples.add(nanos * 1000));
        for (share, exact) in [(0.5, 5e7), (0.95, 9.5e7), (0.99, 9.9e7)] {
            let value = samples.percentile(share).unwrap();
            assert!(
                (value / exact - 1.0).abs() <= PERCENTILE_ERROR,
                "{share}: {value}"
            );
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
