//! Reduces a segment to what it means for the states: at most two signals, first what it acknowledges, then what it declares.

use super::judge::{Case, Validity, validity};
use super::judgement::Judgement;
use super::segment::Header;
use super::state::Signal;
use super::verdict::Verdict;

/// The signals of a segment, in the order in which they take effect.
pub fn signals(case: &Case<'_>, judgement: &Judgement) -> [Option<Signal>; 2] {
    let segment = case.segment;
    let of_no_effect = judgement.has(Verdict::Duplicate) || judgement.has(Verdict::OldDuplicate);
    if of_no_effect || segment.header == Header::TooLong {
        return [None, None];
    }
    if segment.flags.rst() {
        let believed = matches!(validity(case), Validity::Valid | Validity::Refuses);
        return [believed.then_some(Signal::Reset), None];
    }
    if segment.flags.syn() {
        return [Some(opening(case)), None];
    }
    [acknowledging(case), closing(case)]
}

fn opening(case: &Case<'_>) -> Signal {
    if !case.segment.flags.ack() {
        return Signal::Syn;
    }
    let answers = !case.receiver.stream.started
        || case
            .position
            .ack
            .is_some_and(|ack| ack >= 1 && ack <= case.receiver.stream.end);
    if answers {
        Signal::SynAck
    } else {
        Signal::BadSynAck
    }
}

fn acknowledging(case: &Case<'_>) -> Option<Signal> {
    let ack = case.position.ack?;
    let covers_fin = case.receiver.stream.fin.is_some_and(|fin| ack > fin);
    Some(if covers_fin {
        Signal::AckOfFin
    } else {
        Signal::Ack
    })
}

fn closing(case: &Case<'_>) -> Option<Signal> {
    if !case.segment.flags.fin() {
        return None;
    }
    let stream = &case.sender.stream;
    let gap = case.position.start > stream.end && stream.started;
    let hole = stream.holes().iter().any(|hole| !hole.acknowledged);
    let crossing = case
        .receiver
        .stream
        .fin
        .is_some_and(|fin| case.position.ack.is_none_or(|ack| ack <= fin));
    Some(match (crossing, gap || hole) {
        (true, _) => Signal::FinCrossing,
        (false, true) => Signal::FinPending,
        (false, false) => Signal::Fin,
    })
}
