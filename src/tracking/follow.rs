//! What is done with each segment of a connection, always in this order: number it, find its place in both streams, judge it (pure:
//! both flows as they were before it), record it, and take the next state. Judge before record is the decision that everything
//! leans on: a rule never sees a state that is half changed. Segments of which nothing can be said are not judged ([`super::expected`]).

use super::advance::{advance, undo_reset};
use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::expected::is_expected;
use super::first_bytes;
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
    /// Its place in both streams.
    pub position: Position,
    /// The states of both ends before it.
    pub states_before: PerDirection<State>,
    /// Time to live of its sender's segment before.
    pub hops_before: Option<u8>,
    /// What recording it brought to light.
    pub recorded: Recorded,
    /// Whether it was listened to for first words, and if so, whether its connection waits for more of them since then.
    pub listened: Option<bool>,
    /// Whether it closed the connection.
    pub closes: bool,
}

/// Takes a segment from `sender` into its connection. `reused` says that it opens the connection on ports that another one had;
/// `payload` is as much of its payload as was captured, or nothing where nobody wants to read it.
#[inline]
pub fn follow(
    connection: &mut Connection,
    log: &mut SentLog,
    judgement: &mut Judgement,
    (sender, segment): (Endpoint, &Segment),
    reused: bool,
    payload: &[u8],
) -> Followed {
    let direction = connection.direction_from(sender);
    let position = locate(connection, log, direction, segment);
    if is_expected(connection, direction, segment, position) {
        debug_assert!(is_nothing_to_say(
            connection, log, direction, segment, position
        ));
        judgement.clear();
        // A value that is known when this is compiled: what only verdicts ask for is left out of this copy of `take_in`.
        return take_in(
            connection, log, &NOTHING, direction, segment, position, [None; 2], payload,
        );
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
        connection, log, judgement, direction, segment, position, signals, payload,
    )
}

static NOTHING: Judgement = Judgement::NOTHING;

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
    judgement == NOTHING && signals == [Some(Signal::Ack), None]
}

/// Takes in a segment that has been judged. It is compiled once for segments of which nothing is said and once for the others, and so
/// is what it calls in [`record`] and [`turns`]: that is why these are inlined by force.
#[inline(always)]
#[expect(
    clippy::too_many_arguments,
    reason = "what is known of a segment when it has been judged"
)]
fn take_in(
    connection: &mut Connection,
    log: &mut SentLog,
    judgement: &Judgement,
    direction: Direction,
    segment: &Segment,
    position: Position,
    signals: [Option<Signal>; 2],
    payload: &[u8],
) -> Followed {
    let relative = connection.numbering.observe(direction, segment);
    let states_before = connection.states;
    let mut listened = None;
    if segment.payload_len > 0 {
        turns::note(connection, direction, segment, position, judgement);
        if !connection.heard[direction] {
            let begun = first_bytes::listen(connection, direction, segment, position, payload);
            listened = Some(begun);
        }
    }
    let before = measurements::before(connection, log, direction, segment, position, judgement);
    let (own, other) = connection.flows.pair_mut(direction);
    let hops_before = own.latest.map(|latest| latest.segment.hops_left);
    let mut recorded = record::record((own, other), log, segment, position, judgement);
    if let Some(before) = before {
        measurements::note(
            connection,
            direction,
            segment,
            judgement,
            &mut recorded,
            before,
        );
    }
    connection.handshake.observe(segment);
    connection.seen_in.note(segment.encapsulation);
    connection.last = connection.last.max(segment.time);
    let was_closed = connection.is_closed();
    for signal in signals.into_iter().flatten() {
        advance(connection, direction, segment, signal);
    }
    let closes = connection.is_closed() && !was_closed;
    if closes {
        connection.closed_at = segment.time.into();
    }
    Followed {
        direction,
        relative,
        position,
        states_before,
        hops_before,
        recorded,
        listened,
        closes,
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
