//! Judges what a segment says of the other side's octets: its acknowledgment, its selective blocks, its window.

use super::Case;
use crate::tracking::judgement::{Judgement, Proof, Spurious};
use crate::tracking::ranges::overlap;
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
        judgement
            .verdicts
            .insert_if(fills_window(case), Verdict::WindowFull);
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
        Verdict::ZeroWindowProbeAck
    } else if probed.has(Verdict::KeepAlive) {
        Verdict::KeepAliveAck
    } else if news || same_window && case.segment.window > 0 && stream.end > ack {
        // RFC 6675 §2: new blocks make a duplicate whatever the window; without, RFC 5681 §2: same window, data outstanding.
        judgement.duplicate_ack = case.sender.acknowledging.duplicates.saturating_add(1);
        Verdict::DuplicateAck
    } else if !same_window {
        Verdict::WindowUpdate
    } else {
        return;
    };
    judgement.verdicts.insert(verdict);
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
        .latest_of(&twice)
        .filter(|sent| sent.repeats > 0 && !sent.spurious)?;
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
        .latest_of(&(edge..edge + 1))
        .filter(|sent| sent.repeats > 0 && !sent.spurious)?;
    let older = |sent: &Sent| {
        sent.tsval
            .is_some_and(|value| (echo.wrapping_sub(value) as i32) < 0)
    };
    let first_repeat = stream
        .transmissions()
        .find(|sent| sent.repeats == 1 && sent.range().contains(&edge));
    (older(repeat) && repeat.start <= edge).then_some(Spurious {
        frame: repeat.frame,
        proof: Proof::TimestampEcho,
        first_arrived: first_repeat.is_some_and(older),
    })
}

/// The segment leaves less than a segment's room in the receiver's window (RFC 9293 §3.8.6.2.1).
fn fills_window(case: &Case<'_>) -> bool {
    let known = case.receiver.offer.known && case.sender.offer.known;
    let room = case.sender.stream.edge.map(|edge| edge - case.position.end);
    let size = i64::from(case.sender.segment_size().max(case.segment.payload_len));
    known && case.segment.payload_len > 0 && room.is_some_and(|room| room >= 0 && room < size)
}
