//! What is done with each segment of a connection, always in this order: number it, find its place in both streams, judge it (pure:
//! both flows as they were before it), record it, and take the next state. Judge before record is the decision that everything
//! leans on: a rule never sees a state that is half changed. Segments of which nothing can be said are not judged ([`super::expected`],
//! [`super::first_syn`]).

use super::advance::{advance, undo_reset};
use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::expected::is_expected;
use super::first_bytes;
use super::flow::Flow;
use super::judge::{self, Case, Path, Position};
use super::judgement::Judgement;
use super::measurements;
use super::numbering::Relative;
use super::record::{self, Recorded};
use super::rtt::LONGEST_ROUND_TRIP;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use super::signals;
use super::state::{Signal, State};
use super::turns;
use super::verdict::Verdict;
use crate::utils::addressing::Endpoint;

/// What became of a segment, beside its judgement.
#[derive(Clone, Copy, Debug)]
pub struct Followed {
    /// Which way it went.
    pub direction: Direction,
    /// Its numbers as Wireshark has them.
    pub relative: Relative,
    /// Its place in both streams, in octets that do not wrap: the SYN is at 0, data begin at 1.
    pub position: Position,
    /// The states of both ends before it.
    pub states_before: PerDirection<State>,
    /// Time to live or hop limit of its sender's segment before; `None` for the first.
    pub hops_before: Option<u8>,
    /// What recording it brought to light.
    pub recorded: Recorded,
    /// Whether it was listened to for first words, and if so, whether its connection waits for more of them since then.
    pub listened: Option<bool>,
    /// Whether it closed the connection.
    pub closes: bool,
}

/// What the tracking keeps at hand for the segment that it follows: large, and written where it stands.
#[derive(Debug)]
pub struct AtHand {
    /// What the judge says of it.
    pub judgement: Judgement,
    /// What became of it.
    pub followed: Followed,
    /// Whether the judge is asked about every segment, expected or not: for tests that hold both ways against each other.
    pub judges_all: bool,
}

impl Default for AtHand {
    fn default() -> Self {
        Self {
            judgement: Judgement::default(),
            followed: Followed {
                direction: Direction::ToServer,
                relative: Relative::default(),
                position: Position::default(),
                states_before: PerDirection([State::Closed; 2]),
                hops_before: None,
                recorded: Recorded::default(),
                listened: None,
                closes: false,
            },
            judges_all: false,
        }
    }
}

/// Takes a segment from `sender` into its connection. `reused` says that it opens the connection on ports that another one had;
/// `payload` is as much of its payload as was captured, or nothing where nobody wants to read it.
#[inline]
pub fn follow(
    connection: &mut Connection,
    log: &mut SentLog,
    at_hand: &mut AtHand,
    (sender, segment): (Endpoint, &Segment),
    reused: bool,
    payload: &[u8],
) {
    let direction = connection.direction_from(sender);
    let position = locate(connection, log, direction, segment);
    let AtHand {
        judgement,
        followed,
        judges_all,
    } = at_hand;
    followed.direction = direction;
    followed.position = position;
    followed.states_before = connection.states;
    followed.hops_before = hops_before(connection.flow(direction));
    followed.listened = None;
    followed.closes = false;
    let is_expected = is_expected(connection, direction, segment, position);
    if let Some(ack) = position.ack.filter(|_| is_expected && !*judges_all) {
        debug_assert!(is_nothing_to_say(
            connection, log, direction, segment, position
        ));
        judgement.clear();
        take_in_expected(connection, log, segment, ack, payload, followed);
        return;
    }
    let signals = judge_case(connection, log, direction, segment, position, judgement);
    judgement.verdicts.insert_if(reused, Verdict::ReusedPorts);
    judgement.basis.connection = connection
        .reuses
        .get()
        .filter(|_| reused)
        .map(i64::unsigned_abs);
    undo_reset(connection, direction, segment, judgement);
    take_in(
        connection, log, judgement, segment, signals, payload, followed,
    );
}

fn hops_before(sender: &Flow) -> Option<u8> {
    sender.latest.map(|latest| latest.segment.hops_left)
}

/// What [`is_expected`] promises: the judge finds nothing, and the states stay as they are.
fn is_nothing_to_say(
    connection: &Connection,
    log: &SentLog,
    direction: Direction,
    segment: &Segment,
    position: Position,
) -> bool {
    let mut judgement = Judgement::default();
    let signals = judge_case(
        connection,
        log,
        direction,
        segment,
        position,
        &mut judgement,
    );
    judgement.forget_that_it_was_given();
    judgement == Judgement::NOTHING && signals == [Some(Signal::Ack), None]
}

/// Takes in a segment that has been judged.
fn take_in(
    connection: &mut Connection,
    log: &mut SentLog,
    judgement: &Judgement,
    segment: &Segment,
    signals: [Option<Signal>; 2],
    payload: &[u8],
    followed: &mut Followed,
) {
    let (direction, position) = (followed.direction, followed.position);
    // The states may have been those of before a RST that nobody believes any more.
    followed.states_before = connection.states;
    followed.relative = connection.numbering.observe(direction, segment);
    if segment.payload_len > 0 {
        turns::note(connection, direction, segment, position, judgement);
        listen(connection, segment, payload, followed);
    }
    let before = measurements::before(connection, log, direction, segment, position, judgement);
    let flows = connection.flows.pair_mut(direction);
    let recorded = &mut followed.recorded;
    record::record(flows, log, segment, position, judgement, recorded);
    if let Some(before) = before {
        measurements::note(connection, direction, segment, judgement, recorded, before);
    }
    connection.handshake.observe(segment);
    connection.note_passing(segment);
    let was_closed = connection.is_closed();
    for signal in signals.into_iter().flatten() {
        advance(connection, direction, segment, signal);
    }
    followed.closes = connection.is_closed() && !was_closed;
    if followed.closes {
        connection.closed_at = segment.time.into();
    }
}

/// What [`take_in`] comes to for a segment of which nothing is said, and which acknowledges all below `ack`. The states stay as
/// they are.
fn take_in_expected(
    connection: &mut Connection,
    log: &mut SentLog,
    segment: &Segment,
    ack: i64,
    payload: &[u8],
    followed: &mut Followed,
) {
    const NOTHING: Judgement = Judgement::NOTHING;
    let (direction, position) = (followed.direction, followed.position);
    followed.relative = connection.numbering.observe(direction, segment);
    if segment.payload_len > 0 {
        turns::note(connection, direction, segment, position, &NOTHING);
        listen(connection, segment, payload, followed);
    }
    let before = measurements::before(connection, log, direction, segment, position, &NOTHING);
    let flows = connection.flows.pair_mut(direction);
    let recorded = &mut followed.recorded;
    record::record_expected(flows, log, segment, position, ack, recorded);
    if let Some(before) = before {
        measurements::note(connection, direction, segment, &NOTHING, recorded, before);
    }
    connection.handshake.observe_ack(segment.time);
    connection.note_passing(segment);
}

/// Reads the first words of a side, until they are known.
#[inline(always)]
fn listen(connection: &mut Connection, segment: &Segment, payload: &[u8], followed: &mut Followed) {
    let (direction, position) = (followed.direction, followed.position);
    if !connection.heard[direction] {
        let begun = first_bytes::listen(connection, direction, segment, position, payload);
        followed.listened = Some(begun);
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

pub(super) fn judge_case(
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
