//! Retransmission storms (ANALYSIS.md 9). A flow counts its segments anyway, so that only a retransmission has to be looked at:
//! what was sent in the window is the difference between two readings of the counters.

use super::clock::Moment;
use super::log::{Active, Log, Subject, Trail};
use super::rule::Rule;
use super::table::{Bounded, Weight};
use super::thresholds::RetransmissionStorm;
use crate::tracking::verdict::Cause;
use crate::tracking::{Direction, Event};
use std::collections::VecDeque;

/// Directions with retransmissions that are kept, at most.
const CAPACITY: usize = 4096;
/// Readings of a flow's counters per window.
const READINGS: i64 = 8;

/// What a flow had counted at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Reading {
    now: i64,
    segments: u64,
    payload: u64,
    repeated: u64,
}

#[derive(Debug)]
struct Repeats {
    readings: VecDeque<Reading>,
    most_repeats: u16,
    trail: Trail,
    active: Active,
    subject: Subject,
    figures: [(&'static str, u64); 4],
}

impl Weight for Repeats {
    fn weight(&self) -> u64 {
        if self.active.is() {
            u64::MAX
        } else {
            self.trail.packets
        }
    }
}

type Key = (u64, Direction);

/// Retransmissions per direction of a connection.
#[derive(Debug)]
pub struct RetransmissionStorms {
    table: Bounded<Key, Repeats>,
    hot: Vec<Key>,
}

impl Default for RetransmissionStorms {
    fn default() -> Self {
        Self {
            table: Bounded::new(CAPACITY),
            hot: Vec::new(),
        }
    }
}

impl RetransmissionStorms {
    /// A segment that is a retransmission.
    pub fn add(
        &mut self,
        event: &Event<'_>,
        moment: Moment,
        rule: &RetransmissionStorm,
        log: &mut Log,
    ) {
        let probe = event
            .judgement
            .repeat
            .is_some_and(|repeat| repeat.cause == Some(Cause::Probe));
        if event.segment.payload_len == 0 || probe {
            return;
        }
        let key = (event.connection.id, event.direction);
        let entry = self.table.entry(key, || Repeats::of(event, moment, rule));
        let was_active = entry.active.is();
        entry.trail.step(moment, rule.seconds.0, was_active);
        entry.add(event, moment, rule, log);
        if entry.active.is() && !was_active {
            self.hot.push(key);
        }
    }

    /// Time has passed: where nothing is sent again, a storm abates.
    pub fn tick(&mut self, moment: Moment, rule: &RetransmissionStorm, log: &mut Log) {
        let table = &mut self.table;
        self.hot.retain(|key| {
            table.get_mut(key).is_some_and(|entry| {
                let quiet =
                    moment.now.saturating_sub(entry.trail.seen()) > rule.seconds.0 / READINGS;
                if quiet {
                    entry.look(false, true, moment, rule, log);
                }
                entry.active.is()
            })
        });
    }

    /// How many entries left to keep within the bounds.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }
}

impl Repeats {
    /// At the first retransmission of a flow: as if it had been read at the connection's first packet, if that is within the
    /// window, and otherwise just before.
    fn of(event: &Event<'_>, moment: Moment, rule: &RetransmissionStorm) -> Self {
        let age = moment.time.since(event.connection.start);
        let before = if age <= rule.seconds.0 {
            Reading {
                now: moment.now.saturating_sub(age),
                ..Reading::default()
            }
        } else {
            Reading {
                segments: reading(event, moment).segments.saturating_sub(1),
                payload: reading(event, moment)
                    .payload
                    .saturating_sub(event.segment.payload_len.into()),
                repeated: reading(event, moment)
                    .repeated
                    .saturating_sub(event.judgement.repeated_octets.into()),
                now: moment.now,
            }
        };
        Self {
            readings: VecDeque::from([before]),
            most_repeats: 0,
            trail: Trail::default(),
            active: Active::default(),
            subject: Subject::Connection {
                id: event.connection.id,
                sender: event.connection.sender(event.direction),
                receiver: event.connection.sender(event.direction.reverse()),
            },
            figures: [
                ("retransmissions", 0),
                ("repeated_bytes", 0),
                ("bytes", 0),
                ("most_repeats", 0),
            ],
        }
    }

    fn add(
        &mut self,
        event: &Event<'_>,
        moment: Moment,
        rule: &RetransmissionStorm,
        log: &mut Log,
    ) {
        let now = reading(event, moment);
        let start = moment.now.saturating_sub(rule.seconds.0);
        while self
            .readings
            .get(1)
            .is_some_and(|second| second.now <= start)
        {
            self.readings.pop_front();
        }
        if self
            .readings
            .back()
            .is_some_and(|last| now.now.saturating_sub(last.now) >= rule.seconds.0 / READINGS)
        {
            self.readings.push_back(now);
        }
        let base = self.readings.front().copied().unwrap_or_default();
        let (segments, payload) = (
            now.segments.saturating_sub(base.segments),
            now.payload.saturating_sub(base.payload),
        );
        let repeated = now.repeated.saturating_sub(base.repeated);
        let share = repeated as f64 / payload.max(1) as f64;
        let most = event
            .connection
            .flow(event.direction)
            .counts
            .rare()
            .most_repeats;
        let stubborn = most >= rule.repeats && most > self.most_repeats;
        self.most_repeats = most;
        self.figures = [
            ("retransmissions", self.trail.packets),
            ("repeated_bytes", repeated),
            ("bytes", payload),
            ("most_repeats", most.into()),
        ];
        let reached = share >= rule.repeated_share && segments >= rule.segments || stubborn;
        let low = share * 2.0 < rule.repeated_share && !stubborn;
        self.look(reached, low, moment, rule, log);
    }

    fn look(
        &mut self,
        reached: bool,
        low: bool,
        moment: Moment,
        rule: &RetransmissionStorm,
        log: &mut Log,
    ) {
        let step = self.active.step(moment.now, reached, low, rule.seconds.0);
        let about = (Rule::RetransmissionStorm, self.subject);
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

fn reading(event: &Event<'_>, moment: Moment) -> Reading {
    let counts = &event.connection.flow(event.direction).counts;
    Reading {
        now: moment.now,
        segments: counts.data_packets,
        payload: counts.payload_bytes,
        repeated: counts.rare().retransmitted_bytes,
    }
}
