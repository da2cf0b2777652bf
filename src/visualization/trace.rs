//! What the graphs of one connection are drawn from: its series and marks, collected event by event.
//!
//! Every direction has a set of its own, and it is told from its sender's side: its octets, what came back for them, and the
//! window it had to keep to. So an acknowledgment goes into the set of the other direction.

use super::ladder::Rungs;
use super::marks::{Mark, MarkKind, Marks};
use super::series::{Bins, Series, Span, Value};
use crate::analyzers::tcp::Flags;
use crate::tracking::ranges::Ranges;
use crate::tracking::{Connection, Direction, Event, PerDirection, Verdict};
use crate::utils::time::{NANOS_PER_SECOND, Timestamp};
use std::collections::VecDeque;

/// The part of a capture that the graphs show, by the capture's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From here on.
    pub from: Timestamp,
    /// Up to here.
    pub to: Timestamp,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            from: Timestamp::from_nanos(i64::MIN),
            to: Timestamp::from_nanos(i64::MAX),
        }
    }
}

impl Window {
    /// From so many to so many seconds of a capture that begins at this time; all of it where nothing was asked for.
    pub fn asked(seconds: (Option<f64>, Option<f64>), begin: Timestamp) -> Self {
        let moment = |seconds: f64| begin.plus((seconds * NANOS_PER_SECOND as f64) as i64);
        let all = Window::default();
        Window {
            from: seconds.0.map_or(all.from, moment),
            to: seconds.1.map_or(all.to, moment),
        }
    }

    /// Whether a moment lies in it.
    pub fn has(&self, time: Timestamp) -> bool {
        time >= self.from && time <= self.to
    }
}

/// A line that goes on from what came before the window.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The values.
    pub values: Series<Value>,
    before: Option<i64>,
}

impl Line {
    fn push(&mut self, time: Timestamp, value: i64, window: Window) {
        if time < window.from {
            self.before = Some(value);
        } else if window.has(time) {
            if let Some(before) = self.before.take() {
                self.values.push(window.from, Value::of(before));
            }
            self.values.push(time, Value::of(value));
        }
    }
}

/// One direction: what its sender sent, and what came back for it.
#[derive(Clone, Debug, Default)]
pub struct FlowTrace {
    /// First transmissions: the octets they cover.
    pub segments: Series<Span>,
    /// What the receiver acknowledged, as offsets.
    pub acknowledged: Line,
    /// The right edge of the receiver's window, as offsets.
    pub edge: Line,
    /// Octets under way, as the sender knew it.
    pub in_flight: Line,
    /// The receiver's window in octets.
    pub window: Line,
    /// Round-trip samples from the observer over the receiver and back, in nanoseconds.
    pub round_trips: Line,
    /// The running estimate from them (RFC 6298 §2), in nanoseconds.
    pub smoothed: Line,
    /// Octets of payload, repeated ones included.
    pub payload: Bins,
    /// Octets newly acknowledged.
    pub delivered: Bins,
    /// Spans of octets that were never captured, told by a jump of the sequence numbers.
    pub gaps: Marks,
    /// Of the kinds that there are any of: mostly few.
    marks: Vec<(MarkKind, Marks)>,
    highest_ack: Option<i64>,
    /// Behind the last octet sent.
    end: i64,
    /// Acknowledgments that have passed here but have not had the time to reach the sender (ANALYSIS.md 7.3): when they do, and what they
    /// acknowledge.
    under_way: VecDeque<(Timestamp, i64)>,
}

/// Acknowledgments under way that are kept at most; the oldest arrives early then.
const MAX_UNDER_WAY: usize = 1024;

impl FlowTrace {
    /// Acknowledgments that have reached the sender by now lower what is in flight.
    fn arrive(&mut self, now: Timestamp, sacked: &Ranges, window: Window) {
        while let Some((due, known)) = self.under_way.pop_front_if(|(due, _)| *due <= now) {
            let out = self.end - known - sacked.above(known);
            self.in_flight.push(due, out.max(0), window);
        }
    }

    fn pass(&mut self, due: Timestamp, known: i64) {
        if self.under_way.len() >= MAX_UNDER_WAY {
            self.under_way.pop_front();
        }
        self.under_way.push_back((due, known));
    }

    /// The marks of a kind.
    pub fn marks(&self, kind: MarkKind) -> &[Mark] {
        self.marks_of(kind).map_or(&[], Marks::marks)
    }

    /// How many marks of a kind were made.
    pub fn count(&self, kind: MarkKind) -> u64 {
        self.marks_of(kind).map_or(0, Marks::count)
    }

    fn marks_of(&self, kind: MarkKind) -> Option<&Marks> {
        let found = self.marks.iter().find(|(of, _)| *of == kind);
        found.map(|(_, marks)| marks)
    }

    /// Whether its sender sent any data.
    pub fn has_data(&self) -> bool {
        !self.payload.is_empty()
    }

    fn mark(&mut self, kind: MarkKind, mark: Mark) {
        let at = self.marks.iter().position(|(of, _)| *of == kind);
        let at = at.unwrap_or_else(|| {
            self.marks.push((kind, Marks::default()));
            self.marks.len() - 1
        });
        self.marks[at].1.push(mark);
    }

    /// Memory beside the trace itself, in octets.
    fn memory(&self) -> usize {
        let lines = [
            &self.acknowledged,
            &self.edge,
            &self.in_flight,
            &self.window,
            &self.round_trips,
            &self.smoothed,
        ];
        let lines: usize = lines.iter().map(|line| line.values.memory()).sum();
        let marks: usize = self.marks.iter().map(|(_, marks)| marks.memory()).sum();
        self.segments.memory()
            + lines
            + self.payload.memory()
            + self.delivered.memory()
            + self.gaps.memory()
            + self.marks.capacity() * size_of::<(MarkKind, Marks)>()
            + marks
            + self.under_way.capacity() * size_of::<(Timestamp, i64)>()
    }
}

/// One connection.
#[derive(Clone, Debug, Default)]
pub struct ConnectionTrace {
    /// Its number.
    pub id: u64,
    /// Both directions.
    pub flows: PerDirection<FlowTrace>,
    /// Its first and last segments, for the ladder.
    pub rungs: Rungs,
    /// Octets on the wire so far, in the window or not.
    pub wire_bytes: u64,
    /// The first frame that it knows of, where an earlier part was let go to make room.
    pub begins_late: Option<u64>,
    /// What the tracking knew of it when it left there to make room.
    pub left: Option<Box<Connection>>,
}

impl ConnectionTrace {
    /// Takes in an event of this connection.
    pub fn observe(&mut self, event: &Event<'_>, window: Window) {
        let time = event.segment.time;
        self.wire_bytes += u64::from(event.segment.wire_len);
        for direction in Direction::BOTH {
            let sacked = event.connection.flow(direction).stream.sacked();
            self.flows[direction].arrive(time, sacked, window);
        }
        self.coming_back(event, window);
        if window.has(time) {
            self.sent(event);
            self.rungs.observe(event);
        }
        let own = &mut self.flows[event.direction];
        if let Some(octets) = event.in_flight() {
            own.end = own.end.max(event.data().end);
            let octets = i64::try_from(octets).unwrap_or(i64::MAX);
            own.in_flight.push(time, octets, window);
        }
    }

    /// What the segment's own octets and flags say.
    fn sent(&mut self, event: &Event<'_>) {
        let (segment, judgement) = (event.segment, event.judgement);
        let own = &mut self.flows[event.direction];
        let data = event.data();
        let mark = |low, high| Mark {
            frame: segment.frame,
            time: segment.time,
            low,
            high,
            count: 1,
        };
        let whole = mark(event.offset(), data.end.max(event.offset() + 1));
        let payload = mark(data.start, data.end.max(data.start + 1));
        if segment.payload_len > 0 && !judgement.has(Verdict::Duplicate) {
            own.payload
                .add(segment.time, u64::from(segment.payload_len));
        }
        let kind = special_kind(event);
        match kind {
            Some(kind) => own.mark(
                kind,
                if segment.payload_len > 0 {
                    payload
                } else {
                    whole
                },
            ),
            None if segment.payload_len > 0 => {
                let span = Span {
                    low: data.start,
                    high: data.end,
                    until: segment.time,
                    count: 1,
                };
                own.segments.push(segment.time, span);
            }
            None => {}
        }
        if let (Some((from, octets)), true) =
            (judgement.missing, judgement.has(Verdict::LostSegment))
        {
            own.gaps
                .push(mark(from, from.saturating_add(i64::from(octets))));
        }
        let flags = segment.flags;
        let flagged = [
            (flags.syn(), MarkKind::Syn),
            (flags.fin(), MarkKind::Fin),
            (flags.rst(), MarkKind::Rst),
            (
                judgement.has(Verdict::CongestionExperienced),
                MarkKind::CongestionExperienced,
            ),
            (
                judgement.has(Verdict::WindowReduced),
                MarkKind::WindowReduced,
            ),
            (
                judgement.has(Verdict::SpuriousRetransmission),
                MarkKind::Spurious,
            ),
        ];
        let at = if flags.fin() {
            mark(data.end, data.end + 1)
        } else {
            whole
        };
        for (holds, kind) in flagged {
            if holds && !judgement.has(Verdict::Duplicate) {
                own.mark(kind, at);
            }
        }
    }

    /// What the segment says of the other side's octets: acknowledgment, window, selective blocks, round trips.
    fn coming_back(&mut self, event: &Event<'_>, window: Window) {
        let (segment, judgement) = (event.segment, event.judgement);
        let other = &mut self.flows[event.direction.reverse()];
        let time = segment.time;
        if let Some(nanos) = event.rtt() {
            other.round_trips.push(time, nanos, window);
            let flow = event.connection.flow(event.direction.reverse());
            if let Some(smoothed) = flow.estimate.smoothed() {
                other.smoothed.push(time, smoothed, window);
            }
        }
        let (Some(ack), false) = (event.ack_offset(), judgement.has(Verdict::Duplicate)) else {
            return;
        };
        if segment.flags.rst() || judgement.has(Verdict::OldDuplicate) {
            return;
        }
        let before = other.highest_ack.unwrap_or(ack);
        let highest = before.max(ack);
        other.highest_ack = Some(highest);
        other.acknowledged.push(time, highest, window);
        if other.end > 0 {
            let to_sender = event.connection.flow(event.direction).min_rtt.unwrap_or(0);
            other.pass(time.plus(to_sender), highest);
            let flow = event.connection.flow(event.direction.reverse());
            other.arrive(time, flow.stream.sacked(), window);
        }
        let size = i64::try_from(event.window()).unwrap_or(i64::MAX);
        if !segment.flags.any(Flags::SYN) {
            other.window.push(time, size, window);
        }
        other.edge.push(time, ack.saturating_add(size), window);
        if !window.has(time) {
            return;
        }
        // The SYN and the FIN take a number each, but no octet is delivered by them.
        let fin = event.connection.flow(event.direction.reverse()).stream.fin;
        let octets = |ack: i64| ack.min(fin.unwrap_or(ack)).max(1);
        let delivered = octets(highest)
            .saturating_sub(octets(before))
            .max(0)
            .unsigned_abs();
        if delivered > 0 {
            other.delivered.add(time, delivered);
        }
        let mark = |low, high| Mark {
            frame: segment.frame,
            time,
            low,
            high,
            count: 1,
        };
        // The first block is the newest (RFC 2018 §4); the others were told before. One below the acknowledgment is a DSACK.
        if let Some(block) = event.sack().find(|block| block.end > ack) {
            other.mark(MarkKind::Sack, mark(block.start, block.end));
        }
        let flagged = [
            (Verdict::DuplicateAck, MarkKind::DuplicateAck),
            (Verdict::ZeroWindow, MarkKind::ZeroWindow),
            (Verdict::EcnEcho, MarkKind::EcnEcho),
        ];
        for (verdict, kind) in flagged {
            if judgement.has(verdict) {
                other.mark(kind, mark(ack, ack + 1));
            }
        }
        self.take_back(event);
    }

    /// A retransmission that an acknowledgment shows to have been needless is marked so from now on.
    fn take_back(&mut self, event: &Event<'_>) {
        let Some(spurious) = event.judgement.proves_spurious else {
            return;
        };
        let other = &mut self.flows[event.direction.reverse()];
        let marked = other.marks.iter().find_map(|(kind, marks)| {
            let is_repeat = matches!(kind, MarkKind::Retransmission(_));
            let mark = marks
                .marks()
                .iter()
                .rev()
                .take(4096)
                .find(|mark| mark.frame == spurious.frame);
            mark.copied().filter(|_| is_repeat)
        });
        if let Some(mark) = marked {
            other.mark(MarkKind::Spurious, Mark { count: 1, ..mark });
        }
    }

    /// The direction that carries more data.
    pub fn main_direction(&self) -> Direction {
        let [to_server, to_client] = [0, 1].map(|at| self.flows.0[at].payload.total());
        if to_server >= to_client {
            Direction::ToServer
        } else {
            Direction::ToClient
        }
    }

    /// The memory that it takes in all, in octets.
    pub fn memory(&self) -> usize {
        let flows: usize = self.flows.0.iter().map(FlowTrace::memory).sum();
        let left = self.left.as_deref();
        let left = left.map_or(0, |connection| {
            size_of::<Connection>() + connection.memory()
        });
        size_of::<Self>() + self.rungs.memory() + flows + left
    }
}

/// As what its octets are marked, if they are not simply the next in order.
fn special_kind(event: &Event<'_>) -> Option<MarkKind> {
    let judgement = event.judgement;
    let table = [
        (Verdict::Duplicate, MarkKind::Duplicate),
        (Verdict::Reordered, MarkKind::Reordered),
        (Verdict::KeepAlive, MarkKind::KeepAlive),
        (Verdict::ZeroWindowProbe, MarkKind::WindowProbe),
    ];
    if judgement.has(Verdict::Retransmission) {
        let cause = judgement.repeat.and_then(|repeat| repeat.cause);
        return Some(MarkKind::Retransmission(
            cause.unwrap_or(crate::tracking::verdict::Cause::Unknown),
        ));
    }
    table
        .into_iter()
        .find(|(verdict, _)| judgement.has(*verdict))
        .map(|(_, kind)| kind)
}
