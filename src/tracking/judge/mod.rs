//! The judge: what is to be said of a segment, from both flows as they were before it. Pure: it changes nothing.
//!
//! The evidence is weighed in the order of ANALYSIS.md 4.15: whether the octets were captured, acknowledged or selectively
//! acknowledged before, the timestamps, the IP identification, and timing last.

mod acknowledgment;
mod cause;
mod copies;
mod elsewhere;
mod lost_tail;
mod reset;
mod sequence;

pub use acknowledgment::duplicate_block;
pub use reset::{Validity, validity};

use super::flow::Flow;
use super::judgement::Judgement;
use super::segment::{Header, Segment};
use super::sent_log::SentLog;
use super::state::State;
use super::verdict::Verdict;
use crate::utils::time::NANOS_PER_MILLI;

/// Where a segment stands in both streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Its first octet in the sender's stream.
    pub start: i64,
    /// Behind its last octet, SYN and FIN counted.
    pub end: i64,
    /// What it acknowledges in the receiver's stream; `None` without ACK.
    pub ack: Option<i64>,
}

/// What is known of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// The whole round trip in nanoseconds.
    pub round_trip: Option<i64>,
    /// From the observer to the segment's sender and back.
    pub to_sender: Option<i64>,
}

impl Path {
    /// The whole round trip, or a guess where none was measured: 20 ms (ANALYSIS.md 4.15).
    pub fn round_trip_or_guess(&self) -> i64 {
        self.round_trip.unwrap_or(20 * NANOS_PER_MILLI)
    }
}

/// The segment in its surroundings: all that a rule may look at.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// Who sent it: its own flow.
    pub sender: &'a Flow,
    /// The other side's flow.
    pub receiver: &'a Flow,
    /// The transmissions of both.
    pub log: &'a SentLog,
    /// The segment.
    pub segment: &'a Segment,
    /// Where it stands.
    pub position: Position,
    /// What is known of the path.
    pub path: Path,
    /// The states of the sender and the receiver before it.
    pub states: (State, State),
}

impl Case<'_> {
    /// Nanoseconds since the sender's segment before; `None` if it is the first.
    pub fn silence(&self) -> Option<i64> {
        self.sender
            .latest
            .map(|latest| self.segment.time.since(latest.segment.time))
    }

    /// Neither SYN nor FIN nor RST.
    pub fn is_plain(&self) -> bool {
        use crate::analyzers::tcp::Flags;
        !self
            .segment
            .flags
            .any(Flags::SYN.with(Flags::FIN).with(Flags::RST))
    }
}

/// Judges a segment, into a judgement that holds nothing of another one afterwards. In place, because moving it costs more than
/// most judgements.
pub fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    judgement.begin();
    // Nothing behind the ports can be relied on.
    if case.segment.header == Header::TooLong {
        return;
    }
    if let Some(repeat) = copies::duplicate(case) {
        judgement.verdicts.insert(Verdict::Duplicate);
        judgement.repeat = Some(repeat);
        return;
    }
    if case.segment.flags.rst() {
        judgement.verdicts = reset::verdicts(validity(case));
        judgement.basis.expected = Some(case.sender.stream.lowest_unacknowledged());
    } else {
        sequence::judge(case, judgement);
        if acknowledges_nothing_sent(case) {
            judgement.verdicts.insert(Verdict::BadSynAck);
            judgement.basis.expected = Some(1);
        } else {
            acknowledgment::judge(case, judgement);
        }
    }
    marks(case, judgement);
}

/// A SYN+ACK that acknowledges something else than the SYN: it tells nothing of what arrived (RFC 9293 §3.10.7.3).
fn acknowledges_nothing_sent(case: &Case<'_>) -> bool {
    let stream = &case.receiver.stream;
    let answers = case
        .position
        .ack
        .is_some_and(|ack| ack >= 1 && ack <= stream.end);
    case.segment.flags.syn() && case.segment.flags.ack() && stream.started && !answers
}

/// What the flags and the IP header say by themselves.
fn marks(case: &Case<'_>, judgement: &mut Judgement) {
    use crate::analyzers::tcp::Flags;
    let Segment {
        flags,
        ecn,
        options,
        payload_len,
        ..
    } = *case.segment;
    let verdicts = &mut judgement.verdicts;
    verdicts.insert_if(ecn == 3, Verdict::CongestionExperienced);
    // On SYNs ECE and CWR negotiate (RFC 3168 §6.1.1) and mean nothing else.
    verdicts.insert_if(flags.any(Flags::ECE) && !flags.syn(), Verdict::EcnEcho);
    verdicts.insert_if(
        flags.any(Flags::CWR) && !flags.syn(),
        Verdict::WindowReduced,
    );
    if flags.syn() && !flags.ack() {
        verdicts.insert_if(options.fast_open && payload_len > 0, Verdict::FastOpenData);
        judgement.basis.syn_data = Some(payload_len);
    } else if flags.syn() && case.receiver.counts.payload_bytes > 0 && case.receiver.stream.end > 1
    {
        judgement.basis.syn_data = u32::try_from(case.receiver.stream.end - 1).ok();
        let all = case
            .position
            .ack
            .is_some_and(|ack| ack >= case.receiver.stream.end);
        verdicts.insert(if all {
            Verdict::FastOpenAccepted
        } else {
            Verdict::FastOpenIgnored
        });
    }
}
