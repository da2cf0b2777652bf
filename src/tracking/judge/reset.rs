//! Whether a RST is believed (RFC 9293 §3.5.3, RFC 5961 §3; ANALYSIS.md 2.4).

use super::Case;
use crate::tracking::state::State;
use crate::tracking::verdict::{Verdict, Verdicts};

/// What the receiver of a RST does with it, as far as an observer can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Validity {
    /// It is the next octet expected: the connection is over.
    Valid,
    /// It answers the SYN: the connection is refused.
    Refuses,
    /// It is somewhere in the window: the receiver asks back and stays open.
    InWindow,
    /// It is outside the window: the receiver ignores it.
    OutOfWindow,
    /// It does not acknowledge the SYN: the receiver ignores it.
    NotForTheSyn,
    /// The connection was over anyway.
    AfterClose,
}

/// The verdicts on a RST of this validity.
pub fn verdicts(validity: Validity) -> Verdicts {
    let verdict = match validity {
        Validity::Valid | Validity::Refuses => None,
        Validity::InWindow => Some(Verdict::ResetInWindow),
        Validity::OutOfWindow | Validity::NotForTheSyn => Some(Verdict::ResetOutOfWindow),
        Validity::AfterClose => Some(Verdict::ResetAfterClose),
    };
    verdict.into_iter().collect()
}

/// Judges a RST by the states of both sides.
pub fn validity(case: &Case<'_>) -> Validity {
    let (sender, receiver) = case.states;
    let over = |state| matches!(state, State::TimeWait | State::Closed);
    if over(receiver) && over(sender) && case.sender.latest.is_some() {
        return Validity::AfterClose;
    }
    if receiver == State::SynSent && !case.sender.stream.started {
        let acknowledges_syn = case
            .position
            .ack
            .is_some_and(|ack| ack >= 1 && ack <= case.receiver.stream.end);
        return if acknowledges_syn {
            Validity::Refuses
        } else {
            Validity::NotForTheSyn
        };
    }
    let stream = &case.sender.stream;
    let at = case.position.start;
    // The receiver's next expected octet lies between what it acknowledged and what was sent; we cannot see which it is.
    let first_missing = stream
        .holes()
        .iter()
        .find(|hole| !hole.acknowledged)
        .map(|hole| hole.start);
    // What the receiver itself named as the next octet, even if wrongly (RFC 9293 §3.5.2).
    let named = case
        .receiver
        .latest
        .is_some_and(|latest| latest.segment.flags.ack() && latest.segment.ack == case.segment.seq);
    if !stream.started
        || named
        || stream.acknowledged == Some(at)
        || at == stream.end
        || first_missing == Some(at)
    {
        return Validity::Valid;
    }
    let bottom = stream.acknowledged.unwrap_or(stream.end);
    let top = stream.edge.unwrap_or(stream.end).max(stream.end);
    match at {
        _ if at >= bottom && at <= stream.end => Validity::Valid,
        _ if at >= bottom && at <= top => Validity::InWindow,
        _ => Validity::OutOfWindow,
    }
}
