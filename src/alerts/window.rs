//! A sliding window over a count, in constant memory: eight slots, the oldest of which falls away as time goes on, so that the
//! sum covers between seven eighths of the window and all of it.

const SLOTS: i64 = 8;

/// How often something happened within the last so many nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sliding {
    counts: [u32; SLOTS as usize],
    /// The number of the newest slot: time divided by the width of a slot.
    newest: i64,
}

impl Sliding {
    /// Counts `number` more at `now`, in a window of so many nanoseconds, and returns the sum over the window.
    pub fn add(&mut self, now: i64, window: i64, number: u32) -> u32 {
        self.slide(now, window);
        let slot = &mut self.counts[(self.newest % SLOTS) as usize];
        *slot = slot.saturating_add(number);
        self.sum()
    }

    /// The sum over the window that ends at `now`.
    pub fn at(&mut self, now: i64, window: i64) -> u32 {
        self.slide(now, window);
        self.sum()
    }

    /// When the sum may change without anything happening: the next slot begins.
    pub fn next_slot(&self, window: i64) -> i64 {
        (self.newest + 1).saturating_mul((window / SLOTS).max(1))
    }

    fn slide(&mut self, now: i64, window: i64) {
        let slot = now.max(0) / (window / SLOTS).max(1);
        if slot - self.newest >= SLOTS {
            self.counts = [0; SLOTS as usize];
            self.newest = slot;
        }
        while self.newest < slot {
            self.newest += 1;
            self.counts[(self.newest % SLOTS) as usize] = 0;
        }
    }

    fn sum(&self) -> u32 {
        self.counts.iter().fold(0, |sum, &n| sum.saturating_add(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_falls_away() {
        let mut window = Sliding::default();
        for now in 0..8 {
            window.add(now * 100, 800, 1);
        }
        assert_eq!(window.next_slot(800), 800);
        assert_eq!(window.at(799, 800), 8);
        assert_eq!(window.at(800, 800), 7);
        assert_eq!(window.at(1450, 800), 1);
        assert_eq!(window.at(1_000_000, 800), 0);
        assert_eq!(window.add(1_000_000, 800, 3), 3);
    }
}
