//! Transfers between two simulated hosts whose story is known (ANALYSIS.md 8.6), seen from the sender, from the middle of the path and
//! from the receiver: the account has to say what was built in, and the same everywhere.

use super::{Limit, Spent};
use crate::analyzers::tcp::Flags;
use crate::analyzers::tcp_options::Timestamps;
use crate::tracking::{ConnectionTracker, Direction, Segment};
use crate::utils::addressing::Endpoint;
use crate::utils::seq::Seq;
use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

const MILLI: i64 = NANOS_PER_MILLI;
/// Octets of a segment.
const SIZE: i64 = 1000;
/// A window that never fills, in segments.
const ROOMY: i64 = 2000;

/// A transfer from the client to the server: times in nanoseconds since the connection opened, everything else in segments.
struct Transfer {
    segments: i64,
    round_trip: i64,
    /// Time a segment takes on the narrowest link, which stands next to the sender; 0 for one that is never full.
    each: i64,
    /// Segments that wait before that link; it drops what comes beyond.
    queue: i64,
    /// What the receiver has room for.
    window: i64,
    /// The times between which its application does not read.
    stalls: (i64, i64),
    /// What the sender's buffer has room for.
    buffer: i64,
    /// What the congestion window never opens beyond.
    opens_to: i64,
    /// Segments whose first transmission is lost.
    lost: Vec<i64>,
    /// What the application writes at once, and how long it waits then.
    writes: (i64, i64),
    /// How long the receiver holds back the acknowledgment of a single segment.
    delays: i64,
    has_timestamps: bool,
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
struct Passes {
    time: i64,
    segment: Option<i64>,
    acknowledges: i64,
    window: i64,
    stamps: (i64, i64),
}

/// The two hosts and the wire.
struct Hosts<'a> {
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
    fn new(of: &'a Transfer, away: i64) -> Self {
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
    fn run(mut self) -> Vec<Passes> {
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

impl Transfer {
    /// The account of the transfer for an observer so far from the sender.
    fn seen(&self, away: i64) -> Spent {
        let mut tracker = ConnectionTracker::new(4);
        let client = Endpoint::new([192, 0, 2, 1].into(), 40_000);
        let server = Endpoint::new([192, 0, 2, 2].into(), 80);
        let mut see = |time: i64,
                       data: bool,
                       flags: Flags,
                       numbers: (i64, i64),
                       len: i64,
                       more: (i64, (i64, i64))| {
            let (window, stamps) = more;
            let mut segment = Segment {
                time: Timestamp::from_nanos(time),
                flags,
                seq: Seq(numbers.0 as u32),
                ack: Seq(numbers.1 as u32),
                payload_len: len as u32,
                payload_captured: len as u32,
                window: (window * SIZE / 128) as u16,
                ..Segment::example()
            };
            // Clocks of a millisecond, and never 0.
            let clock = |nanos: i64| (nanos / MILLI + 100_000) as u32;
            segment.options.timestamps = self.has_timestamps.then(|| Timestamps {
                value: clock(stamps.0),
                echo: clock(stamps.1),
            });
            if flags.syn() {
                segment.options.window_scale = Some(7);
                segment.options.mss = Some(SIZE as u16);
                segment.window = 65_535;
            }
            let ends = if data {
                (client, server)
            } else {
                (server, client)
            };
            tracker.observe(ends.0, ends.1, &segment);
        };
        let (round_trip, one_way) = (self.round_trip, self.round_trip / 2);
        let start = -round_trip;
        see(start + away, true, Flags::SYN, (0, 0), 0, (0, (start, 0)));
        let answered = start + one_way;
        let both = Flags::SYN.with(Flags::ACK);
        see(
            answered + one_way - away,
            false,
            both,
            (0, 1),
            0,
            (0, (answered, start)),
        );
        see(away, true, Flags::ACK, (1, 1), 0, (ROOMY, (0, answered)));
        for passes in Hosts::new(self, away).run() {
            let stamps = passes.stamps;
            match passes.segment {
                Some(segment) => {
                    let numbers = (1 + segment * SIZE, 1);
                    see(
                        passes.time,
                        true,
                        Flags::ACK,
                        numbers,
                        SIZE,
                        (ROOMY, stamps),
                    );
                }
                None => {
                    let numbers = (1, 1 + passes.acknowledges * SIZE);
                    see(
                        passes.time,
                        false,
                        Flags::ACK,
                        numbers,
                        0,
                        (passes.window, stamps),
                    );
                }
            }
        }
        let connections = tracker.connections();
        let connection = &connections[0];
        assert_eq!(
            connection.delivered(Direction::ToServer),
            (self.segments * SIZE).unsigned_abs()
        );
        let spent = connection.spent(Direction::ToServer).unwrap();
        assert_eq!(
            spent.total(),
            connection.duration(),
            "each instant has one cause"
        );
        spent
    }

    /// The share of a cause is at least this wherever on the path, and nearly the same.
    fn is(&self, limit: Limit, least: f64) {
        let one_way = self.round_trip / 2;
        let places = [0, one_way / 2, one_way];
        let shares = places.map(|away| self.seen(away).share(limit));
        assert!(shares.iter().all(|&share| share >= least), "{shares:?}");
        let [one, two, three] = shares;
        let apart = one.max(two).max(three) - one.min(two).min(three);
        assert!(apart <= 0.05, "{shares:?}");
    }
}

#[test]
fn a_small_window_limits() {
    Transfer {
        window: 12,
        ..Transfer::default()
    }
    .is(Limit::ReceiverWindow, 0.9);
}

#[test]
fn a_reader_that_stalls_closes_the_window() {
    Transfer {
        window: 60,
        stalls: (200 * MILLI, 2200 * MILLI),
        ..Transfer::default()
    }
    .is(Limit::ReceiverWindow, 0.8);
}

#[test]
fn a_full_link_limits_and_its_queue_grows() {
    for has_timestamps in [true, false] {
        Transfer {
            each: MILLI,
            opens_to: 120,
            segments: 6000,
            has_timestamps,
            ..Transfer::default()
        }
        .is(Limit::Bottleneck, 0.8);
    }
}

/// So slow that few segments are under way, and only the round trip tells.
#[test]
fn a_slow_link_with_a_long_queue_limits() {
    Transfer {
        each: 12 * MILLI,
        opens_to: 12,
        ..Transfer::default()
    }
    .is(Limit::Bottleneck, 0.8);
}

#[test]
fn a_queue_that_overflows_is_a_full_link() {
    Transfer {
        each: MILLI / 2,
        queue: 15,
        segments: 3000,
        ..Transfer::default()
    }
    .is(Limit::Bottleneck, 0.7);
}

#[test]
fn losses_now_and_then_keep_the_window_small() {
    Transfer {
        lost: (0..2000).filter(|at| at % 83 == 40).collect(),
        segments: 2000,
        ..Transfer::default()
    }
    .is(Limit::Loss, 0.6);
}

#[test]
fn an_application_that_writes_now_and_then_has_nothing_to_send() {
    Transfer {
        writes: (5, 300 * MILLI),
        segments: 50,
        ..Transfer::default()
    }
    .is(Limit::Application, 0.9);
}

#[test]
fn a_source_that_is_slow_while_octets_are_under_way_has_nothing_to_send() {
    Transfer {
        writes: (1, 17 * MILLI),
        segments: 200,
        ..Transfer::default()
    }
    .is(Limit::Application, 0.8);
}

#[test]
fn a_full_send_buffer_keeps_as_much_under_way() {
    Transfer {
        buffer: 30,
        ..Transfer::default()
    }
    .is(Limit::SendBuffer, 0.8);
}

#[test]
fn a_single_segment_waits_for_an_acknowledgment_that_is_delayed() {
    Transfer {
        buffer: 1,
        delays: 40 * MILLI,
        segments: 50,
        ..Transfer::default()
    }
    .is(Limit::DelayedAck, 0.9);
}

#[test]
fn a_short_transfer_is_over_before_the_window_opens() {
    let transfer = Transfer {
        segments: 60,
        ..Transfer::default()
    };
    let [near, far] = [0, transfer.round_trip / 2].map(|away| transfer.seen(away));
    for spent in [near, far] {
        let begins = spent.share(Limit::Handshake) + spent.share(Limit::SlowStart);
        assert!(begins + spent.share(Limit::Closing) > 0.95, "{spent:?}");
        assert!(spent.share(Limit::SlowStart) > 0.3, "{spent:?}");
    }
}
