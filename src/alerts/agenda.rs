//! What is to be looked at again, and when. Time alone ends alerts, but an alert that began just now cannot end before much of its
//! window has passed: with thousands of alerts going on, a look at each of them every tick would take more time than all else.

use std::collections::BTreeMap;

/// Things in the order in which they are due.
#[derive(Debug)]
pub struct Agenda<T> {
    /// By when each is due, and by its number, on the clock of the windows.
    items: BTreeMap<(i64, u64), T>,
    entered: u64,
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self {
            items: BTreeMap::new(),
            entered: 0,
        }
    }
}

impl<T> Agenda<T> {
    /// Enters a thing that is due at this time of the clock, and returns its number, from 1: it stays the same.
    pub fn enter(&mut self, due: i64, thing: T) -> u64 {
        self.entered += 1;
        self.items.insert((due, self.entered), thing);
        self.entered
    }

    /// Takes out what is due by now, in the order of the numbers.
    pub fn take_due(&mut self, now: i64) -> Vec<(u64, T)> {
        if self.items.keys().next().is_none_or(|&(due, _)| due > now) {
            return Vec::new();
        }
        let later = self.items.split_off(&(now.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.items, later);
        let mut due: Vec<_> = due
            .into_iter()
            .map(|((_, id), thing)| (id, thing))
            .collect();
        due.sort_unstable_by_key(|&(number, _)| number);
        due
    }

    /// Puts back what was taken out.
    pub fn put_back(&mut self, due: i64, (number, thing): (u64, T)) {
        self.items.insert((due, number), thing);
    }

    /// Lets go of those that nobody waits for any more.
    pub fn retain(&mut self, mut wanted: impl FnMut(u64, &T) -> bool) {
        self.items
            .retain(|&(_, number), thing| wanted(number, thing));
    }

    /// How many things there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_out_in_the_order_in_which_it_was_entered() {
        let mut agenda = Agenda::default();
        assert_eq!(agenda.take_due(i64::MAX - 1), []);
        let numbers = [(30, 'a'), (10, 'b'), (20, 'c')].map(|(due, it)| agenda.enter(due, it));
        assert_eq!(numbers, [1, 2, 3]);
        assert_eq!(agenda.take_due(9), []);
        assert_eq!(agenda.take_due(20), [(2, 'b'), (3, 'c')]);
        agenda.put_back(30, (2, 'b'));
        assert_eq!(agenda.take_due(30), [(1, 'a'), (2, 'b')]);
        assert_eq!(agenda.len(), 0);
    }

    #[test]
    fn what_nobody_waits_for_goes() {
        let mut agenda = Agenda::default();
        for due in 0..10 {
            agenda.enter(due, due);
        }
        agenda.retain(|number, _| number % 2 == 0);
        assert_eq!(agenda.len(), 5);
    }
}
