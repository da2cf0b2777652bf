//! Which segments may hold the first octets of a connection: asked before the connection is looked up, so that the octets of all
//! others need not be carried along.
//!
//! A table of fixed size, by the number of the endpoints: a SYN gives its connection an allowance of octets, data use it up, and a
//! SYN of another connection in the same place takes the place over. What both sides say first comes within the first round
//! trips, so that a place is needed for a short time only.

use super::first_bytes::MOST;
use super::pair_hash::PairHash;

/// Places: as many connections may open at the same time.
const PLACES: usize = 1 << 14;
/// Octets of both directions together that are carried along.
const ALLOWANCE: u16 = 4 * MOST as u16;

/// The table.
#[derive(Clone, Debug)]
pub struct OpeningTable(Vec<(u32, u16)>);

impl Default for OpeningTable {
    fn default() -> Self {
        Self(vec![(0, 0); PLACES])
    }
}

impl OpeningTable {
    /// A SYN of a connection passed.
    pub fn open(&mut self, hash: PairHash) {
        let number = hash.number();
        self.0[number as usize % PLACES] = (number, ALLOWANCE);
    }

    /// How many octets of this payload may be among the first; 0 for nearly all.
    #[inline]
    pub fn take(&mut self, hash: PairHash, octets: usize) -> usize {
        let number = hash.number();
        let place = &mut self.0[number as usize % PLACES];
        if place.0 != number || place.1 == 0 {
            return 0;
        }
        let taken = octets.min(MOST);
        place.1 = place
            .1
            .saturating_sub(u16::try_from(octets).unwrap_or(u16::MAX).max(1));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::PairHasher;
    use crate::utils::addressing::Endpoint;

    #[test]
    fn an_allowance_is_used_up() {
        let end = |port| Endpoint::new([192, 0, 2, 1].into(), port);
        let hash = PairHasher::default().hash(end(1), end(2));
        let mut table = OpeningTable::default();
        assert_eq!(table.take(hash, 100), 0);
        table.open(hash);
        assert_eq!(
            (table.take(hash, 100), table.take(hash, 60_000)),
            (100, MOST)
        );
        assert_eq!(table.take(hash, 100), 0);
        table.open(hash);
        assert_eq!(table.take(hash, 1), 1);
    }
}
