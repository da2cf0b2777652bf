//! Sequence numbers (RFC 9293 §3.4): 32 bits that wrap. A position (`Seq`) and a distance (`u32`) are different things, and no
//! other arithmetic on sequence numbers is done anywhere in the program.

/// A position in one direction's sequence space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seq(pub u32);

impl Seq {
    /// Whether this position comes before `other`: the sign of the wrapped difference. At a distance of exactly 2^31 each
    /// comes before the other, as in tshark (ANALYSIS.md 3.1).
    pub const fn before(self, other: Seq) -> bool {
        (self.0.wrapping_sub(other.0) as i32) < 0
    }

    /// Whether this position comes after `other`.
    pub const fn after(self, other: Seq) -> bool {
        other.before(self)
    }

    /// The position `distance` octets further, wrapping at 2^32.
    pub const fn plus(self, distance: u32) -> Seq {
        Seq(self.0.wrapping_add(distance))
    }

    /// The position `distance` octets back, wrapping at 0.
    pub const fn minus(self, distance: u32) -> Seq {
        Seq(self.0.wrapping_sub(distance))
    }

    /// Octets from here forward to `other`, modulo 2^32.
    pub const fn distance_to(self, other: Seq) -> u32 {
        other.0.wrapping_sub(self.0)
    }

    /// The 64-bit position nearest to `reference` that has these low 32 bits (ANALYSIS.md 3.3): how a sequence number becomes
    /// a stream offset that does not wrap.
    pub const fn unwrap_near(self, reference: i64) -> i64 {
        reference.wrapping_add(self.0.wrapping_sub(reference as u32) as i32 as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparison_wraps() {
        assert!(Seq(u32::MAX).before(Seq(0)));
        assert!(Seq(5).after(Seq(u32::MAX - 5)));
        assert!(!Seq(7).before(Seq(7)));
        assert!(Seq(0).before(Seq(1 << 31)) && Seq(1 << 31).before(Seq(0)));
    }

    #[test]
    fn distances_wrap() {
        assert_eq!(Seq(u32::MAX).plus(2), Seq(1));
        assert_eq!(Seq(1).minus(2), Seq(u32::MAX));
        assert_eq!(Seq(u32::MAX).distance_to(Seq(9)), 10);
    }

    #[test]
    fn unwrapping_picks_the_nearest() {
        assert_eq!(Seq(10).unwrap_near(0xffff_fff0), 0x1_0000_000a);
        assert_eq!(Seq(0xffff_fff0).unwrap_near(0x1_0000_000a), 0xffff_fff0);
        assert_eq!(Seq(3).unwrap_near(3), 3);
    }
}
