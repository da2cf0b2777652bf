//! A tail that was lost before the capture point and is sent again at the head of the stream.
//!
//! It leaves no gap in the octets, so only IPv4's identification tells, where the sender counts its packets with it: numbers are
//! missing, octets are not. What the missing packets carried follows from who could have sent what when.

use super::{Case, cause};
use crate::tracking::judgement::{Because, Judgement, Lost, Repeat};
use crate::tracking::rtt::LEAST_TIMEOUT;
use crate::tracking::verdict::Verdict;
use crate::utils::time::NANOS_PER_SECOND;

/// Judges a segment at the head of the stream: is it the lost tail again?
pub fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    if case.segment.payload_len == 0 {
        return;
    }
    let Some(missing) = known(case).or_else(|| after_silence(case)) else {
        return;
    };
    let (cause, trigger) = cause::of(case);
    judgement.verdicts.insert(Verdict::Retransmission);
    judgement.repeated_octets = case.segment.payload_len;
    judgement.repeat = Some(Repeat {
        cause: Some(cause),
        because: Because::MissingIpIds(missing),
        trigger,
        last: None,
        first: None,
        lost: Lost::BeforeHere,
        spurious: None,
    });
}

/// Numbers that are missing before this segment; `None` if none is, or if this sender's numbers say nothing: those that count
/// all its packets to anyone have gaps that lost segments do not explain.
fn missing_before(case: &Case<'_>) -> Option<u16> {
    let ahead = case.sender.ip_ids.ahead(case.segment.ip_id)?;
    (ahead > 1 && case.sender.ip_ids.is_exact()).then(|| (ahead - 1).unsigned_abs())
}

/// A segment that begins where the captured octets end although its sender had sent more; or further on, if what it leaves out
/// was lost again just now. A sender that leaves out octets without a number missing goes on to new ones.
fn known(case: &Case<'_>) -> Option<u16> {
    let (end, packets) = case.sender.recovering().lost_tail?;
    let size = i64::from(case.sender.segment_size());
    let left_out = case.position.start - end;
    let lost_again = i64::from(missing_before(case).unwrap_or(0)) * size;
    let sent = i64::from(packets) * size;
    (left_out >= 0 && left_out <= lost_again && left_out < sent).then_some(packets)
}

/// Whether its sender waited for as long as its timers run (RFC 6298 §2, RFC 8985 §7.2).
fn after_silence(case: &Case<'_>) -> Option<u16> {
    if case.position.start != case.sender.stream.end {
        return None;
    }
    let (missing, silence) = (missing_before(case)?, case.silence()?);
    let round_trip = case.path.round_trip_or_guess();
    // The timer of RFC 6298 §2.4, backed off twice by losses before, as it stays until something is timed again (§5.7). Many
    // numbers that go missing in a long silence rather belong to other connections.
    let patience = if missing <= 2 { 5 } else { 1 };
    let longest = NANOS_PER_SECOND.max(3 * round_trip) * patience;
    let open_hole = case
        .sender
        .stream
        .holes()
        .iter()
        .any(|hole| !hole.acknowledged);
    let waited = silence >= round_trip + round_trip / 2 && silence <= longest;
    // A probe repeats the highest segment, which stands at the head only if it is the one that was lost. The lowest of several
    // is repeated by the retransmission timer, and that never runs for less.
    let by_right_timer = missing == 1 || silence >= LEAST_TIMEOUT;
    (waited && by_right_timer && !open_hole && !other_side_sent(case)).then_some(missing)
}

/// Missing packets may have been acknowledgments of what the other side sent since this side's last one.
fn other_side_sent(case: &Case<'_>) -> bool {
    let since = case.sender.latest.map(|latest| latest.segment.time);
    case.receiver
        .last_data
        .get()
        .zip(since)
        .is_some_and(|(theirs, own)| theirs >= own)
}

/// Packets missing between new octets and a repeat of the lowest hole. They were no repeats: a sender repeats the lowest octets
/// first (RFC 6675 §4, NextSeg), and the same ones not twice within a round trip. They were no acknowledgments, since nothing was
/// to be acknowledged. So they carried octets behind the highest captured. Returns how many.
pub fn found_before(case: &Case<'_>, judgement: &Judgement) -> Option<u16> {
    if !judgement.has(Verdict::Retransmission) {
        return None;
    }
    let missing = missing_before(case)?;
    let lowest = case
        .sender
        .stream
        .holes()
        .iter()
        .find(|hole| !hole.acknowledged)?
        .start;
    let before = case.sender.latest?;
    let was_new = before.segment.payload_len > 0
        && !before.verdicts.has(Verdict::Retransmission)
        && !before.verdicts.has(Verdict::Reordered);
    let within = case.segment.time.since(before.segment.time) < case.path.round_trip?;
    (lowest == case.position.start && was_new && within && !other_side_sent(case))
        .then_some(missing)
}
