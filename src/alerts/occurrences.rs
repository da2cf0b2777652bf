//! The simplest detector: something that should not happen at all happens so many times within the window, counted per key.

use super::agenda::Agenda;
use super::clock::Moment;
use super::log::{Active, Figure, Log, Subject, Trail};
use super::rule::Rule;
use super::table::{Bounded, Weight};
use super::window::Sliding;
use std::hash::Hash;

/// Keys that are kept per rule, at most.
const CAPACITY: usize = 4096;

#[derive(Debug)]
struct Occurrence {
    counts: Sliding,
    trail: Trail,
    active: Active,
    /// Its number on the agenda while an alert goes on.
    entered: u64,
    subject: Subject,
    figures: Vec<Figure>,
}

impl Weight for Occurrence {
    fn weight(&self) -> u64 {
        if self.active.is() {
            u64::MAX
        } else {
            self.trail.packets
        }
    }
}

/// Occurrences per key.
#[derive(Debug)]
pub struct Occurrences<K> {
    rule: Rule,
    limit: u32,
    window: i64,
    table: Bounded<K, Occurrence>,
    /// Those that an alert goes on for, and when time alone may change something for them.
    agenda: Agenda<K>,
}

impl<K: Copy + Eq + Hash> Occurrences<K> {
    /// A detector that raises `rule` at so many within a window of so many nanoseconds.
    pub fn new(rule: Rule, limit: u32, window: i64) -> Self {
        Self {
            rule,
            limit,
            window,
            table: Bounded::new(CAPACITY),
            agenda: Agenda::default(),
        }
    }

    /// It happened.
    pub fn add(
        &mut self,
        key: K,
        subject: Subject,
        figures: &[Figure],
        moment: Moment,
        log: &mut Log,
    ) {
        let occurrence = self.table.entry(key, || Occurrence {
            counts: Sliding::default(),
            trail: Trail::default(),
            active: Active::default(),
            entered: 0,
            subject,
            figures: Vec::new(),
        });
        let was_active = occurrence.active.is();
        occurrence.trail.step(moment, self.window, was_active);
        // While an alert goes on it is about the first.
        if !was_active {
            occurrence.subject = subject;
            occurrence.figures.clear();
            occurrence.figures.extend_from_slice(figures);
        }
        let count = occurrence.counts.add(moment.now, self.window, 1);
        occurrence.look(self.rule, (count, self.limit), self.window, moment, log);
        if occurrence.active.is() && !was_active {
            let due = occurrence.due(self.window);
            occurrence.entered = self.agenda.enter(due, key);
            if self.agenda.len() > 2 * CAPACITY {
                self.forget_evicted();
            }
        }
    }

    /// Takes off the agenda what had to leave the table.
    #[cold]
    fn forget_evicted(&mut self) {
        let table = &mut self.table;
        self.agenda.retain(|number, key| {
            let found = table.get_mut(key);
            found.is_some_and(|occurrence| occurrence.entered == number)
        });
    }

    /// Time has passed.
    pub fn tick(&mut self, moment: Moment, log: &mut Log) {
        for (number, key) in self.agenda.take_due(moment.now) {
            let found = self.table.get_mut(&key);
            let Some(occurrence) = found.filter(|found| found.entered == number) else {
                continue;
            };
            let count = occurrence.counts.at(moment.now, self.window);
            occurrence.look(self.rule, (count, self.limit), self.window, moment, log);
            if occurrence.active.is() {
                let due = occurrence.due(self.window);
                self.agenda.put_back(due, (number, key));
            }
        }
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }
}

impl Occurrence {
    fn look(
        &mut self,
        rule: Rule,
        (count, limit): (u32, u32),
        window: i64,
        moment: Moment,
        log: &mut Log,
    ) {
        let low = u64::from(count) * 2 < u64::from(limit) || count == 0;
        let step = self.active.step(moment.now, count >= limit, low, window);
        let about = (rule, self.subject);
        log.carry_out(
            &mut self.active,
            step,
            about,
            self.trail,
            &self.figures,
            moment,
        );
        if !self.active.is() {
            self.entered = 0;
        }
    }

    /// When time alone may change something: the window slides on, or the alert is over.
    fn due(&self, window: i64) -> i64 {
        let slides = self.counts.next_slot(window);
        self.active
            .ends_at(window)
            .map_or(slides, |ends| ends.min(slides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::utils::time::NANOS_PER_SECOND;

    fn at(now: i64) -> Moment {
        Moment {
            now,
            frame: 1,
            ..Moment::default()
        }
    }

    #[test]
    fn most_ticks_look_at_nothing_and_alerts_end_all_the_same() {
        let window = 60 * NANOS_PER_SECOND;
        let (mut occurrences, mut log) =
            (Occurrences::new(Rule::BadFlags, 1, window), Log::default());
        for key in 0..50 {
            let subject = Subject::Host([192, 0, 2, key].into());
            occurrences.add(key, subject, &[], at(0), &mut log);
        }
        let mut looks = 0;
        // The count is 0 after one window, and stays so for another one.
        for now in (0..=2 * window).step_by(NANOS_PER_SECOND as usize / 10) {
            assert!(log.alerts().iter().all(|alert| !alert.over), "{now}");
            let due = occurrences.agenda.take_due(now);
            looks += due.len();
            for item in due {
                occurrences.agenda.put_back(now, item);
            }
            occurrences.tick(at(now), &mut log);
        }
        assert!(log.alerts().iter().all(|alert| alert.over));
        assert_eq!((log.alerts().len(), occurrences.agenda.len()), (50, 0));
        assert!(looks <= 50 * 17, "{looks} looks in 1200 ticks");
    }

    #[test]
    fn those_that_left_the_table_leave_the_agenda() {
        let (mut occurrences, mut log) =
            (Occurrences::new(Rule::BadFlags, 1, 1000), Log::default());
        for key in 0..10 * CAPACITY as u32 {
            let subject = Subject::Host(std::net::Ipv4Addr::from(key).into());
            occurrences.add(key, subject, &[], at(0), &mut log);
            assert!(occurrences.agenda.len() <= 2 * CAPACITY);
        }
    }
}
