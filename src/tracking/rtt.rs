//! The retransmission timer's estimate of the round-trip time from samples of it (RFC 6298 §2).

use crate::utils::maybe::Maybe;
use crate::utils::time::NANOS_PER_MILLI;

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
