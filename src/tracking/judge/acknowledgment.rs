//! Judges what a segment says of the other side's octets: its acknowledgment, its selective blocks, its window.

use super::Case;
use crate::tracking::judgement::{Judgement, Proof, Spurious};
use crate::tracking::ranges::overlap;
use crate::tracking::record::scaled_window;
use crate::tracking::stream::{Sent, Stream, offset_of};
use crate::tracking::verdict::Verdict;
use std::ops::Range;

/// Judges acknowledgment and window.
pub fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    let Some(ack) = case.position.ack else { return };
    let stream = &case.receiver.stream;
    if let Some((first, octets)) = stream.unseen_below(ack) {
        judgement.verdicts.insert(Verdict::AckLostSegment);
        judgement.missing = judgement
            .missing
            .or(Some((first, u32::try_from(octets).unwrap_or(u32::MAX))));
    }
    if case.is_plain() {
        judgement
            .verdicts
            .insert_if(case.segment.window == 0, Verdict::ZeroWindow);
        judgement.basis.room = room_left(case);
        judgement
            .verdicts
            .insert_if(judgement.basis.room.is_some(), Verdict::WindowFull);
        judgement.basis.taken_back = taken_back(case, ack);
        judgement
            .verdicts
            .insert_if(judgement.basis.taken_back.is_some(), Verdict::WindowShrunk);
        challenge(case, ack, judgement);
    }
    if case.segment.is_pure_ack() && case.position.start >= case.sender.stream.end {
        repetition(case, ack, judgement);
    }
    if !judgement.has(Verdict::SpuriousRetransmission) {
        judgement.proves_spurious =
            by_timestamp_echo(case, ack).or_else(|| by_duplicate_sack(case, ack));
    }
}

/// An acknowledgment without data that says nothing new: why was it sent?
fn repetition(case: &Case<'_>, ack: i64, judgement: &mut Judgement) {
    let (Some(own), stream) = (case.sender.latest, &case.receiver.stream) else {
        return;
    };
    if own.segment.ack != case.segment.ack || stream.acknowledged != Some(ack) {
        return;
    }
    let same_window = own.segment.window == case.segment.window;
    let news = has_new_blocks(case, ack);
    let probed = case
        .receiver
        .latest
        .map(|latest| latest.verdicts)
        .unwrap_or_default();
    let verdict = if probed.has(Verdict::ZeroWindowProbe) && case.segment.window == 0 {
        judgement.basis.frame = answered(case);
        Verdict::ZeroWindowProbeAck
    } else if probed.has(Verdict::KeepAlive) {
        judgement.basis.frame = answered(case);
        Verdict::KeepAliveAck
    } else if news || same_window && case.segment.window > 0 && stream.end > ack {
        // RFC 6675 §2: new blocks make a duplicate whatever the window; without, RFC 5681 §2: same window, data outstanding.
        judgement.duplicate_ack = case.sender.acknowledging.duplicates.saturating_add(1);
        Verdict::DuplicateAck
    } else if !same_window {
        judgement.basis.window_before = case.sender.windows.current().map(u64::from);
        Verdict::WindowUpdate
    } else {
        return;
    };
    judgement.verdicts.insert(verdict);
}

/// The frame before of the other side.
fn answered(case: &Case<'_>) -> Option<u64> {
    case.receiver.latest.map(|latest| latest.segment.frame)
}

/// An ACK that asks back: for a RST in the window (RFC 5961 §3), for a SYN on a connection that is open (§4), or for a SYN that
/// its sender takes for part of an older connection (RFC 9293 §3.5.1).
fn challenge(case: &Case<'_>, ack: i64, judgement: &mut Judgement) {
    let Some(other) = case.receiver.latest.filter(|_| case.segment.is_pure_ack()) else {
        return;
    };
    let (own_state, _) = case.states;
    let flags = other.segment.flags;
    let to_syn = flags.syn() && !flags.ack() && own_state.is_synchronized();
    let to_old = flags.syn() && !flags.ack() && !case.sender.stream.started;
    let covers = ack >= 1 && ack <= case.receiver.stream.end;
    let to_reset = other.verdicts.has(Verdict::ResetInWindow);
    if to_reset || to_syn || to_old && !covers {
        judgement.verdicts.insert(Verdict::ChallengeAck);
        judgement.basis.frame = answered(case);
    }
}

/// Octets of window that are taken back, beyond what scaling rounds off (RFC 9293 §3.8.6, RFC 7323 §2.4); `None` if none are, or
/// if it is an older acknowledgment that was overtaken.
fn taken_back(case: &Case<'_>, ack: i64) -> Option<i64> {
    let stream = &case.receiver.stream;
    let (sender, receiver) = (case.sender, case.receiver);
    if !(sender.offer.known && receiver.offer.known) || stream.lowest_unacknowledged() > ack {
        return None;
    }
    let window = scaled_window(sender, receiver, case.segment);
    let rounding = match (sender.offer.window_scale, receiver.offer.window_scale) {
        (Some(shift), Some(_)) => 1i64 << shift,
        _ => 1,
    };
    let before = sender.latest.filter(|latest| {
        let flags = latest.segment.flags;
        flags.ack() && !flags.syn() && !flags.rst()
    })?;
    // Near what is acknowledged, as when it came: seen from this segment, a number half the space behind would lie ahead.
    let near = stream.lowest_unacknowledged();
    let offered = offset_of(stream.base()?, before.segment.ack, near)
        .saturating_add_unsigned(sender.windows.current()?.into());
    let lost = offered - ack.saturating_add(i64::from(window));
    (lost >= rounding && !is_overtaken(case)).then_some(lost)
}

/// Whether a later segment of its sender has passed before it.
fn is_overtaken(case: &Case<'_>) -> bool {
    let older_value = case
        .segment
        .options
        .timestamps
        .zip(case.sender.newest_tsval)
        .is_some_and(|(own, newest)| (own.value.wrapping_sub(newest) as i32) < 0);
    let older_id = case
        .sender
        .ip_ids
        .ahead(case.segment.ip_id)
        .is_some_and(|ahead| ahead < 0);
    older_value || older_id
}

/// Whether a block tells of octets that no earlier one did.
fn has_new_blocks(case: &Case<'_>, ack: i64) -> bool {
    let stream = &case.receiver.stream;
    blocks(case, stream).any(|block| {
        let above = block.start.max(ack)..block.end.min(stream.end);
        above.start < above.end && stream.sacked().overlap(&above) < above.end - above.start
    })
}

fn blocks<'a>(case: &Case<'a>, stream: &'a Stream) -> impl Iterator<Item = Range<i64>> + 'a {
    let near = case.position.ack.unwrap_or(0);
    let segment = case.segment;
    segment
        .options
        .sack
        .as_slice()
        .iter()
        .filter_map(move |block| {
            let base = stream.base()?;
            Some(offset_of(base, block.left, near)..offset_of(base, block.right, near))
        })
}

/// Whether the first block reports octets received twice (RFC 2883 §4): it lies below the acknowledgment, or inside the second.
pub fn duplicate_block(
    mut blocks: impl Iterator<Item = Range<i64>>,
    ack: i64,
) -> Option<Range<i64>> {
    let first = blocks.next().filter(|block| block.start < block.end)?;
    let inside = |second: Range<i64>| second.start <= first.start && first.end <= second.end;
    let is_duplicate = first.end <= ack || blocks.next().is_some_and(inside);
    is_duplicate.then_some(first)
}

/// A report of octets received twice proves the latest repeat of them needless. A copy made by the network is reported just
/// the same, but then no repeat was sent.
fn by_duplicate_sack(case: &Case<'_>, ack: i64) -> Option<Spurious> {
    let stream = &case.receiver.stream;
    let twice = duplicate_block(blocks(case, stream), ack)?;
    let repeat = stream
        .latest_repeat_of(&twice, case.log)
        .filter(|sent| !sent.spurious)?;
    (overlap(&repeat.range(), &twice) > 0).then_some(Spurious {
        frame: repeat.frame,
        proof: Proof::DuplicateSack,
        // Two copies arrived: the first among them is sure only if there were no more (RFC 3708 §2).
        first_arrived: repeat.repeats == 1,
    })
}

/// The first acknowledgment behind a repeat echoes the timestamp of what arrived first. If that is older than the repeat's, it
/// was the earlier transmission (Eifel, RFC 3522 §3.2). Only the octets at the left edge decide the echo (RFC 7323 §4.3).
fn by_timestamp_echo(case: &Case<'_>, ack: i64) -> Option<Spurious> {
    let stream = &case.receiver.stream;
    let edge = stream.lowest_unacknowledged();
    let echo = case.segment.options.timestamps?.echo;
    if ack <= edge {
        return None;
    }
    let repeat = stream
        .latest_repeat_of(&(edge..edge + 1), case.log)
        .filter(|sent| !sent.spurious)?;
    let older = |sent: &Sent| {
        sent.tsval
            .is_some_and(|value| (echo.wrapping_sub(value) as i32) < 0)
    };
    let first_repeat = stream
        .transmissions(case.log)
        .find(|sent| sent.repeats == 1 && sent.range().contains(&edge));
    (older(repeat) && repeat.start <= edge).then_some(Spurious {
        frame: repeat.frame,
        proof: Proof::TimestampEcho,
        first_arrived: first_repeat.is_some_and(older),
    })
}

/// The room that the segment leaves in the receiver's window, if that is less than a segment's (RFC 9293 §3.8.6.2.1).
fn room_left(case: &Case<'_>) -> Option<i64> {
    let known = case.receiver.offer.known && case.sender.offer.known;
    let room = case
        .sender
        .stream
        .edge
        .get()
        .map(|edge| edge - case.position.end);
    let size = i64::from(case.sender.segment_size().max(case.segment.payload_len));
    room.filter(|&room| known && case.segment.payload_len > 0 && room >= 0 && room < size)
}
