//! The unit of a capture's timestamps (pcapng `if_tsresol`; classic pcap is either micro- or nanoseconds).

use crate::utils::time::{NANOS_PER_SECOND, Timestamp};
use std::fmt;

/// The unit of a capture's timestamps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resolution {
    /// 10 to the minus this many seconds, 0 to 127.
    Decimal(u8),
    /// 2 to the minus this many seconds, 0 to 127.
    Binary(u8),
}

impl Resolution {
    /// Microseconds.
    pub const MICROSECONDS: Resolution = Resolution::Decimal(6);
    /// Nanoseconds.
    pub const NANOSECONDS: Resolution = Resolution::Decimal(9);

    /// From the octet of an `if_tsresol` option: the high bit chooses powers of two.
    pub const fn from_octet(octet: u8) -> Self {
        match octet & 0x80 {
            0 => Resolution::Decimal(octet),
            _ => Resolution::Binary(octet & 0x7f),
        }
    }

    /// Whether whole microseconds express every time of this resolution.
    pub const fn fits_microseconds(self) -> bool {
        matches!(self, Resolution::Decimal(0..=6) | Resolution::Binary(0..=6))
    }

    /// The moment that is `units` of this resolution and `offset_seconds` after the epoch, cut to whole nanoseconds and clamped to
    /// the range of the type.
    #[inline]
    pub fn timestamp(self, units: u64, offset_seconds: i64) -> Timestamp {
        // Nearly all files: no offset, and a time of our days in micro- or nanoseconds.
        let quick = match self {
            _ if offset_seconds != 0 => None,
            Resolution::Decimal(6) => i64::try_from(units)
                .ok()
                .and_then(|micros| micros.checked_mul(1000)),
            Resolution::Decimal(9) => i64::try_from(units).ok(),
            _ => None,
        };
        quick.map_or_else(
            || self.any_timestamp(units, offset_seconds),
            Timestamp::from_nanos,
        )
    }

    #[cold]
    fn any_timestamp(self, units: u64, offset_seconds: i64) -> Timestamp {
        let offset = i128::from(offset_seconds).saturating_mul(NANOS_PER_SECOND.into());
        let nanos = i128::try_from(self.nanos(units))
            .unwrap_or(i128::MAX)
            .saturating_add(offset);
        Timestamp::from_nanos(nanos.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
    }

    fn nanos(self, units: u64) -> u128 {
        let units = u128::from(units);
        match self {
            Resolution::Decimal(exponent @ 0..=9) => {
                units.saturating_mul(10u128.pow(9u32.saturating_sub(exponent.into())))
            }
            // 10^39 does not fit, nor does a 64-bit count of such units make a nanosecond.
            Resolution::Decimal(exponent) => 10u128
                .checked_pow(u32::from(exponent).saturating_sub(9))
                .and_then(|units_per_nano| units.checked_div(units_per_nano))
                .unwrap_or(0),
            // 2^64 × 10^9 is below 2^94.
            Resolution::Binary(exponent) => units
                .saturating_mul(1_000_000_000)
                .checked_shr(exponent.into())
                .unwrap_or(0),
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Resolution::Decimal(0) | Resolution::Binary(0) => f.write_str("seconds"),
            Resolution::Decimal(3) => f.write_str("milliseconds"),
            Resolution::Decimal(6) => f.write_str("microseconds"),
            Resolution::Decimal(9) => f.write_str("nanoseconds"),
            Resolution::Decimal(exponent) => write!(f, "10^-{exponent} s"),
            Resolution::Binary(exponent) => write!(f, "2^-{exponent} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_power_of_ten() {
        assert_eq!(
            Resolution::MICROSECONDS.timestamp(1_500_000, 0).nanos(),
            1_500_000_000
        );
        assert_eq!(
            Resolution::NANOSECONDS.timestamp(7, 1).nanos(),
            1_000_000_007
        );
        assert_eq!(Resolution::Decimal(3).timestamp(2, 0).nanos(), 2_000_000);
        assert_eq!(
            Resolution::Decimal(0).timestamp(2, -3).nanos(),
            -1_000_000_000
        );
        assert_eq!(Resolution::Decimal(12).timestamp(1_999, 0).nanos(), 1);
        assert_eq!(Resolution::Decimal(127).timestamp(u64::MAX, 0).nanos(), 0);
    }

    #[test]
    fn powers_of_two() {
        assert_eq!(
            Resolution::from_octet(0x80 | 10).timestamp(1536, 0).nanos(),
            1_500_000_000
        );
        assert_eq!(Resolution::Binary(127).timestamp(u64::MAX, 0).nanos(), 0);
        assert_eq!(
            Resolution::Binary(64).timestamp(u64::MAX, 0).nanos(),
            999_999_999
        );
    }

    #[test]
    fn what_does_not_fit_is_clamped() {
        assert_eq!(
            Resolution::Decimal(0).timestamp(u64::MAX, i64::MAX).nanos(),
            i64::MAX
        );
        assert_eq!(
            Resolution::Decimal(6).timestamp(0, i64::MIN).nanos(),
            i64::MIN
        );
        for octet in 0..=255 {
            for units in [0, 1, u64::MAX] {
                Resolution::from_octet(octet).timestamp(units, 0);
            }
        }
    }
}
