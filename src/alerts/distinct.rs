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
    Many(Box<[u8; REGISTERS]>),
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
            Self::Many(registers) => register(registers, hash),
            Self::Few(hashes) if hashes.contains(&hash) => {}
            Self::Few(hashes) if hashes.len() < FEW => hashes.push(hash),
            Self::Few(hashes) => {
                let mut registers = Box::new([0; REGISTERS]);
                for &hash in hashes.iter().chain([&hash]) {
                    register(&mut registers, hash);
                }
                *self = Self::Many(registers);
            }
        }
    }

    /// How many different things were added, about.
    pub fn count(&self) -> u64 {
        let registers = match self {
            Self::Few(hashes) => return hashes.len() as u64,
            Self::Many(registers) => registers,
        };
        let m = REGISTERS as f64;
        let sum: f64 = registers.iter().map(|&rank| half_to_the(rank)).sum();
        let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        let empty = registers.iter().filter(|&&rank| rank == 0).count();
        // Few things: linear counting of the empty registers is better.
        if raw <= 2.5 * m && empty > 0 {
            (m * (m / empty as f64).ln()).round() as u64
        } else {
            raw.round() as u64
        }
    }
}

fn register(registers: &mut [u8; REGISTERS], hash: u64) {
    let register = &mut registers[hash as usize % REGISTERS];
    *register = (*register).max((hash | 1 << 11).leading_zeros() as u8 + 1);
}

/// One half to the power of a rank, which is at most 64: its exponent as a double holds it.
fn half_to_the(rank: u8) -> f64 {
    f64::from_bits((1023 - u64::from(rank)) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_one_half_are_exact() {
        assert!((0..=65u8).all(|rank| half_to_the(rank) == 0.5f64.powi(rank.into())));
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
