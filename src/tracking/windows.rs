//! The windows that a direction offered, over time.

use crate::utils::maybe::Maybe;
use crate::utils::time::Timestamp;

/// How a direction's windows were.
#[derive(Clone, Debug, Default)]
pub struct WindowStatistics {
    /// The largest window offered, in bytes, scaled where the scale is known: below 2^30 (RFC 7323 §2.3).
    pub max: u32,
    /// The smallest.
    pub min: u32,
    current: u32,
    /// Window × nanoseconds, for the mean weighted by time.
    weighted: f64,
    /// Nanoseconds over which it was observed.
    observed: i64,
    /// Nanoseconds during which the window was 0.
    pub zero_nanos: i64,
    since: Maybe<Timestamp>,
}

impl WindowStatistics {
    /// A segment at `time` offers `window` bytes.
    pub fn add(&mut self, window: u32, time: Timestamp) {
        match self.since.get() {
            None => (self.min, self.max) = (window, window),
            Some(since) => {
                let nanos = time.since(since).max(0);
                self.weighted += f64::from(self.current) * nanos as f64;
                self.observed = self.observed.saturating_add(nanos);
                if self.current == 0 {
                    self.zero_nanos = self.zero_nanos.saturating_add(nanos);
                }
                (self.min, self.max) = (self.min.min(window), self.max.max(window));
            }
        }
        (self.current, self.since) = (window, time.into());
    }

    /// The mean weighted by time in bytes; the last window where no time passed; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        let current = self.current()?;
        Some(if self.observed > 0 {
            self.weighted / self.observed as f64
        } else {
            current as f64
        })
    }

    /// The smallest that was offered so far, if it never was 0.
    pub fn smallest_open(&self) -> Option<u64> {
        (self.since.is_some() && self.min > 0).then_some(u64::from(self.min))
    }

    /// The window in force.
    fn current(&self) -> Option<u64> {
        self.since.is_some().then_some(u64::from(self.current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_weighted_by_time() {
        let mut windows = WindowStatistics::default();
        windows.add(100, Timestamp::from_nanos(0));
        windows.add(0, Timestamp::from_nanos(10));
        windows.add(50, Timestamp::from_nanos(40));
        assert_eq!((windows.min, windows.max, windows.zero_nanos), (0, 100, 30));
        assert_eq!(windows.mean(), Some(25.0));
    }
}
