//! A TCP connection: two endpoints, two flows, two states, and how it began and ended.

use super::application::Application;
use super::direction::{Direction, PerDirection};
use super::encapsulation::SeenIn;
use super::flow::Flow;
use super::measurements::{Measurements, Measures};
use super::numbering::Numbering;
use super::roles;
use super::segment::Segment;
use super::sent_log::SentLog;
use super::state::{self, State};
use super::turns::Turns;
use super::verdict::Verdict;
use crate::utils::addressing::Endpoint;
use crate::utils::maybe::Maybe;
use crate::utils::prefetch::prefetch;
use crate::utils::protocol_maps;
use crate::utils::time::{NANOS_PER_SECOND, Timestamp};

/// How long a closed connection stays in TIME_WAIT in nanoseconds of the capture: what Linux holds, where RFC 9293 §3.4.2 says
/// twice two minutes.
pub const TIME_WAIT: i64 = 60 * NANOS_PER_SECOND;

/// How it is known which side is the client (ANALYSIS.md 1.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoleSource {
    /// It sent a SYN.
    Syn,
    /// It was sent a SYN+ACK.
    SynAck,
    /// Guessed: only the other side's port has a service.
    ServicePort,
    /// Guessed: only the other side's port is below 1024.
    SystemPort,
    /// Guessed: it has the ephemeral port.
    EphemeralPort,
    /// Guessed: it sent the first packet.
    FirstPacket,
}

impl RoleSource {
    /// Whether the role is a guess.
    pub const fn is_guessed(self) -> bool {
        !matches!(self, RoleSource::Syn | RoleSource::SynAck)
    }

    /// In a word that stands in every machine-readable output.
    pub const fn name(self) -> &'static str {
        match self {
            RoleSource::Syn => "syn",
            RoleSource::SynAck => "syn_ack",
            RoleSource::ServicePort => "service_port",
            RoleSource::SystemPort => "system_port",
            RoleSource::EphemeralPort => "ephemeral_port",
            RoleSource::FirstPacket => "first_packet",
        }
    }

    /// In words.
    pub const fn meaning(self) -> &'static str {
        match self {
            RoleSource::Syn => "it sent the SYN",
            RoleSource::SynAck => "it was sent the SYN+ACK",
            RoleSource::ServicePort => "guessed: the other port belongs to a service",
            RoleSource::SystemPort => "guessed: the other port is below 1024",
            RoleSource::EphemeralPort => "guessed: its port is in the ephemeral range",
            RoleSource::FirstPacket => "guessed: it sent the first packet",
        }
    }
}

/// How a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// Both sides sent a FIN; this one first.
    Finished(Direction),
    /// A RST by the sender of this direction.
    Reset(Direction),
    /// The SYN was answered by a RST.
    Refused,
    /// A RST before the handshake was through, by the sender of this direction.
    HandshakeAborted(Direction),
    /// A RST by the sender of this direction behind its own FIN.
    FinishedThenReset(Direction),
}

/// Times of the handshake.
#[derive(Clone, Copy, Debug, Default)]
pub struct Handshake {
    /// The latest SYN.
    pub syn: Maybe<Timestamp>,
    /// The first SYN+ACK.
    pub syn_ack: Maybe<Timestamp>,
    /// The first ACK behind it.
    pub ack: Maybe<Timestamp>,
    /// Whether the SYN or the SYN+ACK was repeated.
    pub repeated: bool,
}

impl Handshake {
    /// Whether all three steps were captured.
    pub fn is_complete(&self) -> bool {
        self.syn.is_some() && self.syn_ack.is_some() && self.ack.is_some()
    }

    /// The full round trip in nanoseconds, from the SYN to the ACK of the SYN+ACK; `None` if a step was not captured, was
    /// repeated, or the capture's time ran backwards.
    pub fn round_trip(&self) -> Option<i64> {
        let complete = self.is_complete() && !self.repeated;
        let nanos = self.ack.get()?.since(self.syn.get()?);
        (complete && nanos >= 0).then_some(nanos)
    }

    /// One that took so many nanoseconds.
    pub(super) fn of_round_trip(syn: Timestamp, nanos: i64) -> Self {
        Self {
            syn: syn.into(),
            syn_ack: syn.into(),
            ack: syn.plus(nanos).into(),
            repeated: false,
        }
    }

    /// Takes note of a segment.
    pub(super) fn observe(&mut self, segment: &Segment) {
        let flags = segment.flags;
        match (flags.syn(), flags.ack()) {
            (true, false) => {
                self.repeated |= self.syn.is_some();
                self.syn = segment.time.into();
            }
            (true, true) => {
                self.repeated |= self.syn_ack.is_some();
                self.syn_ack.set_if_none(segment.time);
            }
            (false, true) if !flags.rst() => self.observe_ack(segment.time),
            _ => {}
        }
    }

    /// Takes note of an ACK that is neither SYN nor RST.
    #[inline]
    pub(super) fn observe_ack(&mut self, time: Timestamp) {
        if self.syn_ack.is_some() {
            self.ack.set_if_none(time);
        }
    }
}

/// A TCP connection.
#[derive(Clone, Debug)]
#[repr(align(64))]
pub struct Connection {
    /// Its number, from 0 in the order of first packets, as Wireshark's tcp.stream.
    pub id: u64,
    /// The side that opened it.
    pub client: Endpoint,
    /// The side that was called.
    pub server: Endpoint,
    /// How it is known which is which.
    pub role_source: RoleSource,
    /// Whether it opened on ports of an earlier connection: that one's number.
    pub reuses: Maybe<i64>,
    /// Its first frame.
    pub first_frame: u64,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// The states of the client and the server behind the last packet.
    pub states: PerDirection<State>,
    /// Both directions, the client's first.
    pub flows: PerDirection<Flow>,
    /// The handshake.
    pub handshake: Handshake,
    /// The tags and tunnels its packets came in.
    pub seen_in: SeenIn,
    /// How it ended; `None` while it has not.
    pub ending: Option<Ending>,
    /// Who sent the first FIN.
    pub first_fin: Option<Direction>,
    /// When both sides had closed.
    pub closed_at: Maybe<Timestamp>,
    /// What only those see who look at it closely; `None` where nobody does.
    pub(super) measured: Option<Box<Measurements>>,
    /// What is known of it beyond TCP; `None` where there is nothing.
    pub application: Option<Box<Application>>,
    /// Requests and answers; `None` where nobody sent data.
    pub turns: Option<Box<Turns>>,
    /// Who sent data last: requests and answers take turns.
    pub(super) speaker: Option<Direction>,
    /// Whether the first octets have been read, or will not be.
    pub(super) heard: PerDirection<bool>,
    /// Wireshark's relative numbers.
    pub(super) numbering: Numbering,
    /// The states before a RST that was believed, its time and its frame: what follows may show that it was not.
    pub(super) before_reset: Option<Box<(PerDirection<State>, Timestamp, u64)>>,
}

impl Connection {
    /// A connection that begins with this segment, which is still to be taken in. `reuses` is the number of the one that had its
    /// ports before; `measures` says what of its measurements somebody will want.
    #[inline(always)]
    pub(super) fn begin(
        id: u64,
        (sender, receiver): (Endpoint, Endpoint),
        segment: &Segment,
        reuses: Maybe<i64>,
        measures: Measures,
    ) -> Self {
        let (sender_is_client, role_source) = roles::sender_is_client(sender, receiver, segment);
        let ends = if sender_is_client {
            (sender, receiver)
        } else {
            (receiver, sender)
        };
        let mut connection = Self::new(id, ends, role_source, (segment.frame, segment.time));
        connection.reuses = reuses;
        connection.measured = measures.begin();
        connection
    }

    /// A connection of which nothing is known but where and when it began.
    #[inline(always)]
    pub(super) fn new(
        id: u64,
        (client, server): (Endpoint, Endpoint),
        role_source: RoleSource,
        (first_frame, start): (u64, Timestamp),
    ) -> Self {
        Self {
            id,
            client,
            server,
            role_source,
            reuses: Maybe::default(),
            first_frame,
            start,
            last: start,
            // Until something is known of them (ANALYSIS.md 2.2).
            states: PerDirection([State::Closed, State::Listen]),
            flows: PerDirection([Flow::default(), Flow::default()]),
            handshake: Handshake::default(),
            seen_in: SeenIn::default(),
            ending: None,
            first_fin: None,
            closed_at: Maybe::default(),
            measured: None,
            application: None,
            turns: None,
            speaker: None,
            heard: PerDirection::default(),
            numbering: Numbering::default(),
            before_reset: None,
        }
    }

    /// Where and when a segment passed.
    #[inline]
    pub(super) fn note_passing(&mut self, segment: &Segment) {
        self.seen_in.note(segment.encapsulation);
        self.last = self.last.max(segment.time);
    }

    /// Octets of memory it takes beside its own size and the log of transmissions.
    pub fn memory(&self) -> usize {
        let flows = self.flows.0.iter().map(Flow::memory);
        let measured = self.measured.as_deref();
        let before_reset = match &self.before_reset {
            Some(before) => size_of_val(&**before),
            None => 0,
        };
        let application = self.application.as_deref();
        flows.sum::<usize>()
            + before_reset
            + measured.map_or(0, Measurements::memory)
            + application.map_or(0, Application::memory)
            + self.turns.as_deref().map_or(0, Turns::memory)
    }

    /// Asks for the memory beside it that a segment mostly needs. The connection itself should be on its way already.
    pub(super) fn prefetch_beside(&self, log: &SentLog) {
        for flow in &self.flows.0 {
            flow.stream.prefetch_beside(log);
        }
        if let Some(measured) = self.measured.as_deref() {
            prefetch(measured);
        }
        if let Some(turns) = self.turns.as_deref() {
            prefetch(turns);
        }
    }

    /// Asks for the memory beside that.
    pub(super) fn prefetch_far(&self) {
        if let Some(measured) = self.measured.as_deref() {
            measured.prefetch_beside();
        }
        if let Some(turns) = self.turns.as_deref() {
            turns.prefetch_beside();
        }
    }

    /// One direction's flow.
    pub fn flow(&self, direction: Direction) -> &Flow {
        &self.flows[direction]
    }

    /// The sender of a direction.
    pub fn sender(&self, direction: Direction) -> Endpoint {
        match direction {
            Direction::ToServer => self.client,
            Direction::ToClient => self.server,
        }
    }

    /// The direction of a segment from this endpoint. For a connection of an endpoint with itself always to the server.
    pub fn direction_from(&self, sender: Endpoint) -> Direction {
        if sender == self.client {
            Direction::ToServer
        } else {
            Direction::ToClient
        }
    }

    /// The name of the service at the server's port, or at the client's where only that has one; `None` without.
    pub fn service(&self) -> Option<&'static str> {
        protocol_maps::service_name(self.server.port)
            .or_else(|| protocol_maps::service_name(self.client.port))
    }

    /// Whether it was joined in the middle: no SYN was captured.
    pub fn is_midstream(&self) -> bool {
        Direction::BOTH
            .iter()
            .all(|&direction| self.flow(direction).counts.syn == 0)
    }

    /// Nanoseconds from the first packet to the last.
    pub fn duration(&self) -> i64 {
        self.last.since(self.start).max(0)
    }

    /// Packets of both directions.
    pub fn packets(&self) -> u64 {
        self.flows.0.iter().map(|flow| flow.counts.packets).sum()
    }

    /// Octets on the wire of both directions.
    pub fn wire_bytes(&self) -> u64 {
        self.flows.0.iter().map(|flow| flow.counts.wire_bytes).sum()
    }

    /// How often a verdict was given, both directions together.
    pub fn count(&self, verdict: Verdict) -> u32 {
        self.flows
            .0
            .iter()
            .map(|flow| flow.counts.verdicts().of(verdict))
            .fold(0, u32::saturating_add)
    }

    /// The states of client and server at a moment of the capture: TIME_WAIT ends by time alone.
    pub fn states_at(&self, now: Timestamp) -> PerDirection<State> {
        let over = now.since(self.last) >= TIME_WAIT;
        PerDirection(self.states.0.map(|state| {
            if over && state == State::TimeWait {
                State::Closed
            } else {
                state
            }
        }))
    }

    /// The summary state at a moment of the capture (ANALYSIS.md 2.6).
    pub fn summary_state(&self, now: Timestamp) -> State {
        let [client, server] = self.states_at(now).0;
        state::summary(client, server)
    }

    /// Whether neither side will send any more, as far as can be seen.
    pub fn is_closed(&self) -> bool {
        let over = |state| matches!(state, State::Closed | State::TimeWait);
        self.states.0.into_iter().all(over)
    }

    /// The shortest round trip in nanoseconds: the handshake's, or the sum of the shortest of both sides of the observer, if
    /// that is less: the last ACK of a handshake may be late, or lost and replaced by data. `None` where neither was captured.
    pub fn round_trip(&self) -> Option<i64> {
        let [to_server, to_client] = [0, 1].map(|at: usize| self.flows.0[at].min_rtt.get());
        let sides = to_server
            .zip(to_client)
            .map(|(to_server, to_client)| to_server.saturating_add(to_client));
        let handshake = self.handshake.round_trip();
        match (handshake, sides) {
            (Some(handshake), Some(sides)) => Some(handshake.min(sides)),
            (handshake, sides) => handshake.or(sides).or(to_server).or(to_client),
        }
    }

    /// Payload octets per second of a direction over the connection's duration; `None` where no time passed.
    pub fn throughput(&self, direction: Direction) -> Option<f64> {
        let nanos = self.duration();
        (nanos > 0).then(|| {
            self.flow(direction).counts.payload_bytes as f64 / crate::utils::time::seconds(nanos)
        })
    }
}
