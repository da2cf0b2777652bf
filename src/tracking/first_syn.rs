//! What [`follow`] comes to for the first SYN of a connection, where nothing is to be said of it: there is no earlier segment to hold
//! it against, and both states are known beforehand. A flood sends nothing else (RFC 4987 §2.1).

use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::follow::{AtHand, follow, judge_case};
use super::judge::Position;
use super::judgement::Judgement;
use super::record;
use super::segment::Segment;
use super::sent_log::SentLog;
use super::state::{self, Signal, State};
use crate::analyzers::Checksum;
use crate::analyzers::tcp::Flags;
use crate::utils::addressing::Endpoint;

/// Where it stands in its stream.
const POSITION: Position = Position {
    start: 0,
    end: 1,
    ack: None,
};
/// The states of both sides behind it.
const BEHIND: (State, State) = state::next(State::Closed, State::Listen, Signal::Syn);

/// Takes the SYN that a connection has just begun with into it: one that suits [`super::lone::Lone`]. `reused` says that another
/// connection had its ports.
pub fn follow_first_syn(
    connection: &mut Connection,
    log: &mut SentLog,
    at_hand: &mut AtHand,
    (sender, segment): (Endpoint, &Segment),
    reused: bool,
) {
    if reused || at_hand.judges_all || connection.measured.is_some() || !is_ordinary(segment) {
        return follow(connection, log, at_hand, (sender, segment), reused, &[]);
    }
    let AtHand {
        judgement,
        followed,
        ..
    } = at_hand;
    judgement.find_syn_alone();
    debug_assert!(is_all_there_is_to_say(connection, log, segment, judgement));
    let direction = Direction::ToServer;
    followed.direction = direction;
    followed.relative = connection.numbering.observe(direction, segment);
    followed.position = POSITION;
    followed.states_before = connection.states;
    (followed.hops_before, followed.listened) = (None, None);
    followed.closes = false;
    let flow = &mut connection.flows[direction];
    followed.recorded = record::record_first_syn(flow, log, segment, POSITION);
    connection.handshake.observe(segment);
    connection.note_passing(segment);
    connection.states = PerDirection([BEHIND.0, BEHIND.1]);
}

/// The judge finds the same, and the state that the SYN leads to.
fn is_all_there_is_to_say(
    connection: &Connection,
    log: &SentLog,
    segment: &Segment,
    judgement: &Judgement,
) -> bool {
    let mut judged = Judgement::default();
    let to = Direction::ToServer;
    let signals = judge_case(connection, log, to, segment, POSITION, &mut judged);
    judged == *judgement && signals == [Some(Signal::Syn), None]
}

/// Nothing about the SYN by itself that the judge would mark or that is counted apart.
fn is_ordinary(segment: &Segment) -> bool {
    segment.ecn != 3
        && !segment.flags.any(Flags::URG)
        && segment.options.sack.as_slice().is_empty()
        && matches!(segment.checksum, None | Some(Checksum::Right))
}
