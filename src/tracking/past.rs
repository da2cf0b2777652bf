//! Connections that are over. A long capture has many more of them than open ones, so that each is kept as what the report shows of
//! it, in a fifth of a connection's size, once it has been closed for as long as TIME_WAIT lasts.
//!
//! What is given up is evidence on segments that may still come: the latest segments, windows, transmissions, gaps, timestamps and
//! IP IDs of both sides. A segment that comes so late makes it a whole connection again, of which the places in both streams,
//! the states and all that was counted are known as before.

use super::application::Application;
use super::connection::{Connection, Ending, Handshake, RoleSource};
use super::direction::{Direction, PerDirection};
use super::encapsulation::EncapsulationId;
use super::flow::{Flow, RareCounts};
use super::segment::Segment;
use super::state::State;
use super::stream::Stream;
use super::turns::Turns;
use crate::utils::addressing::Endpoint;
use crate::utils::maybe::Maybe;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;

/// A connection that is over. It holds numbers in four octets; a connection for which these are too few stays whole.
#[derive(Clone, Debug)]
pub struct Past {
    id: u32,
    first_frame: u32,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// The side that opened it.
    pub client: Endpoint,
    /// The side that was called.
    pub server: Endpoint,
    sides: [Side; 2],
    beside: Option<Box<Beside>>,
    /// The handshake's round trip and the middle wait for an answer, with the network; nanoseconds.
    handshake: Small,
    answer: Small,
    seen_in: EncapsulationId,
    states: PerDirection<State>,
    ending: Option<Ending>,
    first_fin: Option<Direction>,
    role_source: RoleSource,
}

/// What most connections have nothing of.
#[derive(Clone, Debug)]
struct Beside {
    rare: [Option<Box<RareCounts>>; 2],
    application: Option<Box<Application>>,
    before_reset: Option<Box<(PerDirection<State>, Timestamp, u64)>>,
}

const _: () = assert!(size_of::<Option<Past>>() <= 168);

/// One direction.
#[derive(Clone, Copy, Debug)]
struct Side {
    packets: u32,
    wire_bytes: u32,
    payload_bytes: u32,
    data_packets: u32,
    checksums_verified: u32,
    base: Seq,
    end: u32,
    acknowledged: Small,
    min_rtt: Small,
    syn: u8,
    fin: u8,
    rst: u8,
    is: Is,
}

/// What is yes or no about a direction, in one octet: a segment of it was captured, its numbers have a base, it sent a FIN.
#[derive(Clone, Copy, Debug)]
struct Is(u8);

impl Is {
    fn of(stream: &Stream) -> Self {
        let finished = u8::from(stream.fin.is_some());
        Self(u8::from(stream.started) | u8::from(stream.base().is_some()) << 1 | finished << 2)
    }

    const fn started(self) -> bool {
        self.0 & 1 != 0
    }

    const fn based(self) -> bool {
        self.0 & 2 != 0
    }

    const fn finished(self) -> bool {
        self.0 & 4 != 0
    }
}

/// A number below 2^32 - 1, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Small(u32);

impl Small {
    const NONE: Small = Small(u32::MAX);

    /// The number, if it fits.
    fn of(number: Option<i64>) -> Option<Self> {
        match number {
            None => Some(Self::NONE),
            Some(number) => u32::try_from(number)
                .ok()
                .map(Self)
                .filter(|&small| small != Self::NONE),
        }
    }

    fn get(self) -> Option<i64> {
        (self != Self::NONE).then_some(self.0.into())
    }
}

impl Side {
    /// A direction of a connection, if it fits.
    fn of(connection: &Connection, direction: Direction) -> Option<Self> {
        let Flow {
            counts,
            stream,
            min_rtt,
            ..
        } = connection.flow(direction);
        let last_octet = stream.end.checked_sub(1)?;
        let base = stream.base();
        let fits = stream.fin.is_none_or(|fin| fin == last_octet)
            && connection.numbering.base(direction) == base;
        let counts_rise = counts.packets >= counts.data_packets;
        (fits && counts_rise).then_some(())?;
        Some(Self {
            packets: u32::try_from(counts.packets).ok()?,
            wire_bytes: u32::try_from(counts.wire_bytes).ok()?,
            payload_bytes: u32::try_from(counts.payload_bytes).ok()?,
            data_packets: u32::try_from(counts.data_packets).ok()?,
            checksums_verified: u32::try_from(counts.checksums_verified).ok()?,
            base: base.unwrap_or(Seq(0)),
            end: u32::try_from(stream.end).ok()?,
            acknowledged: Small::of(stream.acknowledged.get())?,
            min_rtt: Small::of(min_rtt.get())?,
            syn: u8::try_from(counts.syn).ok()?,
            fin: u8::try_from(counts.fin).ok()?,
            rst: u8::try_from(counts.rst).ok()?,
            is: Is::of(stream),
        })
    }

    fn base(&self) -> Option<Seq> {
        self.is.based().then_some(self.base)
    }

    /// The flow, as far as it is known.
    fn flow(&self) -> Flow {
        let mut flow = Flow::default();
        let counts = &mut flow.counts;
        counts.packets = self.packets.into();
        counts.wire_bytes = self.wire_bytes.into();
        counts.payload_bytes = self.payload_bytes.into();
        counts.data_packets = self.data_packets.into();
        counts.checksums_verified = self.checksums_verified.into();
        (counts.syn, counts.fin, counts.rst) = (self.syn.into(), self.fin.into(), self.rst.into());
        let others = u32::from(self.syn) + u32::from(self.fin) + u32::from(self.rst);
        let pure_acks = self.packets - self.data_packets;
        counts.pure_acks = pure_acks.saturating_sub(others).into();
        // The largest is not kept; it was no less than the mean.
        counts.largest_payload = self.payload_bytes.div_ceil(self.data_packets.max(1));
        let end = i64::from(self.end);
        let fin = if self.is.finished() {
            (end - 1).into()
        } else {
            Maybe::default()
        };
        let acknowledged = maybe(self.acknowledged);
        flow.stream = Stream::resumed(self.base(), self.is.started(), end, acknowledged, fin);
        flow.min_rtt = maybe(self.min_rtt);
        flow
    }
}

fn maybe(small: Small) -> Maybe<i64> {
    small.get().map_or(Maybe::default(), Maybe::from)
}

impl Past {
    /// What is kept of a connection that is over; `None` if it does not fit, or is measured: then it has to stay whole. What stands
    /// beside it is taken out of it.
    pub fn of(connection: &mut Connection) -> Option<Self> {
        if connection.measured.is_some() {
            return None;
        }
        let sides = [
            Side::of(connection, Direction::ToServer)?,
            Side::of(connection, Direction::ToClient)?,
        ];
        let mut past = Self {
            id: u32::try_from(connection.id).ok()?,
            first_frame: u32::try_from(connection.first_frame).ok()?,
            start: connection.start,
            last: connection.last,
            client: connection.client,
            server: connection.server,
            sides,
            beside: None,
            handshake: Small::of(connection.handshake.round_trip())?,
            answer: Small::of(connection.turns.as_deref().and_then(Turns::middle_wait))?,
            seen_in: connection.seen_in.only()?,
            states: connection.states,
            ending: connection.ending,
            first_fin: connection.first_fin,
            role_source: connection.role_source,
        };
        past.beside = Beside::of(connection).map(Box::new);
        Some(past)
    }

    /// Its number.
    pub fn id(&self) -> u64 {
        self.id.into()
    }

    /// Whether a segment from this sender opens another connection on the same ports, as
    /// [`super::numbering::Numbering::starts_new_stream`] has it.
    pub fn is_replaced_by(&self, sender: Endpoint, segment: &Segment) -> bool {
        let side = &self.sides[usize::from(sender != self.client)];
        let is_another = side.base().is_some_and(|base| base != segment.seq);
        segment.flags.syn() && !segment.flags.ack() && is_another
    }

    /// The connection, as far as it is known.
    pub fn into_connection(self) -> Connection {
        let [own, other] = &self.sides;
        let mut connection = Connection::new(
            self.id.into(),
            (self.client, self.server),
            self.role_source,
            (u64::from(self.first_frame), self.start),
        );
        connection.flows = PerDirection([own.flow(), other.flow()]);
        if let Some(beside) = self.beside {
            for (flow, rare) in connection.flows.0.iter_mut().zip(beside.rare) {
                flow.counts.set_rare(rare);
            }
            connection.application = beside.application;
            connection.before_reset = beside.before_reset;
        }
        connection.last = self.last;
        connection.closed_at = self.last.into();
        connection.states = self.states;
        connection.ending = self.ending;
        connection.first_fin = self.first_fin;
        connection.heard = PerDirection([true; 2]);
        connection.seen_in.note(self.seen_in);
        connection.numbering.set([own.base(), other.base()]);
        if let Some(nanos) = self.handshake.get() {
            connection.handshake = Handshake::of_round_trip(self.start, nanos);
        }
        connection.turns = self
            .answer
            .get()
            .map(|nanos| Box::new(Turns::of_wait(nanos)));
        connection
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.beside.as_deref().map_or(0, Beside::memory)
    }
}

impl Beside {
    /// Takes out of a connection what it has of it; `None` if that is nothing.
    fn of(connection: &mut Connection) -> Option<Self> {
        let [own, other] = &mut connection.flows.0;
        let beside = Self {
            rare: [own.counts.take_rare(), other.counts.take_rare()],
            application: connection.application.take(),
            before_reset: connection.before_reset.take(),
        };
        let is_something = beside.rare.iter().any(Option::is_some)
            || beside.application.is_some()
            || beside.before_reset.is_some();
        is_something.then_some(beside)
    }

    /// Octets of memory it takes, itself included.
    fn memory(&self) -> usize {
        size_of::<Self>()
            + self.rare.iter().flatten().count() * size_of::<RareCounts>()
            + self.application.as_deref().map_or(0, Application::memory)
            + self.before_reset.as_deref().map_or(0, size_of_val)
    }
}

#[cfg(test)]
mod tests {
    use crate::analyzers::tcp::Flags;
    use crate::tracking::{ConnectionTracker, Segment, Verdict};
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;
    use crate::utils::time::{NANOS_PER_SECOND, Timestamp};

    const SYN: Flags = Flags::SYN;
    const ACK: Flags = Flags::ACK;

    fn ends(port: u16) -> [Endpoint; 2] {
        let client = Endpoint::new([192, 0, 2, 1].into(), port);
        [client, Endpoint::new([192, 0, 2, 2].into(), 80)]
    }

    fn at(seconds: i64, flags: Flags, seq: u32, ack: u32, len: u32) -> Segment {
        Segment {
            time: Timestamp::from_nanos(seconds * NANOS_PER_SECOND),
            flags,
            seq: Seq(seq),
            ack: Seq(ack),
            payload_len: len,
            payload_captured: len,
            ..Segment::example()
        }
    }

    /// A question, an answer, and the end of both.
    fn talk(tracker: &mut ConnectionTracker, port: u16, seconds: i64) {
        let [client, server] = ends(port);
        let fin = Flags::FIN.with(ACK);
        for (from_client, segment) in [
            (true, at(seconds, SYN, 9, 0, 0)),
            (false, at(seconds, SYN.with(ACK), 99, 10, 0)),
            (true, at(seconds, ACK, 10, 100, 20)),
            (false, at(seconds, ACK, 100, 30, 50)),
            (true, at(seconds, fin, 30, 150, 0)),
            (false, at(seconds, fin, 150, 31, 0)),
            (true, at(seconds, ACK, 31, 151, 0)),
        ] {
            let (from, to) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            tracker.observe(from, to, &segment);
        }
    }

    #[test]
    fn connections_that_are_over_take_less_than_200_octets() {
        let mut tracker = ConnectionTracker::new(100_000);
        tracker.leave_out_measurements();
        (0..2000).for_each(|port| talk(&mut tracker, port, 0));
        let whole = tracker.memory();
        assert_eq!(whole.over, 0);
        (2000..4000).for_each(|port| talk(&mut tracker, port, 61));
        let memory = tracker.memory();
        assert_eq!((memory.kept, memory.over), (4000, 2000));
        let octets = |memory: crate::tracking::connection_tracker::TrackerMemory| {
            memory.connections + memory.index + memory.beside
        };
        let added = octets(memory) - octets(whole);
        let of_whole = octets(whole) / 2000;
        assert!(added < 2000 * 200, "{added} {of_whole}");
    }

    #[test]
    fn a_late_segment_finds_its_connection_as_it_was() {
        let mut resting = ConnectionTracker::new(100_000);
        resting.leave_out_measurements();
        // Connections that are measured stay whole.
        let mut whole = ConnectionTracker::new(100_000);
        let [client, server] = ends(1);
        let repeated = at(200, Flags::FIN.with(ACK), 150, 31, 0);
        let again = at(301, SYN, 7, 0, 0);
        let said = [&mut resting, &mut whole].map(|tracker| {
            talk(tracker, 1, 0);
            talk(tracker, 2, 100);
            let over = tracker.memory().over;
            let event = tracker.observe(server, client, &repeated);
            let late = (
                (event.connection.id, event.connection.packets()),
                (event.relative_seq(), event.relative_ack()),
                (event.states_before(), event.connection.states),
                (event.judgement.verdicts, event.connection.ending),
            );
            // The second is over by then, and the ports of the first may be used again.
            talk(tracker, 3, 300);
            let over = (over, tracker.memory().over);
            let event = tracker.observe(client, server, &again);
            assert!(event.judgement.has(Verdict::ReusedPorts));
            assert_eq!(event.connection.id, 3);
            assert_eq!(tracker.connections()[0].packets(), 8);
            (late, over)
        });
        let [(resting, over), (whole, never)] = said;
        assert_eq!(resting, whole);
        assert_eq!((over, never), ((1, 1), (0, 0)));
    }

    #[test]
    fn they_leave_first_and_the_longest_closed_before_the_others() {
        let mut tracker = ConnectionTracker::new(3);
        tracker.leave_out_measurements();
        tracker.keep_evicted();
        talk(&mut tracker, 1, 0);
        let [client, server] = ends(9);
        tracker.observe(client, server, &at(1, ACK, 1, 1, 5));
        talk(&mut tracker, 2, 100);
        talk(&mut tracker, 3, 200);
        talk(&mut tracker, 4, 300);
        let kept: Vec<_> = tracker.all().map(|one| one.id).collect();
        let left: Vec<_> = tracker.take_evicted().map(|one| one.id).collect();
        assert_eq!((kept, left), (vec![1, 3, 4], vec![0, 2]));
    }
}
