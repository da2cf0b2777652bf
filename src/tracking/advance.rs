//! The last step of each segment: the next state of both ends, and how a connection ends by it.

use super::connection::{Connection, Ending};
use super::direction::{Direction, PerDirection};
use super::judgement::Judgement;
use super::segment::Segment;
use super::state::{self, Signal, State};
use super::verdict::Verdict;
use crate::utils::time::NANOS_PER_MILLI;

/// Takes back a RST that was believed, if the side that should be closed goes on for longer than the RST needs to reach it.
pub fn undo_reset(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    judgement: &mut Judgement,
) {
    let Some((states, time, frame)) = connection.before_reset.as_deref().copied() else {
        return;
    };
    let Some(Ending::Reset(reset_by) | Ending::FinishedThenReset(reset_by)) = connection.ending
    else {
        return;
    };
    let patience = connection.round_trip().unwrap_or(20 * NANOS_PER_MILLI);
    let goes_on = direction == reset_by.reverse() && !segment.flags.rst() && !segment.flags.syn();
    if goes_on && segment.time.since(time) > patience && !judgement.has(Verdict::Duplicate) {
        connection.states = states;
        connection.ending = None;
        connection.before_reset = None;
        judgement.verdicts.insert(Verdict::ResetIgnored);
        judgement.basis.frame = Some(frame);
    }
}

/// Takes a signal to the states, and notes how the connection ends.
pub fn advance(
    connection: &mut Connection,
    direction: Direction,
    segment: &Segment,
    signal: Signal,
) {
    let before = connection.states;
    let (sender, receiver) = state::next(before[direction], before[direction.reverse()], signal);
    // Most segments change nothing, and what is written has to be waited for when it is read as a whole right afterwards.
    if (sender, receiver) != (before[direction], before[direction.reverse()]) {
        connection.states[direction] = sender;
        connection.states[direction.reverse()] = receiver;
    }
    match signal {
        Signal::Reset if connection.ending.is_none() => {
            connection.ending = Some(reset_ending(connection, before, direction));
            connection.before_reset = Some(Box::new((before, segment.time, segment.frame)));
        }
        Signal::Fin | Signal::FinPending | Signal::FinCrossing => {
            connection.first_fin.get_or_insert(direction);
        }
        _ => {}
    }
    let both = connection
        .flows
        .0
        .iter()
        .all(|flow| flow.stream.fin.is_some());
    if let (true, None, Some(first)) = (
        both && connection.is_closed(),
        connection.ending,
        connection.first_fin,
    ) {
        connection.ending = Some(Ending::Finished(first));
    }
}

fn reset_ending(
    connection: &Connection,
    before: PerDirection<State>,
    direction: Direction,
) -> Ending {
    let (sender, receiver) = (before[direction], before[direction.reverse()]);
    if receiver == State::SynSent && !sender.is_synchronized() {
        return Ending::Refused;
    }
    if sender == State::SynReceived || receiver == State::SynReceived || sender == State::SynSent {
        return Ending::HandshakeAborted(direction);
    }
    if connection.flow(direction).stream.fin.is_some() {
        return Ending::FinishedThenReset(direction);
    }
    Ending::Reset(direction)
}
