//! SYNs that wait for an answer: those that get none for long enough have failed (Zeek's notion of a failed attempt).
//!
//! Connection numbers count up, so a ring over them needs no hashing. It grows as far as so many wait at once, up to
//! `MAX_WAITING` (5 MiB); beyond that patience shrinks: the longest waiting counts as failed when its place is needed.

use super::clock::Moment;
use crate::utils::addressing::Endpoint;

/// SYNs that wait at once, at most.
pub const MAX_WAITING: usize = 1 << 16;
const SMALLEST: usize = 1 << 8;

/// A SYN that opened a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// The number of its connection.
    pub id: u64,
    /// When it was sent.
    pub moment: Moment,
    /// Who sent it.
    pub client: Endpoint,
    /// Who was to answer.
    pub server: Endpoint,
    /// Whether it carries the options of an operating system's SYN.
    pub like_a_system: bool,
}

/// Those that wait.
#[derive(Debug, Default)]
pub struct Attempts {
    ring: Vec<Option<Attempt>>,
    /// No connection below this number waits.
    oldest: u64,
    newest: u64,
}

impl Attempts {
    /// A SYN was sent; numbers never fall. Returns the attempt that had to give way to it, if any.
    pub fn begin(&mut self, attempt: Attempt, patience: i64) -> Option<Attempt> {
        if self.ring.is_empty() {
            self.ring = vec![None; SMALLEST];
        }
        while self.ring.len() < MAX_WAITING && self.is_taken(&attempt, patience) {
            self.grow();
        }
        self.newest = attempt.id;
        let at = self.place(attempt.id);
        self.ring[at].replace(attempt)
    }

    /// Somebody answered, or the client went on: the attempt did not fail, or in another way.
    pub fn answer(&mut self, id: u64) -> Option<Attempt> {
        if self.ring.is_empty() || id < self.oldest {
            return None;
        }
        let at = self.place(id);
        self.ring[at].take_if(|attempt| attempt.id == id)
    }

    /// The next one that has waited for `patience` nanoseconds at `now`.
    pub fn overdue(&mut self, now: i64, patience: i64) -> Option<Attempt> {
        while self.oldest <= self.newest && !self.ring.is_empty() {
            let at = self.place(self.oldest);
            let oldest = self.oldest;
            if let Some(attempt) = self.ring[at].filter(|attempt| attempt.id == oldest) {
                if now.saturating_sub(attempt.moment.now) < patience {
                    return None;
                }
                self.oldest += 1;
                self.ring[at] = None;
                return Some(attempt);
            }
            self.oldest += 1;
        }
        None
    }

    fn place(&self, id: u64) -> usize {
        id as usize & (self.ring.len() - 1)
    }

    /// Whether the place is held by one that is still to wait.
    fn is_taken(&self, attempt: &Attempt, patience: i64) -> bool {
        self.ring[self.place(attempt.id)]
            .is_some_and(|other| attempt.moment.now.saturating_sub(other.moment.now) < patience)
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.ring);
        self.ring = vec![None; old.len() * 2];
        for attempt in old.into_iter().flatten() {
            let at = self.place(attempt.id);
            self.ring[at] = Some(attempt);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: u64, now: i64) -> Attempt {
        let endpoint = Endpoint::new([192, 0, 2, 1].into(), 80);
        Attempt {
            id,
            moment: Moment {
                now,
                ..Moment::default()
            },
            client: endpoint,
            server: endpoint,
            like_a_system: true,
        }
    }

    #[test]
    fn what_is_not_answered_fails_in_order() {
        let mut attempts = Attempts::default();
        for id in [0, 3, 4, 1000] {
            assert_eq!(attempts.begin(attempt(id, id as i64), 100), None);
        }
        assert!(
            attempts.answer(3).is_some()
                && attempts.answer(3).is_none()
                && attempts.answer(7).is_none()
        );
        assert_eq!(attempts.overdue(99, 100), None);
        let mut failed = |now| {
            std::iter::from_fn(|| attempts.overdue(now, 100))
                .map(|a| a.id)
                .collect::<Vec<_>>()
        };
        assert_eq!((failed(104), failed(2000)), (vec![0, 4], vec![1000]));
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost_without_a_word() {
        let mut attempts = Attempts::default();
        let mut early = 0;
        for id in 0..1_000_000 {
            early += u64::from(attempts.begin(attempt(id, 0), 100).is_some());
        }
        assert_eq!(attempts.ring.len(), MAX_WAITING);
        let late = std::iter::from_fn(|| attempts.overdue(100, 100)).count() as u64;
        assert_eq!(early + late, 1_000_000);
    }

    #[test]
    fn few_that_wait_need_little_memory() {
        let mut attempts = Attempts::default();
        for id in 0..100_000 {
            attempts.begin(attempt(id, id as i64), 100);
            attempts.answer(id);
        }
        assert_eq!(attempts.ring.len(), SMALLEST);
    }
}
