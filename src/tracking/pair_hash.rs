//! The number by which the connection of two endpoints is looked for.
//!
//! It is made for every segment, so that it takes two multiplications where addresses have 32 bits. Each multiplies to 128 bits and
//! folds the two halves, as foldhash and wyhash do; what is multiplied is mixed with a secret first.

use crate::utils::addressing::Endpoint;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

/// A number of a pair of endpoints, the same for both directions, by which their connection is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairHash(u32);

impl PairHash {
    /// The number of no pair in particular.
    pub(super) const NONE: PairHash = PairHash(0);

    /// The number itself; any of its bits is as good as any other.
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    #[cfg(test)]
    pub(super) const fn of(number: u32) -> Self {
        Self(number)
    }
}

/// Makes the numbers of pairs; with a secret, so that nobody can choose addresses that collide.
#[derive(Clone, Debug)]
pub struct PairHasher([u64; 4]);

impl Default for PairHasher {
    /// One with a new secret, which the standard library has from the system.
    fn default() -> Self {
        let secret = RandomState::new();
        Self([0u64, 1, 2, 3].map(|n| secret.hash_one(n)))
    }
}

impl PairHasher {
    /// One that always makes the same numbers: for where the order of things must not depend on chance. Anyone can choose
    /// addresses that collide.
    pub(super) const fn without_secret() -> Self {
        Self([
            0x9e37_79b9_7f4a_7c15,
            0xbf58_476d_1ce4_e5b9,
            0x94d0_49bb_1331_11eb,
            0xd6e8_feb8_6659_fd93,
        ])
    }

    /// The number of a pair.
    #[inline]
    pub fn hash(&self, a: Endpoint, b: Endpoint) -> PairHash {
        let [first, second, _, last] = self.0;
        let mixed = match (a.address, b.address) {
            (IpAddr::V4(at), IpAddr::V4(bt)) => {
                let a = u64::from(at.to_bits()) << 16 | u64::from(a.port);
                let b = u64::from(bt.to_bits()) << 16 | u64::from(b.port);
                folded_product(a.min(b) ^ first, a.max(b) ^ second)
            }
            _ => self.mix_wide(a, b),
        };
        let hash = folded_product(mixed, last);
        PairHash((hash ^ hash >> 32) as u32)
    }

    fn mix_wide(&self, a: Endpoint, b: Endpoint) -> u64 {
        let [first, second, third, _] = self.0;
        let bits = |address| match address {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        };
        let (a, b) = ((bits(a.address), a.port), (bits(b.address), b.port));
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let halves = |bits: u128| ((bits >> 64) as u64, bits as u64);
        let ((low_network, low_host), (high_network, high_host)) = (halves(low.0), halves(high.0));
        let ports = u64::from(low.1) << 16 | u64::from(high.1);
        let mixed = folded_product(low_network ^ first, low_host ^ second);
        folded_product(mixed ^ high_network, high_host ^ third) ^ ports
    }
}

/// The product's upper half mixed into its lower one, so that every bit of either factor counts.
#[inline]
fn folded_product(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product as u64) ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn ends(n: u32) -> [(Endpoint, Endpoint); 4] {
        let v4 = |bits| IpAddr::from(Ipv4Addr::from_bits(bits));
        let v6 = |bits: u128| IpAddr::from(Ipv6Addr::from_bits(bits));
        let server = Endpoint::new(v4(0xc000_0201), 443);
        let server_v6 = Endpoint::new(v6(0x2001_0db8 << 96 | 1), 443);
        [
            // By address, by port, by network, and by host.
            (Endpoint::new(v4(0x0a00_0000 + n), 40_000), server),
            (Endpoint::new(v4(0xc000_0202), n as u16), server),
            (Endpoint::new(v6(u128::from(n) << 64 | 2), 7), server_v6),
            (Endpoint::new(v6(u128::from(n)), 7), server_v6),
        ]
    }

    #[test]
    fn both_directions_have_the_same_number_and_different_pairs_different_ones() {
        let hasher = PairHasher::default();
        for kind in 0..4 {
            let mut numbers = HashSet::new();
            for n in 0..50_000 {
                let (a, b) = ends(n)[kind];
                assert_eq!(hasher.hash(a, b), hasher.hash(b, a));
                numbers.insert(hasher.hash(a, b).number());
            }
            // By chance 0.3 of 50,000 numbers of 32 bits meet another one.
            assert!(numbers.len() > 49_990, "kind {kind}: {}", numbers.len());
        }
    }

    #[test]
    fn the_lowest_bits_are_as_good_as_the_others() {
        let hasher = PairHasher::default();
        for kind in 0..4 {
            let mut counts = [0u32; 256];
            for n in 0..50_000 {
                let (a, b) = ends(n)[kind];
                counts[hasher.hash(a, b).number() as usize % 256] += 1;
            }
            // 195 each by chance, with a deviation of 14.
            assert!(
                counts.iter().all(|count| (90..300).contains(count)),
                "kind {kind}: {counts:?}"
            );
        }
    }

    #[test]
    fn every_hasher_has_a_secret_of_its_own() {
        let (a, b) = ends(1)[0];
        let numbers: HashSet<_> = (0..8)
            .map(|_| PairHasher::default().hash(a, b).number())
            .collect();
        assert!(numbers.len() > 6);
    }
}
