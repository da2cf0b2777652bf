//! What a judged segment adds to the counts of its sender's direction.

use super::flow::Counts;
use super::judgement::Judgement;
use super::segment::Segment;
use super::verdict::{Cause, Verdict};
use crate::analyzers::Checksum;
use crate::analyzers::tcp::Flags;

/// What [`count`] comes to for a segment of which nothing is said ([`super::expected`]).
#[inline]
pub fn count_expected(counts: &mut Counts, segment: &Segment) {
    let len = segment.payload_len;
    counts.packets += 1;
    counts.wire_bytes += u64::from(segment.wire_len);
    counts.checksums_verified += u64::from(segment.checksum.is_some());
    counts.pure_acks += u64::from(len == 0);
    counts.payload_bytes += u64::from(len);
    counts.largest_payload = counts.largest_payload.max(len);
    counts.data_packets += u64::from(len > 0);
}

/// What [`count`] comes to for a SYN without data of which nothing is said.
#[inline]
pub fn count_first_syn(counts: &mut Counts, segment: &Segment) {
    counts.packets += 1;
    counts.wire_bytes += u64::from(segment.wire_len);
    counts.checksums_verified += u64::from(segment.checksum.is_some());
    counts.syn += 1;
}

/// Counts a judged segment.
pub fn count(counts: &mut Counts, segment: &Segment, judgement: &Judgement) {
    counts.packets += 1;
    counts.wire_bytes += u64::from(segment.wire_len);
    if !judgement.verdicts.is_empty() {
        let counted = &mut counts.rare_mut().verdicts;
        judgement
            .verdicts
            .iter()
            .for_each(|verdict| counted.add(verdict));
    }
    if judgement.has(Verdict::Duplicate) {
        return;
    }
    counts.checksums_verified += u64::from(segment.checksum.is_some());
    match segment.checksum {
        None | Some(Checksum::Right) => {}
        Some(Checksum::Wrong) => counts.rare_mut().checksums_wrong += 1,
        Some(Checksum::Offloaded) => counts.rare_mut().checksums_offloaded += 1,
    }
    let flags = segment.flags;
    counts.syn += u32::from(flags.syn());
    counts.fin += u32::from(flags.fin());
    counts.rst += u32::from(flags.rst());
    if flags.any(Flags::URG) {
        counts.rare_mut().urg += 1;
    }
    counts.pure_acks += u64::from(segment.is_pure_ack());
    if !segment.options.sack.as_slice().is_empty() {
        counts.rare_mut().sack += 1;
    }
    if judgement.repeated_octets > 0 {
        counts.rare_mut().retransmitted_bytes +=
            u64::from(judgement.repeated_octets.min(segment.payload_len));
    }
    if let Some(cause) = judgement.repeat.and_then(|repeat| repeat.cause) {
        let at = Cause::ALL
            .iter()
            .position(|&other| other == cause)
            .unwrap_or(Cause::ALL.len() - 1);
        counts.rare_mut().causes[at] += 1;
    }
    if segment.payload_len > 0 {
        counts.payload_bytes += u64::from(segment.payload_len);
        counts.largest_payload = counts.largest_payload.max(segment.payload_len);
        counts.data_packets += 1;
    }
}
