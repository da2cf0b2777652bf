//! Which segments may hold the first octets of a connection: asked before the connection is looked up, so that the octets of all
//! others need not be carried along.
//!
//! A table of fixed size: a SYN gives its connection an allowance of octets, and data use it up. Each place is one of four in which a
//! connection may stand; a fifth there takes the place of the one whose SYN is the oldest. What both sides say first comes within
//! the first round trips, so that a place is needed for a short time only.
//!
//! Where a connection stands depends on its endpoints alone and on no secret: the same capture always gives the same words. Whoever
//! chooses addresses that meet in one place can hide what is said first, which encryption does better.

use super::first_bytes::MOST;
use super::pair_hash::PairHasher;
use crate::utils::addressing::Endpoint;

/// Places, in rows of four: as many connections may open at the same time.
const ROWS: usize = 1 << 12;
const IN_A_ROW: usize = 4;
/// Octets of both directions together that are carried along.
const ALLOWANCE: u16 = 4 * MOST as u16;

/// The number of a connection and what is left of its allowance.
type Place = (u32, u16);

/// The table.
#[derive(Clone, Debug)]
pub struct OpeningTable {
    rows: Vec<[Place; IN_A_ROW]>,
    hasher: PairHasher,
}

impl Default for OpeningTable {
    fn default() -> Self {
        Self {
            rows: vec![[(0, 0); IN_A_ROW]; ROWS],
            hasher: PairHasher::without_secret(),
        }
    }
}

impl OpeningTable {
    fn row(&mut self, a: Endpoint, b: Endpoint) -> (u32, &mut [Place; IN_A_ROW]) {
        let number = self.hasher.hash(a, b).number();
        (number, &mut self.rows[number as usize % ROWS])
    }

    /// A SYN of a connection passed.
    pub fn open(&mut self, a: Endpoint, b: Endpoint) {
        let (number, row) = self.row(a, b);
        let known = row.iter().position(|place| place.0 == number);
        // The latest stands first.
        row[..=known.unwrap_or(IN_A_ROW - 1)].rotate_right(1);
        row[0] = (number, ALLOWANCE);
    }

    /// How many octets of this payload may be among the first; 0 for nearly all.
    #[inline]
    pub fn take(&mut self, a: Endpoint, b: Endpoint, octets: usize) -> usize {
        let (number, row) = self.row(a, b);
        let place = row.iter_mut().find(|place| place.0 == number);
        let Some((_, left)) = place.filter(|place| place.1 > 0) else {
            return 0;
        };
        *left = left.saturating_sub(u16::try_from(octets).unwrap_or(u16::MAX).max(1));
        octets.min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(port: u16) -> Endpoint {
        Endpoint::new([192, 0, 2, 1].into(), port)
    }

    #[test]
    fn an_allowance_is_used_up() {
        let (a, b) = (end(1), end(2));
        let mut table = OpeningTable::default();
        assert_eq!(table.take(a, b, 100), 0);
        table.open(a, b);
        assert_eq!(
            (table.take(b, a, 100), table.take(a, b, 60_000)),
            (100, MOST)
        );
        assert_eq!(table.take(a, b, 100), 0);
        table.open(b, a);
        assert_eq!(table.take(a, b, 1), 1);
    }

    #[test]
    fn thousands_open_at_the_same_time_and_the_oldest_give_way() {
        let mut table = OpeningTable::default();
        (0..4000).for_each(|port| table.open(end(port), end(60_000)));
        let mut heard = |port| table.take(end(port), end(60_000), 1) == 1;
        assert!((0..4000).filter(|&port| heard(port)).count() > 3900);
        (0..60_000).for_each(|port| table.open(end(port), end(60_001)));
        assert_eq!(table.take(end(59_999), end(60_001), 1), 1);
        assert_eq!(table.take(end(0), end(60_001), 1), 0);
    }
}
