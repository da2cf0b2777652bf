//! Two simulated hosts and the wire between them: slow start, congestion avoidance, fast recovery and a retransmission timer at the one
//! end, a receiver with a window and delayed acknowledgments at the other, and a link with a rate and a queue. What passes an
//! observer anywhere on the way is written down.

use crate::utils::time::NANOS_PER_MILLI;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

pub const MILLI: i64 = NANOS_PER_MILLI;
/// Octets of a segment.
pub const SIZE: i64 = 1000;
/// A window that never fills, in segments.
pub const ROOMY: i64 = 2000;

/// A transfer from the client to the server: times in nanoseconds since the connection opened, everything else in segments.
pub struct Transfer {
    pub segments: i64,
    pub round_trip: i64,
    /// Time a segment takes on the narrowest link, which stands next to the sender; 0 for one that is never full.
    pub each: i64,
    /// Segments that wait before that link; it drops what comes beyond.
    pub queue: i64,
    /// What the receiver has room for.
    pub window: i64,
    /// The times between which its application does not read.
    pub stalls: (i64, i64),
    /// What the sender's buffer has room for.
    pub buffer: i64,
    /// What the congestion window never opens beyond.
    pub opens_to: i64,
    /// Segments whose first transmission is lost.
    pub lost: Vec<i64>,
    /// What the application writes at once, and how long it waits then.
    pub writes: (i64, i64),
    /// How long the receiver holds back the acknowledgment of a single segment.
    pub delays: i64,
    pub has_timestamps: bool,
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            segments: 1000,
            round_trip: 40 * MILLI,
            each: 0,
            queue: ROOMY,
            window: ROOMY,
            stalls: (0, 0),
            buffer: ROOMY,
            opens_to: ROOMY,
            lost: Vec::new(),
            writes: (i64::MAX, 0),
            delays: 0,
            has_timestamps: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// A segment arrives, with its sender's clock.
    Arrives(i64, i64),
    /// The receiver's timer runs out, or its application reads again.
    Answers,
    /// An acknowledgment arrives, with the right edge of the window, the receiver's clock, and its echo.
    Acknowledges(i64, i64, i64),
    /// The application writes.
    Writes,
    /// The retransmission timer of a segment runs out.
    TimesOut(i64, u32),
}

/// What passes on the wire: when, a segment or an acknowledgment, the window, clock and echo.
#[derive(Clone, Copy)]
pub struct Passes {
    pub time: i64,
    pub segment: Option<i64>,
    pub acknowledges: i64,
    pub window: i64,
    pub stamps: (i64, i64),
}

/// The two hosts and the wire.
pub struct Hosts<'a> {
    of: &'a Transfer,
    /// How far the observer is from the sender, one way.
    away: i64,
    agenda: BinaryHeap<Reverse<(i64, u32, Happens)>>,
    events: u32,
    passes: Vec<Passes>,
    // The sender.
    next: i64,
    highest: i64,
    acknowledged: i64,
    edge: i64,
    congestion: f64,
    threshold: f64,
    duplicates: i64,
    recovers: Option<i64>,
    transmissions: u32,
    link_is_free: i64,
    written: i64,
    heard: i64,
    // The receiver.
    arrived: BTreeSet<i64>,
    expected: i64,
    offered: i64,
    unanswered: i64,
    echoes: i64,
}

impl<'a> Hosts<'a> {
    pub fn new(of: &'a Transfer, away: i64) -> Self {
        Self {
            of,
            away,
            agenda: BinaryHeap::new(),
            events: 0,
            passes: Vec::new(),
            next: 0,
            highest: 0,
            acknowledged: 0,
            edge: of.window,
            congestion: 10.0,
            threshold: f64::MAX,
            duplicates: 0,
            recovers: None,
            transmissions: 0,
            link_is_free: 0,
            written: of.writes.0.min(of.segments),
            heard: 0,
            arrived: BTreeSet::new(),
            expected: 0,
            offered: of.window,
            unanswered: 0,
            echoes: 0,
        }
    }

    fn one_way(&self) -> i64 {
        self.of.round_trip / 2
    }

    fn plan(&mut self, time: i64, what: Happens) {
        self.events += 1;
        self.agenda.push(Reverse((time, self.events, what)));
    }

    /// Everything that passes the observer, in the order of time.
    pub fn run(mut self) -> Vec<Passes> {
        if self.of.writes.1 > 0 {
            self.plan(self.of.writes.1, Happens::Writes);
        }
        if self.of.stalls.1 > 0 {
            self.plan(self.of.stalls.1, Happens::Answers);
        }
        self.send_what_may(0);
        while let Some(Reverse((time, _, what))) = self.agenda.pop() {
            match what {
                Happens::Arrives(segment, clock) => self.arrives(time, segment, clock),
                Happens::Answers => self.answer(time),
                Happens::Acknowledges(number, edge, clock) => {
                    self.heard = clock;
                    self.acknowledges(time, number, edge);
                }
                Happens::Writes => {
                    self.written = (self.written + self.of.writes.0).min(self.of.segments);
                    if self.written < self.of.segments {
                        self.plan(time + self.of.writes.1, Happens::Writes);
                    }
                }
                Happens::TimesOut(segment, transmissions) => {
                    if segment == self.acknowledged && transmissions == self.transmissions {
                        self.congestion = 1.0;
                        self.transmit(time, segment);
                    }
                }
            }
            self.send_what_may(time);
        }
        // What happens at the same moment, in the order in which it happens.
        self.passes.sort_by_key(|passes| passes.time);
        self.passes
    }

    fn send_what_may(&mut self, time: i64) {
        loop {
            let out = self.next - self.acknowledged;
            let congestion = (self.congestion as i64).min(self.of.opens_to);
            let may = (congestion + self.duplicates).min(self.of.buffer);
            if self.next >= self.written || out >= may || self.next >= self.edge {
                return;
            }
            self.transmit(time, self.next);
            self.next += 1;
        }
    }

    fn transmit(&mut self, time: i64, segment: i64) {
        let is_first = segment >= self.highest;
        self.highest = self.highest.max(segment + 1);
        self.transmissions += 1;
        self.plan(
            time + self.of.round_trip + 300 * MILLI,
            Happens::TimesOut(segment, self.transmissions),
        );
        let begins = time.max(self.link_is_free);
        let waiting = (begins - time).checked_div(self.of.each).unwrap_or(0);
        let is_dropped = waiting > self.of.queue;
        if !is_dropped {
            self.link_is_free = begins + self.of.each;
        }
        let leaves = begins + self.of.each;
        let passes = if self.away == 0 {
            time
        } else {
            leaves + self.away
        };
        let is_lost = is_dropped || is_first && self.of.lost.contains(&segment);
        if !is_lost || self.away == 0 {
            self.passes.push(Passes {
                time: passes,
                segment: Some(segment),
                acknowledges: 0,
                window: 0,
                stamps: (time, self.heard),
            });
        }
        if !is_lost {
            self.plan(leaves + self.one_way(), Happens::Arrives(segment, time));
        }
    }

    fn arrives(&mut self, time: i64, segment: i64, clock: i64) {
        let in_order = segment == self.expected;
        self.arrived.insert(segment);
        while self.arrived.remove(&self.expected) {
            self.expected += 1;
        }
        if in_order {
            self.echoes = clock;
        }
        self.unanswered += 1;
        if self.of.delays == 0 || self.unanswered > 1 || !in_order {
            self.answer(time);
        } else {
            self.plan(time + self.of.delays, Happens::Answers);
        }
    }

    fn answer(&mut self, time: i64) {
        let (from, until) = self.of.stalls;
        let reads = time < from || time >= until;
        if self.unanswered == 0 && !(reads && time == until) {
            return;
        }
        self.unanswered = 0;
        if reads {
            self.offered = self.expected + self.of.window;
        }
        self.passes.push(Passes {
            time: time + self.one_way() - self.away,
            segment: None,
            acknowledges: self.expected,
            window: self.offered - self.expected,
            stamps: (time, self.echoes),
        });
        self.plan(
            time + self.one_way(),
            Happens::Acknowledges(self.expected, self.offered, time),
        );
    }

    /// As RFC 5681 and RFC 6582 have it.
    fn acknowledges(&mut self, time: i64, number: i64, edge: i64) {
        self.edge = self.edge.max(edge);
        if number == self.acknowledged {
            self.duplicates += i64::from(self.next > number);
            if self.duplicates == 3 && self.recovers.is_none() {
                self.threshold = (self.congestion / 2.0).max(2.0);
                self.congestion = self.threshold;
                self.recovers = Some(self.next);
                self.transmit(time, number);
            }
            return;
        }
        let more = (number - self.acknowledged) as f64;
        self.acknowledged = number;
        self.next = self.next.max(number);
        match self.recovers {
            Some(until) if number < until => {
                self.duplicates = 0;
                self.transmit(time, number);
            }
            Some(_) => (self.recovers, self.duplicates) = (None, 0),
            None => {
                self.duplicates = 0;
                self.congestion += if self.congestion < self.threshold {
                    more
                } else {
                    more / self.congestion
                };
            }
        }
    }
}
