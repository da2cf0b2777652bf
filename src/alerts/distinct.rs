//! How many different things there were: exactly while they are few, estimated when they are many, in bounded memory.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hash};

/// Different things seen within a window, up to a limit; each with the time when it was last seen. The first needs no memory of
/// its own: most sources of an attack are seen once.
#[derive(Clone, Debug)]
pub struct Recent<T> {
    first: (T, i64),
    more: Vec<(T, i64)>,
}

impl<T: Copy + Eq> Recent<T> {
    /// One thing, seen at `now`.
    pub fn new(thing: T, now: i64) -> Self {
        Self {
            first: (thing, now),
            more: Vec::new(),
        }
    }

    /// Adds a thing seen at `now` and returns how many different ones there were within the window; never more than `limit`,
    /// which is also the most that are kept.
    pub fn add(&mut self, thing: T, now: i64, window: i64, limit: usize) -> usize {
        let start = now.saturating_sub(window);
        self.more.retain(|&(_, seen)| seen >= start);
        if self.first.1 < start {
            self.first = self.more.pop().unwrap_or((thing, now));
        }
        if self.first.0 == thing {
            self.first.1 = now;
        } else if let Some(known) = self.more.iter_mut().find(|known| known.0 == thing) {
            known.1 = now;
        } else if self.len() < limit {
            self.more.push((thing, now));
        }
        self.len()
    }

    /// How many different ones were seen within the window that ends at `now`.
    pub fn within(&self, now: i64, window: i64) -> usize {
        let start = now.saturating_sub(window);
        let first = usize::from(self.first.1 >= start);
        first + self.more.iter().filter(|&&(_, seen)| seen >= start).count()
    }

    /// When the oldest of those seen within the window that ends at `now` leaves it; `i64::MAX` without any.
    pub fn next_to_leave(&self, now: i64, window: i64) -> i64 {
        let start = now.saturating_sub(window);
        let all = std::iter::once(&self.first).chain(&self.more);
        let within = all.map(|&(_, seen)| seen).filter(|&seen| seen >= start);
        within
            .min()
            .map_or(i64::MAX, |seen| seen.saturating_add(window))
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        1 + self.more.len()
    }

    /// Those that are kept.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        std::iter::once(self.first.0).chain(self.more.iter().map(|&(thing, _)| thing))
    }
}

/// So many things are told apart one by one; more are estimated.
const FEW: usize = 128;
/// Registers of an estimate: the error is about 1.04 / √2048, 2.3 %.
const REGISTERS: usize = 2048;

/// How many different things were added: exactly up to 128, as far as a hash of 64 bits tells them apart, then estimated in 2 KiB
/// (Flajolet and others, HyperLogLog, 2007).
#[derive(Clone, Debug)]
pub enum Estimate {
    /// The hashes of few.
    Few(Vec<u64>),
    /// The registers of many.
    Many(Box<Registers>),
}

/// The highest rank of a hash that fell to each register, and what the estimate needs of all of them, kept up to date.
#[derive(Clone, Debug)]
pub struct Registers {
    ranks: [u8; REGISTERS],
    /// One half to the power of each rank, together, in units of [`UNIT`]: exactly, in whatever order they change.
    sum: u128,
    /// Registers that nothing fell to.
    empty: u32,
}

/// One half to the power of the highest rank: 53 bits of a hash are ranked.
const UNIT: f64 = 1.0 / (1u64 << 53) as f64;

impl Default for Registers {
    fn default() -> Self {
        Self {
            ranks: [0; REGISTERS],
            sum: half_to_the(0) * REGISTERS as u128,
            empty: REGISTERS as u32,
        }
    }
}

impl Registers {
    fn add(&mut self, hash: u64) {
        let register = &mut self.ranks[hash as usize % REGISTERS];
        let rank = (hash | 1 << 11).leading_zeros() as u8 + 1;
        if rank > *register {
            self.empty -= u32::from(*register == 0);
            self.sum = self.sum - half_to_the(*register) + half_to_the(rank);
            *register = rank;
        }
    }

    fn count(&self) -> u64 {
        let m = REGISTERS as f64;
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / (self.sum as f64 * UNIT);
        // Few things: linear counting of the empty registers is better.
        if raw <= 2.5 * m && self.empty > 0 {
            (m * (m / f64::from(self.empty)).ln()).round() as u64
        } else {
            raw.round() as u64
        }
    }
}

impl Default for Estimate {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Estimate {
    /// Adds a thing.
    pub fn add<T: Hash>(&mut self, thing: T) {
        // With fixed keys: one capture gives one answer.
        let hash = FixedState::default().hash_one(thing);
        match self {
            Self::Many(registers) => registers.add(hash),
            Self::Few(hashes) if hashes.contains(&hash) => {}
            Self::Few(hashes) if hashes.len() < FEW => hashes.push(hash),
            Self::Few(hashes) => {
                let mut registers = Box::<Registers>::default();
                for &hash in hashes.iter().chain([&hash]) {
                    registers.add(hash);
                }
                *self = Self::Many(registers);
            }
        }
    }

    /// How many different things were added, about.
    pub fn count(&self) -> u64 {
        match self {
            Self::Few(hashes) => hashes.len() as u64,
            Self::Many(registers) => registers.count(),
        }
    }
}

/// One half to the power of a rank, in units of [`UNIT`].
fn half_to_the(rank: u8) -> u128 {
    1u128 << 53 >> rank
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_all_registers_is_what_they_hold() {
        let mut registers = Registers::default();
        for thing in 0..100_000u64 {
            registers.add(FixedState::default().hash_one(thing));
        }
        for hash in [0, 1, u64::MAX, 1 << 11, 1 << 12] {
            registers.add(hash);
        }
        let sum: f64 = registers
            .ranks
            .iter()
            .map(|&rank| 0.5f64.powi(rank.into()))
            .sum();
        assert_eq!(registers.sum as f64 * UNIT, sum);
        let empty = registers.ranks.iter().filter(|rank| **rank == 0).count();
        assert_eq!(registers.empty as usize, empty);
    }

    #[test]
    fn the_oldest_leaves_first() {
        let mut recent = Recent::new(1, 5);
        recent.add(2, 7, 10, 3);
        assert_eq!(recent.next_to_leave(7, 10), 15);
        recent.add(1, 9, 10, 3);
        assert_eq!(recent.next_to_leave(9, 10), 17);
        assert_eq!(recent.next_to_leave(18, 10), 19);
        assert_eq!(recent.next_to_leave(20, 10), i64::MAX);
    }

    #[test]
    fn recent_things_count_once_and_age() {
        let mut recent = Recent::new(1, 0);
        assert_eq!(recent.add(1, 1, 10, 3), 1);
        assert_eq!(recent.add(2, 2, 10, 3), 2);
        assert_eq!(recent.add(3, 3, 10, 3), 3);
        assert_eq!(recent.add(4, 4, 10, 3), 3);
        assert_eq!(recent.add(2, 12, 10, 3), 2);
        assert_eq!(recent.add(5, 100, 10, 3), 1);
        assert_eq!(recent.iter().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn estimates_are_close() {
        for number in [0u64, 1, 30, 1000, 1_000_000] {
            let mut estimate = Estimate::default();
            for thing in 0..number {
                estimate.add(thing);
                estimate.add(thing);
            }
            let error = estimate.count().abs_diff(number) as f64;
            let allowed = if number <= 128 { 0.0 } else { 0.1 };
            assert!(
                error <= number as f64 * allowed,
                "{number}: {}",
                estimate.count()
            );
        }
    }
}
