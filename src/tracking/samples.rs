//! Samples of one kind of time, such as round trips, and all figures about them, in memory that follows what there is: the latest
//! as they are beside what else a segment touches; those before them a memory access away, a few as they are, then as figures
//! in one cache line, and only where that is too narrow for them as figures at large.

use super::distribution::{Distribution, EXACT_SAMPLES, Few, Steps, step_of};
use crate::utils::prefetch::prefetch;
use arrayvec::ArrayVec;

/// Samples that are taken in at once: the figures are a memory access away, so they are not fetched for each one.
const AT_ONCE: usize = 6;

/// So many samples are kept as they are before figures are made of them: most connections have no more, and nobody asks before
/// the end. With the latest they reach as far as the percentiles are exact.
const AS_THEY_ARE: usize = 2 * AT_ONCE;

const _: () = assert!(AS_THEY_ARE + AT_ONCE > EXACT_SAMPLES);

/// Samples of one kind, in nanoseconds, and all figures about them.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    latest: ArrayVec<u32, AT_ONCE>,
    earlier: Option<Box<Earlier>>,
}

/// The samples before the latest. A cache line of memory.
#[derive(Clone, Debug)]
enum Earlier {
    /// Themselves, in their order.
    AsTheyAre(ArrayVec<u32, AS_THEY_ARE>),
    /// What is known of them while all are below four seconds and close to each other.
    Short(Short),
    /// What is known of them.
    Long(Box<Figures>),
}

const _: () = assert!(size_of::<Earlier>() <= 64);

impl Earlier {
    /// Takes in samples.
    fn add(&mut self, samples: &[u32]) {
        match self {
            Earlier::AsTheyAre(before) => {
                if before.try_extend_from_slice(samples).is_err() {
                    let before = before.clone();
                    *self = Earlier::Short(Short::default());
                    self.add(&before);
                    self.add(samples);
                }
            }
            Earlier::Short(short) => {
                let room = samples
                    .iter()
                    .position(|&nanos| !short.spread.add(step_of(i64::from(nanos))));
                let (fit, rest) = samples.split_at(room.unwrap_or(samples.len()));
                short.add(fit);
                if !rest.is_empty() {
                    let figures = self.figures_mut();
                    rest.iter().for_each(|&nanos| figures.add(nanos.into()));
                }
            }
            Earlier::Long(figures) => samples.iter().for_each(|&nanos| figures.add(nanos.into())),
        }
    }

    fn figures(&self) -> Figures {
        match self {
            Earlier::AsTheyAre(samples) => Figures::of(samples),
            Earlier::Short(short) => short.figures(),
            Earlier::Long(figures) => Figures::clone(figures),
        }
    }

    /// The figures at large, from now on kept up to date.
    fn figures_mut(&mut self) -> &mut Figures {
        if !matches!(self, Earlier::Long(_)) {
            *self = Earlier::Long(Box::new(self.figures()));
        }
        match self {
            Earlier::Long(figures) => figures,
            _ => unreachable!("they were just made"),
        }
    }
}

impl Default for Earlier {
    fn default() -> Self {
        Earlier::AsTheyAre(ArrayVec::new())
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

    /// Asks for the memory of the earlier samples, if the next one is taken in with the latest.
    pub(super) fn prefetch_beside(&self) {
        if self.latest.remaining_capacity() <= 1
            && let Some(earlier) = self.earlier.as_deref()
        {
            prefetch(earlier);
        }
    }

    fn take_in(&mut self) {
        self.earlier.get_or_insert_default().add(&self.latest);
        self.latest.clear();
    }

    /// The figures.
    pub fn figures(&self) -> Figures {
        let earlier = self.earlier.as_deref();
        let mut figures = earlier.map(Earlier::figures).unwrap_or_default();
        for &nanos in &self.latest {
            figures.add(i64::from(nanos));
        }
        figures
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.earlier.as_deref().map_or(0, |earlier| {
            let figures = match earlier {
                Earlier::AsTheyAre(_) | Earlier::Short(_) => 0,
                Earlier::Long(figures) => size_of::<Figures>() + figures.distribution.memory(),
            };
            size_of::<Earlier>() + figures
        })
    }
}

/// How samples vary, whichever way the rest is kept.
#[derive(Clone, Copy, Debug, Default)]
struct Variation {
    mean: f64,
    squares: f64,
    jitter: f64,
}

impl Variation {
    /// Takes in a sample, which is the `count`-th. `last` is the one before it; `None` for the first.
    #[inline]
    fn add(&mut self, nanos: i64, last: Option<i64>, count: u64) {
        if let Some(last) = last {
            // RFC 3550 §6.4.1: J += (|D| - J) / 16.
            self.jitter += ((nanos - last).abs() as f64 - self.jitter) / 16.0;
        }
        // Welford's recurrence: sums of squares of nanoseconds would lose the small differences.
        let difference = nanos as f64 - self.mean;
        self.mean += difference / count as f64;
        self.squares += difference * (nanos as f64 - self.mean);
    }
}

/// What is known of samples below four seconds that lie close together. In this order, so that [`Earlier`] finds room behind it.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Short {
    variation: Variation,
    count: u32,
    min: u32,
    max: u32,
    last: u32,
    spread: Few,
}

impl Short {
    /// Takes in samples that are in the spread already. That has no room for more than 128.
    #[inline]
    fn add(&mut self, samples: &[u32]) {
        for &nanos in samples {
            let last = (self.count > 0).then_some(i64::from(self.last));
            if last.is_none() {
                (self.min, self.max) = (nanos, nanos);
            }
            (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
            self.count += 1;
            self.variation
                .add(i64::from(nanos), last, u64::from(self.count));
            self.last = nanos;
        }
    }

    fn figures(&self) -> Figures {
        let mut steps = Steps::default();
        self.spread.steps().for_each(|step| steps.add(step, 1));
        Figures {
            count: u64::from(self.count),
            min: i64::from(self.min),
            max: i64::from(self.max),
            negative: 0,
            variation: self.variation,
            last: i64::from(self.last),
            distribution: Distribution::Steps(steps),
        }
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
    variation: Variation,
    last: i64,
    distribution: Distribution,
}

impl Figures {
    /// The figures of these samples.
    fn of(samples: &[u32]) -> Self {
        let mut figures = Self::default();
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
        let last = (self.count > 0).then_some(self.last);
        if last.is_none() {
            (self.min, self.max) = (nanos, nanos);
        }
        (self.min, self.max) = (self.min.min(nanos), self.max.max(nanos));
        self.count += 1;
        self.variation.add(nanos, last, self.count);
        self.last = nanos;
        self.distribution.add(nanos);
    }

    /// The mean; 0 without samples.
    pub fn mean(&self) -> f64 {
        self.variation.mean
    }

    /// The sample standard deviation (n − 1); 0 with fewer than two samples.
    pub fn standard_deviation(&self) -> f64 {
        if self.count < 2 {
            0.0
        } else {
            (self.variation.squares / (self.count - 1) as f64).sqrt()
        }
    }

    /// Interarrival jitter in the form of RFC 3550 §6.4.1 over consecutive samples; 0 with fewer than two.
    pub fn jitter(&self) -> f64 {
        self.variation.jitter
    }

    /// The sample below which this share (0 to 1) of all lies; `None` without samples. Exact for up to 16 samples, then
    /// within `PERCENTILE_ERROR`.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let rank = share.clamp(0.0, 1.0) * self.count.checked_sub(1)? as f64;
        let value = self.distribution.at(rank.round() as u64)?;
        Some(value.clamp(self.min as f64, self.max as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::super::distribution::PERCENTILE_ERROR;
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
        (1..=16).for_each(|seconds| samples.add(seconds * 1_000_000_000));
        let figures = samples.figures();
        assert_eq!((figures.count, figures.max), (16, 16_000_000_000));
        assert_eq!(figures.percentile(1.0 / 15.0), Some(2e9));
        (17..=20).for_each(|seconds| samples.add(seconds * 1_000_000_000));
        let figures = samples.figures();
        assert_eq!((figures.count, figures.max), (20, 20_000_000_000));
        let second = figures.percentile(1.0 / 19.0).unwrap();
        assert!((second / 2e9 - 1.0).abs() <= PERCENTILE_ERROR, "{second}");
    }

    /// What is kept of them goes through three forms, whose borders must not show: at every number of samples the figures are
    /// those of all of them.
    #[test]
    fn the_figures_are_the_same_in_every_form() {
        fn close(at: i64) -> i64 {
            6_400_000 + at * 7919 % 1_500_000
        }
        let wide = |at| 21_000 * (1 + at * at % 1009);
        let long = |at| if at == 30 { 5_000_000_000 } else { close(at) };
        let negative = |at| if at == 20 { -1 } else { close(at) };
        for kind in [close as fn(i64) -> i64, wide, long, negative] {
            let mut samples = Samples::default();
            let mut all = Figures::default();
            let mut sorted = Vec::new();
            for at in 0..300 {
                let nanos = kind(at);
                samples.add(nanos);
                all.add(nanos);
                sorted.extend((nanos >= 0).then_some(nanos));
                sorted.sort_unstable();
                let figures = samples.figures();
                let of = |figures: &Figures| {
                    let variation = figures.variation;
                    let Figures {
                        count,
                        min,
                        max,
                        negative,
                        ..
                    } = *figures;
                    (
                        count,
                        min,
                        max,
                        negative,
                        variation.mean,
                        variation.squares,
                        variation.jitter,
                    )
                };
                assert_eq!(of(&figures), of(&all), "{at}");
                for share in [0.0, 0.5, 0.95, 1.0] {
                    let rank = (share * (sorted.len() - 1) as f64).round() as usize;
                    let (found, exact) = (figures.percentile(share).unwrap(), sorted[rank] as f64);
                    let error = if sorted.len() <= EXACT_SAMPLES {
                        0.0
                    } else {
                        PERCENTILE_ERROR
                    };
                    assert!(
                        (found - exact).abs() <= exact * error,
                        "{at} {share}: {found} {exact}"
                    );
                }
            }
        }
    }
}
