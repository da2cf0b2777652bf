//! Judges the octets of a segment against what its sender had sent before.

use super::{Case, copies, lost_tail};
use crate::tracking::judgement::{Judgement, span};
use crate::tracking::verdict::Verdict;
use crate::utils::time::NANOS_PER_SECOND;

/// A jump forward by more than this, and by more than four windows, that nothing confirms belongs to another connection
/// (ANALYSIS.md 3.3).
const IMPLAUSIBLE_JUMP: i64 = 1 << 20;

/// The largest window there is: 16 bits, scaled by 14 (RFC 7323 §2.3).
const LARGEST_WINDOW: i64 = 1 << 30;

/// Judges the octets.
pub fn judge(case: &Case<'_>, judgement: &mut Judgement) {
    let stream = &case.sender.stream;
    let (start, end) = (case.position.start, case.position.end);
    if !stream.started {
        return;
    }
    if is_implausible(case) {
        judgement.verdicts.insert(Verdict::OldDuplicate);
        judgement.basis.expected = Some(stream.end);
        return;
    }
    if let Some(probe) = probe(case) {
        judgement.verdicts.insert(probe);
        if probe == Verdict::KeepAlive {
            judgement.basis.silence = case.silence();
        } else {
            judgement.basis.frame = case.receiver.latest.map(|latest| latest.segment.frame);
        }
        // An empty probe repeats nothing, and the octet of the first probe is new.
        if start == end || start >= stream.end {
            return;
        }
    }
    if start > stream.end {
        judgement.verdicts.insert(Verdict::LostSegment);
        judgement.missing = span(&(stream.end..start));
    }
    let behind_fin = stream.fin.is_some_and(|fin| end > fin + 1) && case.segment.payload_len > 0;
    if behind_fin {
        judgement.verdicts.insert(Verdict::DataAfterFin);
        judgement.basis.expected = stream.fin.get();
    }
    if start == end {
        return;
    }
    if start < stream.end {
        copies::late(case, judgement);
        judgement.lost_tail = lost_tail::found_before(case, judgement);
    } else {
        lost_tail::judge(case, judgement);
    }
}

/// A segment so far outside the window that it cannot belong to this stream as it stands.
fn is_implausible(case: &Case<'_>) -> bool {
    let stream = &case.sender.stream;
    // Without both SYNs the scale is unknown, and the window may be as large as any (RFC 7323 §2.3).
    let window = if case.sender.offer.known && case.receiver.offer.known {
        i64::from(case.receiver.windows.max)
    } else {
        LARGEST_WINDOW
    };
    let reach = IMPLAUSIBLE_JUMP.max(window.saturating_mul(4).min(LARGEST_WINDOW));
    let top = stream
        .end
        .max(stream.edge.unwrap_or(0))
        .max(stream.acknowledged.unwrap_or(0));
    let bottom = stream.acknowledged.unwrap_or(stream.end).min(stream.end);
    case.position.start > top.saturating_add(reach)
        || case.position.end < bottom.saturating_sub(reach)
}

/// Keep-alives and window probes (ANALYSIS.md 4.4, 4.6, the better rules).
fn probe(case: &Case<'_>) -> Option<Verdict> {
    let stream = &case.sender.stream;
    if !case.is_plain() || case.segment.payload_len > 1 || !case.segment.flags.ack() {
        return window_probe(case);
    }
    if case.position.start != stream.end - 1 || stream.end <= 1 && case.segment.payload_len == 1 {
        return window_probe(case);
    }
    let acknowledged = stream
        .acknowledged
        .is_some_and(|acknowledged| acknowledged >= stream.end);
    // An octet that is still missing at the receiver is a retransmission, however small.
    if !acknowledged && case.segment.payload_len == 1 {
        return window_probe(case);
    }
    if is_window_closed(case) {
        return Some(Verdict::ZeroWindowProbe);
    }
    let silent = case
        .silence()
        .is_some_and(|nanos| nanos >= NANOS_PER_SECOND);
    let repeated = case
        .sender
        .latest
        .is_some_and(|latest| latest.verdicts.has(Verdict::KeepAlive));
    (silent || repeated).then_some(Verdict::KeepAlive)
}

/// Data into a window that leaves no room for them.
fn window_probe(case: &Case<'_>) -> Option<Verdict> {
    let beyond = case
        .sender
        .stream
        .edge
        .is_some_and(|edge| case.position.start >= edge);
    let data = case.is_plain() && case.segment.payload_len > 0;
    (data && beyond && is_window_closed(case)).then_some(Verdict::ZeroWindowProbe)
}

/// Whether the receiver's latest word is that it has no room.
fn is_window_closed(case: &Case<'_>) -> bool {
    case.receiver
        .latest
        .is_some_and(|latest| latest.segment.window == 0 && !latest.segment.flags.rst())
}
