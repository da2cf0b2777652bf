//! Wireshark's rules, steps A to L of ANALYSIS.md 4.1: each reads both sides and the segment and changes nothing. The order
//! in which `judge` asks them is the order that tshark has.

use super::analysis::{DuplicateAck, Flag, FlagSet, Timeout, WindowScale};
use super::side::{SILENCED, Side, tail};
use crate::analyzers::tcp::Flags;
use crate::tracking::segment::Segment;
use crate::utils::seq::Seq;
use crate::utils::time::NANOS_PER_MILLI;

/// A retransmission this soon behind a duplicate ACK is a fast one, in nanoseconds (ANALYSIS.md 4.8).
const FAST_LIMIT: u64 = 20 * NANOS_PER_MILLI as u64;

/// A segment this soon behind the highest one is out of order, where no handshake tells better, in nanoseconds.
const OUT_OF_ORDER_LIMIT: u64 = 3 * NANOS_PER_MILLI as u64;

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'a> {
    /// The side that sends, before this segment.
    pub sender: &'a Side,
    /// The other side.
    pub receiver: &'a Side,
    /// The segment.
    pub segment: &'a Segment,
    /// Wireshark's iRTT, if it is known already.
    pub initial_rtt: Option<i64>,
    /// One bit per multipath operation of the stream so far.
    pub multipath: u16,
}

/// An acknowledgment of what was not captured (ANALYSIS.md 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckBeyond {
    /// It covers a hole below the highest position.
    Hole,
    /// It lies beyond the highest position. Remarked only if no duplicates were counted before.
    Highest,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdict {
    pub flags: FlagSet,
    pub duplicate_ack: Option<DuplicateAck>,
    pub ack_beyond: Option<AckBeyond>,
    pub timeout: Option<Timeout>,
}

/// Asks all rules in tshark's order.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if is_zero_window_probe(case) {
        verdict.flags.insert(Flag::ZeroWindowProbe);
    } else {
        judge_window_and_repeats(case, &mut verdict);
    }
    verdict.ack_beyond = ack_beyond(case);
    let flags = &mut verdict.flags;
    let remarked = match verdict.ack_beyond {
        Some(AckBeyond::Hole) => true,
        Some(AckBeyond::Highest) => case.receiver.duplicates == 0,
        None => false,
    };
    flags.insert_if(remarked, Flag::AckLostSegment);
    if !flags.has(Flag::KeepAlive) {
        judge_retransmission(case, &mut verdict);
    }
    verdict
}

/// Steps B to I. An answer to a keep-alive or a probe is no duplicate ACK.
fn judge_window_and_repeats(case: &Case<'_>, verdict: &mut Verdict) {
    let flags = &mut verdict.flags;
    flags.insert_if(is_zero_window(case), Flag::ZeroWindow);
    flags.insert_if(is_lost_segment(case), Flag::LostSegment);
    flags.insert_if(is_keep_alive(case), Flag::KeepAlive);
    flags.insert_if(is_window_update(case), Flag::WindowUpdate);
    flags.insert_if(is_window_full(case), Flag::WindowFull);
    if is_keep_alive_ack(case) {
        flags.insert(Flag::KeepAliveAck);
    } else if is_zero_window_probe_ack(case) {
        flags.insert(Flag::ZeroWindowProbeAck);
    } else {
        verdict.duplicate_ack = duplicate_ack(case);
        flags.insert_if(verdict.duplicate_ack.is_some(), Flag::DuplicateAck);
    }
}

/// Step L: at most one of the family.
fn judge_retransmission(case: &Case<'_>, verdict: &mut Verdict) {
    let flags = &mut verdict.flags;
    if case.segment.payload_len == 0 && tail(case.segment) == 0 {
        return;
    }
    // Step K comes first, and its mark counts as very many duplicates (vector fast-retransmission-sentinel).
    let duplicates = match verdict.ack_beyond {
        Some(AckBeyond::Highest) => SILENCED,
        _ => case.receiver.duplicates,
    };
    if is_spurious(case) {
        flags.insert(Flag::Retransmission);
        flags.insert(Flag::SpuriousRetransmission);
    } else if !is_old(case) {
        // Nothing of it was sent before.
    } else if is_fast(case, duplicates) {
        flags.insert(Flag::Retransmission);
        flags.insert(Flag::FastRetransmission);
    } else if is_out_of_order(case) {
        flags.insert(Flag::OutOfOrder);
    } else {
        flags.insert(Flag::Retransmission);
        verdict.timeout = Some(timeout(case));
    }
}

/// None of SYN, FIN and RST.
fn is_plain(segment: &Segment) -> bool {
    !segment
        .flags
        .any(Flags::SYN.with(Flags::FIN).with(Flags::RST))
}

/// Nothing new: no payload, the next sequence number, the same acknowledgment.
fn is_repeat(case: &Case<'_>) -> bool {
    let (sender, segment) = (case.sender, case.segment);
    segment.payload_len == 0
        && segment.seq == sender.highest
        && segment.ack == sender.last_ack
        && is_plain(segment)
}

fn is_same_window(case: &Case<'_>) -> bool {
    u32::from(case.segment.window) == case.sender.last_window
}

/// A, ANALYSIS.md 4.6.
fn is_zero_window_probe(case: &Case<'_>) -> bool {
    case.segment.payload_len == 1
        && case.segment.seq == case.sender.highest
        && case.receiver.last_window == 0
}

/// B, ANALYSIS.md 4.6.
fn is_zero_window(case: &Case<'_>) -> bool {
    case.segment.window == 0 && is_plain(case.segment)
}

/// C, ANALYSIS.md 4.2.
fn is_lost_segment(case: &Case<'_>) -> bool {
    case.sender.has_sent()
        && case.segment.seq.after(case.sender.highest)
        && !case.segment.flags.rst()
}

/// D, ANALYSIS.md 4.4.
fn is_keep_alive(case: &Case<'_>) -> bool {
    case.segment.payload_len <= 1
        && case.segment.seq == case.sender.highest.minus(1)
        && is_plain(case.segment)
}

/// E, ANALYSIS.md 4.5.
fn is_window_update(case: &Case<'_>) -> bool {
    is_repeat(case) && case.segment.window != 0 && !is_same_window(case)
}

/// F, ANALYSIS.md 4.5: exactly up to the edge, not beyond it.
fn is_window_full(case: &Case<'_>) -> bool {
    let (receiver, segment) = (case.receiver, case.segment);
    segment.payload_len > 0
        && is_plain(segment)
        && receiver.scale != WindowScale::Unknown
        && segment.seq.plus(segment.payload_len) == receiver.window_edge()
}

/// G, ANALYSIS.md 4.4.
fn is_keep_alive_ack(case: &Case<'_>) -> bool {
    is_repeat(case)
        && case.segment.window != 0
        && is_same_window(case)
        && case.receiver.last_flags.has(Flag::KeepAlive)
}

/// H, ANALYSIS.md 4.6.
fn is_zero_window_probe_ack(case: &Case<'_>) -> bool {
    is_repeat(case)
        && case.segment.window == 0
        && is_same_window(case)
        && case.receiver.last_flags.has(Flag::ZeroWindowProbe)
}

/// I, ANALYSIS.md 4.7. With multipath TCP repeated ACKs are not remarkable (RFC 8684 §4): tshark spares the one behind a new
/// operation.
fn duplicate_ack(case: &Case<'_>) -> Option<DuplicateAck> {
    let repeats = is_repeat(case) && case.segment.window != 0 && is_same_window(case);
    let spared = case.multipath != case.sender.multipath;
    (repeats && !spared).then(|| DuplicateAck {
        number: case.sender.duplicates.wrapping_add(1).max(1),
        frame: case.sender.duplicates_of,
    })
}

/// K, ANALYSIS.md 4.3.
fn ack_beyond(case: &Case<'_>) -> Option<AckBeyond> {
    let (receiver, segment) = (case.receiver, case.segment);
    let beyond = segment.flags.ack()
        && receiver.contiguous != Seq(0)
        && segment.ack.after(receiver.contiguous);
    if !beyond {
        None
    } else if receiver.contiguous.before(receiver.highest) {
        Some(AckBeyond::Hole)
    } else {
        Some(AckBeyond::Highest)
    }
}

/// Whether the segment starts below the highest position. One that starts a single octet below and has more is taken for new.
fn is_old(case: &Case<'_>) -> bool {
    let (sender, segment) = (case.sender, case.segment);
    let goes_on = segment.payload_len > 1 && segment.seq == sender.highest.minus(1);
    sender.has_sent() && segment.seq.before(sender.highest) && !goes_on
}

/// L3, ANALYSIS.md 4.8.
fn is_spurious(case: &Case<'_>) -> bool {
    let end = case.segment.seq.plus(case.segment.payload_len);
    case.segment.payload_len > 0
        && case.receiver.last_ack != Seq(0)
        && !end.after(case.receiver.last_ack)
}

/// L4, ANALYSIS.md 4.8. Times compare without sign: where the capture runs backwards the rule is off.
fn is_fast(case: &Case<'_>, duplicates: u32) -> bool {
    let since_ack = case.segment.time.since(case.receiver.last_ack_time) as u64;
    duplicates >= 2 && case.segment.seq == case.receiver.last_ack && since_ack < FAST_LIMIT
}

/// L5, ANALYSIS.md 4.8.
fn is_out_of_order(case: &Case<'_>) -> bool {
    let (sender, segment) = (case.sender, case.segment);
    let since_highest = segment.time.since(sender.highest_time) as u64;
    let limit = case
        .initial_rtt
        .map_or(OUT_OF_ORDER_LIMIT, |nanos| nanos as u64);
    let end = segment.seq.plus(segment.payload_len).plus(tail(segment));
    since_highest < limit && sender.highest != end
}

/// L6, ANALYSIS.md 4.9: since the oldest piece, which need not be the one that is sent again.
fn timeout(case: &Case<'_>) -> Timeout {
    let sender = case.sender;
    let (time, frame) = sender
        .unacked
        .oldest()
        .map_or((sender.highest_time, sender.highest_frame), |piece| {
            (piece.time, piece.frame)
        });
    Timeout {
        nanos: case.segment.time.since(time),
        frame,
    }
}
