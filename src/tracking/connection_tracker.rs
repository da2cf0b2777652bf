//! All connections of a capture: finds the one a segment belongs to, and takes it through find, orient, judge, record, next
//! state.
//!
//! Memory is a promise: at most `limit` connections are kept. Beyond that the longest closed leave first, then the longest idle;
//! what they had counted stays in the totals, and how many left is known.

use super::advance::{advance, undo_reset};
use super::connection::{Connection, Handshake};
use super::details;
use super::direction::{Direction, PerDirection};
use super::encapsulation::SeenIn;
use super::event::Event;
use super::first_bytes;
use super::flow::Flow;
use super::icmp_errors;
use super::judge::{self, Case, Path, Position};
use super::judgement::Judgement;
use super::listeners::Listeners;
use super::numbering::{Numbering, Relative};
use super::record::{self, Recorded};
use super::roles;
use super::rtt::LONGEST_ROUND_TRIP;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use super::signals;
use super::state::{Signal, State};
use super::store::{Found, PairHash, PairHasher, Store};
use super::turns;
use super::verdict::Verdict;
use super::zeek::ZeekView;
use crate::analyzers::icmp_error::IcmpError;
use crate::analyzers::{Frame, Packet};
use crate::utils::addressing::Endpoint;
use crate::utils::maybe::Maybe;
use crate::utils::prefetch::prefetch;
use crate::utils::time::Timestamp;
use arrayvec::ArrayVec;
use std::net::IpAddr;

/// How many segments [`ConnectionTracker::look_ahead`] takes at once (perf/NOTES.md: 16 to 64 are alike).
pub const LOOK_AHEAD: usize = 32;

/// A segment with its ends and the number by which its connection is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Located {
    /// Who sent it.
    pub sender: Endpoint,
    /// Who is to receive it.
    pub receiver: Endpoint,
    /// The number of the two.
    pub hash: PairHash,
    /// The segment.
    pub segment: Segment,
}

/// Where the memory of the tracking is, in octets unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackerMemory {
    /// Connections that are kept.
    pub kept: usize,
    /// The most that were kept at once.
    pub peak: usize,
    /// The kept connections by their own size.
    pub connections: usize,
    /// The index by which they are found.
    pub index: usize,
    /// What they hold beside their own size: holes, round trips, the figures of long and of troubled transfers.
    pub beside: usize,
    /// What the tables have reserved: slots, the index, and the queues of those that may leave.
    pub reserved: usize,
    /// What the log of transmissions has reserved.
    pub log: usize,
}

/// Sender, receiver, and the number of the two.
type Pair = (Endpoint, Endpoint, PairHash);

impl Located {
    /// The segment of a packet; `None` if the packet is not TCP.
    pub fn of(frame: &Frame<'_>, packet: &Packet<'_>, hasher: &PairHasher) -> Option<Self> {
        let (sender, receiver, segment) = Segment::of(frame, packet)?;
        Some(Self {
            sender,
            receiver,
            hash: hasher.hash(sender, receiver),
            segment,
        })
    }
}

/// All connections.
#[derive(Debug)]
pub struct ConnectionTracker {
    store: Store,
    next_id: u64,
    judgement: Judgement,
    log: SentLog,
    reading: Listeners,
}

impl ConnectionTracker {
    /// An empty tracker that keeps at most `limit` connections, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            store: Store::new(limit),
            next_id: 0,
            judgement: Judgement::default(),
            log: SentLog::default(),
            reading: Listeners::default(),
        }
    }

    /// The connections that are kept, in the order of their numbers.
    pub fn connections(&self) -> Vec<&Connection> {
        self.store.sorted()
    }

    /// How many connections there were, those that left among them.
    pub fn total(&self) -> u64 {
        self.next_id
    }

    /// How many connections are kept.
    pub fn kept(&self) -> usize {
        self.store.len()
    }

    /// How many connections left because of the limit.
    pub fn evicted(&self) -> u64 {
        self.store.evicted()
    }

    /// Where the memory is. Looks at every connection: for the end of a run.
    pub fn memory(&self) -> TrackerMemory {
        TrackerMemory {
            log: self.log.memory(),
            ..self.store.memory()
        }
    }

    /// Whether connections left since they were last taken.
    pub fn has_evicted(&self) -> bool {
        self.store.has_leaving()
    }

    /// Connections that left since the last call, for the outputs to show.
    pub fn take_evicted(&mut self) -> impl Iterator<Item = Connection> + '_ {
        self.store.take_evicted()
    }

    /// What makes the numbers by which connections are looked for.
    pub fn hasher(&self) -> PairHasher {
        self.store.hasher()
    }

    /// Fetches from memory what [`ConnectionTracker::observe_located`] will need for these segments, all at once: one after the other
    /// each would wait for memory by itself (perf/NOTES.md). Returns what to hand to `observe`, in the same order.
    pub fn look_ahead<'a>(
        &self,
        segments: impl Iterator<Item = &'a Located>,
    ) -> ArrayVec<Option<Found>, LOOK_AHEAD> {
        let found: ArrayVec<_, LOOK_AHEAD> = segments
            .take(LOOK_AHEAD)
            .map(|located| self.store.look_ahead(located.hash))
            .collect();
        for connection in found.iter().flatten() {
            if let Some(connection) = self.store.peek(*connection) {
                prefetch(connection);
            }
        }
        for connection in found.iter().flatten() {
            if let Some(connection) = self.store.peek(*connection) {
                connection.prefetch_beside(&self.log);
            }
        }
        found
    }

    /// Takes in a segment and says everything that is known of it. `ahead` is what [`ConnectionTracker::look_ahead`] found for
    /// it, `payload` as much of its payload as was captured, or nothing where nobody wants to read it.
    pub fn observe_located<'a>(
        &'a mut self,
        located: &'a Located,
        ahead: Option<Found>,
        payload: &[u8],
    ) -> Event<'a> {
        let pair = (located.sender, located.receiver, located.hash);
        self.take(pair, &located.segment, ahead, payload)
    }

    /// Connections that gave up reading what their sides said first, because too many others did so at the same time.
    pub fn gave_up_reading(&self) -> u64 {
        self.reading.gave_up
    }

    /// Names of addresses from DNS over TCP since the last call.
    pub fn take_names(&mut self) -> Vec<(IpAddr, String)> {
        std::mem::take(&mut self.reading.names)
    }

    /// Notes an ICMP error in the connection that it quotes. Returns that connection's number; `None` if none is known.
    pub fn note_icmp_error(
        &mut self,
        frame: u64,
        time: Timestamp,
        error: &IcmpError,
    ) -> Option<u64> {
        let hash = self.store.hash(error.sender, error.receiver);
        let slot = self.store.find(hash, error.sender, error.receiver, None)?;
        let connection = self.store.get_mut(slot);
        icmp_errors::note(connection, frame, time, error);
        Some(connection.id)
    }

    /// Takes in a segment of which only the header is known, and says everything that is known of it.
    pub fn observe<'a>(
        &'a mut self,
        sender: Endpoint,
        receiver: Endpoint,
        segment: &'a Segment,
    ) -> Event<'a> {
        self.observe_with(sender, receiver, segment, &[])
    }

    /// The same with as much of its payload as was captured.
    pub fn observe_with<'a>(
        &'a mut self,
        sender: Endpoint,
        receiver: Endpoint,
        segment: &'a Segment,
        payload: &[u8],
    ) -> Event<'a> {
        let hash = self.store.hash(sender, receiver);
        self.take((sender, receiver, hash), segment, None, payload)
    }

    fn take<'a>(
        &'a mut self,
        pair: Pair,
        segment: &'a Segment,
        ahead: Option<Found>,
        payload: &[u8],
    ) -> Event<'a> {
        let (slot, reused) = self.find(pair, segment, ahead);
        let (sender, ..) = pair;
        let connection = self.store.get_mut(slot);
        let direction = connection.direction_from(sender);
        let relative = connection.numbering.observe(direction, segment);
        let states_before = connection.states;
        let log = &mut self.log;
        let position = locate(connection, log, direction, segment);
        let judgement = &mut self.judgement;
        let signals = judge_case(connection, log, direction, segment, position, judgement);
        judgement.verdicts.insert_if(reused, Verdict::ReusedPorts);
        judgement.basis.connection = connection
            .reuses
            .get()
            .filter(|_| reused)
            .map(i64::unsigned_abs);
        undo_reset(connection, direction, segment, judgement);
        if segment.payload_len > 0 {
            turns::note(connection, direction, segment, position, judgement);
            if !connection.heard[direction] {
                let begun = first_bytes::listen(connection, direction, segment, position, payload);
                self.reading.note(&mut self.store, slot, direction, begun);
            }
        }
        let connection = self.store.get_mut(slot);
        let before = details::before(connection, log, direction, segment, position);
        let (own, other) = connection.flows.pair_mut(direction);
        let zeek = &mut connection.zeek;
        zeek.observe(direction, (own, other), segment, position, judgement);
        let hops_before = own.latest.map(|latest| latest.segment.hops_left);
        let recorded = record::record((own, other), log, segment, position, judgement);
        details::note(connection, direction, segment, judgement, &recorded, before);
        connection.handshake.observe(segment);
        connection.seen_in.note(segment.encapsulation);
        connection.last = connection.last.max(segment.time);
        let was_closed = connection.is_closed();
        for signal in signals.into_iter().flatten() {
            advance(connection, direction, segment, signal);
        }
        if connection.is_closed() && !was_closed {
            connection.closed_at = segment.time.into();
            self.store.note_closed(slot);
        }
        self.event(
            slot,
            direction,
            segment,
            relative,
            position,
            states_before,
            hops_before,
            recorded,
        )
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "an event is put together from what each step found"
    )]
    fn event<'a>(
        &'a self,
        slot: u32,
        direction: Direction,
        segment: &'a Segment,
        relative: Relative,
        position: Position,
        states_before: PerDirection<State>,
        hops_before: Option<u8>,
        recorded: Recorded,
    ) -> Event<'a> {
        Event {
            connection: self.store.get(slot),
            direction,
            segment,
            relative_seq: relative.seq,
            relative_ack: relative.ack,
            offset: position.start,
            ack_offset: position.ack,
            window: recorded.window,
            judgement: &self.judgement,
            states_before,
            hops_before,
            in_flight: recorded.in_flight,
            rtt: recorded.rtt,
        }
    }

    /// The connection of a segment, made if there is none yet or if the segment opens another one on the same ports; and
    /// whether it did that.
    fn find(&mut self, pair: Pair, segment: &Segment, ahead: Option<Found>) -> (u32, bool) {
        let (sender, receiver, hash) = pair;
        let Some(slot) = self.store.find(hash, sender, receiver, ahead) else {
            return (self.create(pair, segment, None), false);
        };
        let old = self.store.get(slot);
        let direction = old.direction_from(sender);
        if !old.numbering.starts_new_stream(direction, segment) {
            return (slot, false);
        }
        let reuses = Some(old.id);
        (self.create(pair, segment, reuses), true)
    }

    fn create(&mut self, pair: Pair, segment: &Segment, reuses: Option<u64>) -> u32 {
        let (sender, receiver, hash) = pair;
        let (sender_is_client, role_source) = roles::sender_is_client(sender, receiver, segment);
        let (client, server) = if sender_is_client {
            (sender, receiver)
        } else {
            (receiver, sender)
        };
        let id = self.next_id;
        self.next_id += 1;
        let log = &mut self.log;
        self.store.make_room(|leaving| {
            for flow in &mut leaving.flows.0 {
                flow.stream.release(log);
            }
        });
        self.store.insert(
            hash,
            Connection {
                id,
                client,
                server,
                role_source,
                reuses: reuses.map_or(Maybe::default(), |id| (id as i64).into()),
                first_frame: segment.frame,
                start: segment.time,
                last: segment.time,
                // Until something is known of them (ANALYSIS.md 2.2).
                states: PerDirection([State::Closed, State::Listen]),
                flows: PerDirection([Flow::default(), Flow::default()]),
                handshake: Handshake::default(),
                seen_in: SeenIn::default(),
                ending: None,
                first_fin: None,
                closed_at: Maybe::default(),
                details: PerDirection::default(),
                application: None,
                speaker: None,
                heard: PerDirection::default(),
                initial_packets: PerDirection::default(),
                idle: PerDirection::default(),
                zeek: ZeekView::default(),
                numbering: Numbering::default(),
                before_reset: None,
            },
        )
    }
}

/// Where a segment stands in both streams. Sets the bases that it brings along (RFC 9293 §3.4, ANALYSIS.md 2.5).
fn locate(
    connection: &mut Connection,
    log: &mut SentLog,
    direction: Direction,
    segment: &Segment,
) -> Position {
    if segment.header == Header::TooLong {
        return Position::default();
    }
    let (sender, receiver) = connection.flows.pair_mut(direction);
    if segment.flags.syn() {
        sender.stream.set_base(segment.seq, log);
    } else if sender.stream.base().is_none() {
        sender.stream.set_base(segment.seq.minus(1), log);
    }
    if segment.flags.ack() && receiver.stream.base().is_none() {
        receiver.stream.set_base(segment.ack.minus(1), log);
    }
    let start = sender.stream.offset(segment.seq).unwrap_or(0);
    let ack = if segment.flags.ack() {
        receiver.stream.offset(segment.ack)
    } else {
        None
    };
    Position {
        start,
        end: start.saturating_add(i64::from(segment.sequence_len())),
        ack,
    }
}

fn judge_case(
    connection: &Connection,
    log: &SentLog,
    direction: Direction,
    segment: &Segment,
    position: Position,
    judgement: &mut Judgement,
) -> [Option<Signal>; 2] {
    let (sender, receiver) = (
        connection.flow(direction),
        connection.flow(direction.reverse()),
    );
    let path = Path {
        round_trip: connection
            .round_trip()
            .map(|nanos| nanos.min(LONGEST_ROUND_TRIP)),
        to_sender: receiver
            .min_rtt
            .get()
            .map(|nanos| nanos.min(LONGEST_ROUND_TRIP)),
    };
    let states = (
        connection.states[direction],
        connection.states[direction.reverse()],
    );
    let case = Case {
        sender,
        receiver,
        log,
        segment,
        position,
        path,
        states,
    };
    judge::judge(&case, judgement);
    signals::signals(&case, judgement)
}
