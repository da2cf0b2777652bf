//! The time of the capture. Nothing in the analysis ever asks a clock (DESIGN.md section 4): a packet brings its time along,
//! so that a file gives the same answer today and in ten years.

/// Nanoseconds in a second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NANOS_PER_MILLI: i64 = 1_000_000;

/// A moment of the capture: nanoseconds since 1970-01-01 UTC. Covers the years 1677 to 2262; what lies outside is clamped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A moment from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A moment from seconds and nanoseconds, as capture files store it. Nanoseconds may exceed a second (damaged files do);
    /// they are carried over. Clamped to the range of the type.
    pub const fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self(
            seconds
                .saturating_mul(NANOS_PER_SECOND)
                .saturating_add(nanos),
        )
    }

    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, rounded to what a double can hold (about a quarter of a microsecond today).
    pub fn seconds(self) -> f64 {
        seconds(self.0)
    }

    /// Nanoseconds from `earlier` to here; negative where the capture's time runs backwards, clamped to the range of the type.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `nanos` nanoseconds later (earlier, if negative), clamped to the range of the type.
    pub const fn plus(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

/// Nanoseconds as seconds.
pub fn seconds(nanos: i64) -> f64 {
    nanos as f64 / NANOS_PER_SECOND as f64
}

/// Nanoseconds as milliseconds.
pub fn millis(nanos: i64) -> f64 {
    nanos as f64 / NANOS_PER_MILLI as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_signed_and_never_overflow() {
        let early = Timestamp::from_parts(10, 5);
        assert_eq!(early.plus(7).since(early), 7);
        assert_eq!(early.since(early.plus(7)), -7);
        assert_eq!(
            Timestamp::from_nanos(i64::MIN).since(Timestamp::from_nanos(i64::MAX)),
            i64::MIN
        );
    }

    #[test]
    fn parts_carry_and_clamp() {
        assert_eq!(
            Timestamp::from_parts(1, 2_500_000_000).nanos(),
            3_500_000_000
        );
        assert_eq!(Timestamp::from_parts(i64::MAX, 0).nanos(), i64::MAX);
    }
}
