//! Why a segment was sent again (ANALYSIS.md 4.16).
//!
//! A sender acts on what reaches it. An acknowledgment that passes here reaches it half of its side's round trip later, and
//! what it sends in answer passes here after the other half: a reaction comes `Path::to_sender` behind its trigger, give or
//! take an eighth of the round trip. What comes without such a trigger, a timer sent.

use super::Case;
use crate::tracking::flow::Recovery;
use crate::tracking::judgement::Trigger;
use crate::tracking::rtt::LEAST_TIMEOUT;
use crate::tracking::stream::Sent;
use crate::tracking::verdict::Cause;
use crate::utils::time::NANOS_PER_MILLI;

/// Duplicate ACKs, or segments selectively acknowledged, that tell of a loss (RFC 5681 §3.2, RFC 6675 §2).
const DUPLICATE_THRESHOLD: u32 = 3;

/// The longest that a receiver is taken to delay an acknowledgment (RFC 8985 §7.2, WCDelAckT).
const LONGEST_DELAYED_ACK: i64 = 200 * NANOS_PER_MILLI;

/// The cause of a retransmission, and what triggered it.
pub fn of(case: &Case<'_>) -> (Cause, Option<Trigger>) {
    if case.segment.flags.syn() {
        return (Cause::Syn, silence(case));
    }
    if case.segment.payload_len == 0 && case.segment.flags.fin() {
        return (Cause::Fin, silence(case));
    }
    if let Some(waited) = timer(case) {
        return (by_timer(case, waited), Some(Trigger::Silence(waited)));
    }
    by_acknowledgment(case)
}

/// What a reaction may be early or late by (ANALYSIS.md 4.16).
fn slack(case: &Case<'_>) -> i64 {
    (2 * NANOS_PER_MILLI).max(case.path.round_trip_or_guess() / 8)
}

fn silence(case: &Case<'_>) -> Option<Trigger> {
    case.silence().map(Trigger::Silence)
}

/// Nanoseconds for which the sender had heard nothing and sent nothing, if that is more than a reaction takes; `None` if the
/// segment answers something.
fn timer(case: &Case<'_>) -> Option<i64> {
    let reaction = case.path.to_sender.unwrap_or(0);
    let slack = slack(case);
    let heard = case
        .receiver
        .acknowledging
        .last_time
        .get()
        .map(|time| case.segment.time.since(time).saturating_sub(reaction));
    let sent = case.silence();
    let waited = match (heard, sent) {
        (Some(heard), Some(sent)) => heard.min(sent),
        (Some(nanos), None) | (None, Some(nanos)) => nanos,
        (None, None) => return None,
    };
    (waited > slack).then_some(waited)
}

/// A timer sent: the retransmission timer the lowest octets, the probe timer the highest, RACK's what later ones overtook.
fn by_timer(case: &Case<'_>, waited: i64) -> Cause {
    let stream = &case.sender.stream;
    let lowest = case.position.start <= lowest_missing(case);
    let highest = case.position.end >= stream.end;
    let least_timeout = case.sender.estimate.timeout().max(smoothed(case)) / 5 * 4;
    let overtaken = || stream.sacked().above(case.position.end) > 0 || overtaker(case).is_some();
    match (lowest, highest) {
        _ if !lowest && highest => Cause::TailLossProbe,
        (true, true) if may_be_probe(case, waited, least_timeout) => Cause::TailLossProbe,
        _ if waited < least_timeout && is_selective(case) && overtaken() => Cause::Rack,
        // Too soon for any retransmission timer.
        (true, _) if is_recent(case) && has_duplicates(case) => by_duplicates(case),
        (true, _) => Cause::Timeout,
        _ if recovers_from_timeout(case) => Cause::GoBackN,
        // RACK needs selective acknowledgments (RFC 8985 §3.3).
        _ if stream.sacked().is_empty() && !is_selective(case) => Cause::Unknown,
        _ => Cause::Rack,
    }
}

/// Whether these octets were sent less than the least retransmission timeout ago. Duplicate ACKs do not restart that timer.
fn is_recent(case: &Case<'_>) -> bool {
    let range = case.position.start..case.position.end;
    let last = case.sender.stream.latest_of(&range, case.log);
    last.is_some_and(|sent| case.segment.time.since(sent.time) < LEAST_TIMEOUT / 5 * 4)
}

fn has_duplicates(case: &Case<'_>) -> bool {
    case.receiver.acknowledging.duplicates > 0
}

/// What duplicate ACKs without blocks made the sender do. The third tells of a loss (RFC 5681 §3.2); where fewer than four
/// segments are under way, one less than these (RFC 5827 §3.1); RACK needs selective acknowledgments (RFC 8985 §3.3).
fn by_duplicates(case: &Case<'_>) -> Cause {
    let under_way = case.sender.stream.unacknowledged().len() as u32;
    let threshold = DUPLICATE_THRESHOLD.min(under_way.saturating_sub(1)).max(1);
    if case.receiver.acknowledging.duplicates >= threshold {
        Cause::Fast
    } else if is_selective(case) {
        Cause::Rack
    } else {
        Cause::Unknown
    }
}

/// The round trip as the sender smooths it, in nanoseconds.
fn smoothed(case: &Case<'_>) -> i64 {
    case.path
        .round_trip_or_guess()
        .max(case.sender.estimate.smoothed().unwrap_or(0))
}

/// Whether a repeat of the one segment that is under way may be a tail loss probe. Both timers would repeat it. The probe's comes
/// first, and may wait for a delayed acknowledgment: two round trips and 200 ms, unless the other timer runs out before (RFC 8985
/// §7.2). It needs selective acknowledgments, and does not follow a repeat.
fn may_be_probe(case: &Case<'_>, waited: i64, least_timeout: i64) -> bool {
    let quiet = case.receiver.acknowledging.duplicates == 0;
    if waited < least_timeout {
        return quiet;
    }
    let range = case.position.start..case.position.end;
    let stream = &case.sender.stream;
    let first_repeat = stream
        .latest_of(&range, case.log)
        .is_none_or(|sent| sent.repeats == 0);
    let patience = 2 * smoothed(case) + LONGEST_DELAYED_ACK + slack(case);
    quiet
        && is_selective(case)
        && first_repeat
        && waited <= patience
        && case.sender.recovering().recovery == Recovery::None
        && stream.sacked().is_empty()
}

/// Whether both sides permit selective acknowledgments, or, where their SYNs were not captured, use them.
fn is_selective(case: &Case<'_>) -> bool {
    let permitted = case.sender.offer.sack_permitted && case.receiver.offer.sack_permitted;
    permitted || !case.sender.stream.sacked().is_empty()
}

/// Whether something that was under way when a timer ran out is still not acknowledged.
fn recovers_from_timeout(case: &Case<'_>) -> bool {
    matches!(case.sender.recovering().recovery, Recovery::Timeout(until)
        if case.sender.stream.lowest_unacknowledged() < until)
}

/// The latest transmission that was made after the last one of these octets and has been acknowledged: it overtook them, so RACK
/// takes them for lost once its reordering window is over (RFC 8985 §6.2).
fn overtaker(case: &Case<'_>) -> Option<u64> {
    let stream = &case.sender.stream;
    let range = case.position.start..case.position.end;
    let last = stream.latest_of(&range, case.log)?.frame;
    let delivered = |sent: &&Sent| {
        sent.end <= stream.lowest_unacknowledged()
            || stream.sacked().overlap(&sent.range()) == sent.end - sent.start
    };
    stream
        .transmissions(case.log)
        .filter(|sent| sent.frame > last)
        .find(delivered)
        .map(|sent| sent.frame)
}

/// The first octet that the receiver has not told to have.
fn lowest_missing(case: &Case<'_>) -> i64 {
    case.sender.stream.lowest_unacknowledged().max(1)
}

/// Something that came in made the sender send.
fn by_acknowledgment(case: &Case<'_>) -> (Cause, Option<Trigger>) {
    let stream = &case.sender.stream;
    let acknowledging = &case.receiver.acknowledging;
    let told = case.receiver.recovering();
    if recovers_from_timeout(case) {
        return (Cause::GoBackN, progress(case));
    }
    let sacked = stream.sacked().above(case.position.end);
    let threshold = i64::from(DUPLICATE_THRESHOLD - 1) * i64::from(case.sender.segment_size());
    if acknowledging.duplicates >= DUPLICATE_THRESHOLD {
        let trigger = Trigger::DuplicateAcks(acknowledging.duplicates, told.last_duplicate);
        return (Cause::Fast, Some(trigger));
    }
    if sacked > threshold {
        return (
            Cause::Fast,
            Some(Trigger::Sacked(sacked.unsigned_abs(), told.last_sack)),
        );
    }
    if sacked > 0 {
        return (
            Cause::Rack,
            Some(Trigger::Sacked(sacked.unsigned_abs(), told.last_sack)),
        );
    }
    match case.sender.recovering().recovery {
        Recovery::Fast(until) if stream.lowest_unacknowledged() < until => {
            (Cause::Fast, progress(case))
        }
        _ => match overtaker(case) {
            Some(frame) if is_selective(case) => (Cause::Rack, Some(Trigger::Overtaken(frame))),
            _ if has_duplicates(case) => {
                let trigger = Trigger::DuplicateAcks(acknowledging.duplicates, told.last_duplicate);
                (by_duplicates(case), Some(trigger))
            }
            _ => (Cause::Unknown, None),
        },
    }
}

/// The acknowledgment that last told of something new.
fn progress(case: &Case<'_>) -> Option<Trigger> {
    let frame = case.receiver.acknowledging.last_progress;
    (frame > 0).then_some(Trigger::PartialAck(frame))
}
