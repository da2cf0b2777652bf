//! The simplest detector: something that should not happen at all happens so many times within the window, counted per key.

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
    hot: Vec<K>,
}

impl<K: Copy + Eq + Hash> Occurrences<K> {
    /// A detector that raises `rule` at so many within a window of so many nanoseconds.
    pub fn new(rule: Rule, limit: u32, window: i64) -> Self {
        Self {
            rule,
            limit,
            window,
            table: Bounded::new(CAPACITY),
            hot: Vec::new(),
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
            self.hot.push(key);
        }
    }

    /// Time has passed.
    pub fn tick(&mut self, moment: Moment, log: &mut Log) {
        let (table, window) = (&mut self.table, self.window);
        self.hot.retain(|key| {
            table.get_mut(key).is_some_and(|occurrence| {
                let count = occurrence.counts.at(moment.now, window);
                occurrence.look(self.rule, (count, self.limit), window, moment, log);
                occurrence.active.is()
            })
        });
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
    }
}
