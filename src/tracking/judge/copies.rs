//! Octets that are not the next in order: a duplicate, a retransmission, or a first transmission that was overtaken?

use super::{Case, cause, elsewhere};
use crate::tracking::judgement::{Because, Judgement, Lost, Proof, Repeat, Trigger};
use crate::tracking::state::State;
use crate::tracking::stream::{Hole, Sent};
use crate::tracking::verdict::{Cause, Verdict};
use crate::utils::time::NANOS_PER_MILLI;

/// A copy with the same IP identification comes within this time, or within a round trip if that is longer: the network
/// makes copies at once, but may hold one of them back.
const SAME_FRAME: i64 = 50 * NANOS_PER_MILLI;

/// Whether the segment is a second copy of one transmission (ANALYSIS.md 4.15, `duplicate_frame`).
pub fn duplicate(case: &Case<'_>) -> Option<Repeat> {
    if case.position.start == case.position.end {
        return duplicate_without_octets(case);
    }
    let stream = &case.sender.stream;
    if !stream.started || case.position.start >= stream.end {
        return None;
    }
    let limit = SAME_FRAME.max(case.path.round_trip.unwrap_or(0));
    let recent = |sent: &&Sent| case.segment.time.since(sent.time) <= limit;
    let same = |sent: &&Sent| {
        sent.start == case.position.start
            && sent.end == case.position.end
            && same_headers(case, sent)
    };
    let copy = stream
        .transmissions(case.log)
        .take_while(recent)
        .find(same)?;
    let nanos = case.segment.time.since(copy.time);
    let because = elsewhere::copy(case, copy.place, copy.ip_id, nanos)
        .or_else(|| copy_by(case, copy.ip_id, nanos))?;
    Some(Repeat {
        cause: None,
        because,
        trigger: None,
        last: Some((copy.frame, case.segment.time.since(copy.time))),
        first: None,
        lost: Lost::Not,
        spurious: None,
    })
}

fn same_headers(case: &Case<'_>, sent: &Sent) -> bool {
    let tsval = case
        .segment
        .options
        .timestamps
        .map(|timestamps| timestamps.value);
    sent.ack == case.segment.ack
        && sent.window == case.segment.window
        && sent.tsval == tsval
        && case.segment.hops_left <= sent.hops_left
}

/// Whether a frame that looks the same is the same: by IP identification, or, where that says nothing, by coming sooner than
/// the sender could have sent again, without a word from the receiver that it misses something.
fn copy_by(case: &Case<'_>, ip_id: u16, nanos: i64) -> Option<Because> {
    match case.segment.ip_id.filter(|&id| id != 0 || ip_id != 0) {
        Some(id) => (id == ip_id).then_some(Because::SameFrame),
        None => (nanos < (case.path.round_trip_or_guess() / 2).min(SAME_FRAME) && !is_missed(case))
            .then_some(Because::SameHeaders),
    }
}

/// Whether the receiver has asked for these octets: it repeated its acknowledgment, or told of later ones (RFC 5681 §3.2,
/// RFC 6675 §4).
fn is_missed(case: &Case<'_>) -> bool {
    let stream = &case.sender.stream;
    let asked = case.receiver.acknowledging.duplicates > 1
        && stream.acknowledged == Some(case.position.start);
    asked || stream.sacked().above(case.position.end) > 0
}

/// An acknowledgment repeated to the letter is a duplicate ACK, unless the IP identification or the place shows that it is one
/// frame seen twice.
fn duplicate_without_octets(case: &Case<'_>) -> Option<Repeat> {
    let (old, new) = (&case.sender.latest?.segment, case.segment);
    let nanos = new.time.since(old.time);
    let because =
        elsewhere::copy(case, old.place, old.ip_id.unwrap_or(0), nanos).or_else(|| {
            let has_id = new.ip_id.is_some_and(|id| id != 0) && old.ip_id == new.ip_id;
            has_id.then_some(Because::SameFrame)
        })?;
    let same = new.hops_left <= old.hops_left
        && (old.seq, old.ack, old.flags, old.window) == (new.seq, new.ack, new.flags, new.window)
        && old.payload_len == new.payload_len
        && old.options == new.options.digest();
    (same && (-SAME_FRAME..=SAME_FRAME).contains(&nanos)).then_some(Repeat {
        cause: None,
        because,
        trigger: None,
        last: Some((old.frame, nanos)),
        first: None,
        lost: Lost::Not,
        spurious: None,
    })
}

/// Which of two transmissions its sender made first.
enum Order {
    Older(Because),
    Newer(Because),
    Unknown,
}

/// In a simultaneous open either side answers the other's SYN with its own once more, now with ACK: the next step of the
/// handshake, and not because anything was lost (RFC 9293 §3.5, figure 8).
fn opens_simultaneously(case: &Case<'_>) -> bool {
    let only_syn = |flags: crate::analyzers::tcp::Flags| flags.syn() && !flags.ack();
    let flags = case.segment.flags;
    flags.syn()
        && flags.ack()
        && matches!(case.states.0, State::SynSent | State::SynReceived)
        && case
            .sender
            .latest
            .is_some_and(|latest| only_syn(latest.segment.flags))
}

/// Judges octets below the highest sent.
pub fn late(case: &Case<'_>, judgement: &mut Judgement) {
    if opens_simultaneously(case) {
        return;
    }
    let stream = &case.sender.stream;
    let range = case.position.start..case.position.end;
    let earlier = stream.latest_of(&range, case.log);
    let hole = stream.holes_in(&range).next();
    judgement.fills = hole.map(|hole| hole.frame);
    let unacknowledged_hole = hole.filter(|hole| !hole.acknowledged || earlier.is_none());
    let (order, timing) = match (unacknowledged_hole, earlier) {
        (Some(hole), _) => (order(case, hole.ip_id, hole.tsval), Some(hole)),
        (None, Some(earlier)) => (order(case, earlier.ip_id, earlier.tsval), None),
        (None, None) => (Order::Unknown, None),
    };
    match order {
        Order::Older(because) => reordered(judgement, because),
        Order::Newer(because) => retransmission(case, judgement, earlier, because),
        Order::Unknown => match timing.map(|hole| by_timing(case, hole)) {
            Some((because, true)) => reordered(judgement, because),
            Some((because, false)) => retransmission(case, judgement, earlier, because),
            None => retransmission(case, judgement, earlier, Because::SeenBefore),
        },
    }
}

/// Order by IP identification, then by timestamp. Equal values decide nothing: clocks tick slowly.
fn order(case: &Case<'_>, ip_id: u16, tsval: Option<u32>) -> Order {
    if case.sender.ip_ids.is_counting()
        && ip_id != 0
        && let Some(id) = case.segment.ip_id
    {
        return match id.wrapping_sub(ip_id) as i16 {
            ..=-1 => Order::Older(Because::OlderIpId),
            1.. => Order::Newer(Because::NewerIpId),
            0 => Order::Unknown,
        };
    }
    let own = case
        .segment
        .options
        .timestamps
        .map(|timestamps| timestamps.value);
    match own
        .zip(tsval)
        .map(|(own, other)| own.wrapping_sub(other) as i32)
    {
        Some(..=-1) => Order::Older(Because::OlderTimestamp),
        Some(1..) => Order::Newer(Because::NewerTimestamp),
        _ => Order::Unknown,
    }
}

/// A hole of more full segments than this was not made by a few packets that overtook all of them.
const LARGEST_OVERTAKING: i64 = 8;

/// Whether octets that fill a hole come too soon to have been sent again: the receiver has to see the hole, its word has to
/// reach the sender, and the repeat has to come back. That takes a round trip wherever the observer stands; less a quarter for
/// jitter. But a sender that was sending a lost tail again anyway fills a large hole at once.
fn by_timing(case: &Case<'_>, hole: &Hole) -> (Because, bool) {
    let nanos = case.segment.time.since(hole.opened);
    let soon = nanos < case.path.round_trip_or_guess() / 4 * 3;
    // Until full segments have been seen, what the receiver takes, or what every host does (RFC 9293 §3.7.1).
    let offered = u32::from(case.receiver.offer.mss.unwrap_or(536));
    let full = i64::from(case.sender.segment_size().max(offered));
    let too_soon = soon && hole.extent <= LARGEST_OVERTAKING * full;
    (
        if too_soon {
            Because::TooSoon(nanos)
        } else {
            Because::LateEnough(nanos)
        },
        too_soon,
    )
}

fn reordered(judgement: &mut Judgement, because: Because) {
    judgement.verdicts.insert(Verdict::Reordered);
    judgement.repeat = Some(Repeat {
        cause: None,
        because,
        trigger: None,
        last: None,
        first: None,
        lost: Lost::Not,
        spurious: None,
    });
}

fn retransmission(
    case: &Case<'_>,
    judgement: &mut Judgement,
    earlier: Option<&Sent>,
    because: Because,
) {
    let stream = &case.sender.stream;
    let range = case.position.start..case.position.end;
    let time = case.segment.time;
    let is_probe = judgement.has(Verdict::KeepAlive) || judgement.has(Verdict::ZeroWindowProbe);
    // A probe repeats an octet to get an answer, not because it was lost.
    let spurious = if is_probe { None } else { proof(case) };
    let missing = stream.missing(&range);
    let seen_before = missing == 0;
    let because = match (spurious, because) {
        (Some(Proof::AcknowledgedBefore), _) => Because::AcknowledgedBefore,
        (_, Because::NewerIpId | Because::NewerTimestamp) if seen_before => Because::SeenBefore,
        (_, because) => because,
    };
    let (cause, trigger) = if is_probe {
        (Cause::Probe, case.silence().map(Trigger::Silence))
    } else {
        cause::of(case)
    };
    let (start, end) = (range.start, range.end);
    let beyond = (end - stream.end.max(start)).max(0);
    judgement.repeated_octets = u32::try_from(end - start - beyond).unwrap_or(u32::MAX);
    judgement.verdicts.insert(Verdict::Retransmission);
    judgement
        .verdicts
        .insert_if(spurious.is_some(), Verdict::SpuriousRetransmission);
    judgement.verdicts.insert_if(beyond > 0, Verdict::PartlyNew);
    judgement.repeat = Some(Repeat {
        cause: Some(cause),
        because,
        trigger,
        last: earlier.map(|sent| (sent.frame, time.since(sent.time))),
        first: earlier.map(|sent| (sent.first.0, time.since(sent.first.1))),
        lost: match (spurious, seen_before) {
            _ if is_probe => Lost::Not,
            (Some(_), _) => Lost::Not,
            (None, true) => Lost::BehindHere,
            (None, false) => Lost::BeforeHere,
        },
        spurious,
    });
}

/// What shows already that the receiver had the octets.
fn proof(case: &Case<'_>) -> Option<Proof> {
    let stream = &case.sender.stream;
    let range = case.position.start..case.position.end;
    if case.segment.payload_len > 0
        && stream
            .acknowledged
            .is_some_and(|acknowledged| range.end <= acknowledged)
    {
        return Some(Proof::AcknowledgedBefore);
    }
    (stream.sacked().overlap(&range) == range.end - range.start).then_some(Proof::SackedBefore)
}
