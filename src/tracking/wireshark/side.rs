//! What tshark remembers of one side of a stream, and the steps that record (ANALYSIS.md 4.1: J to P). The rules read it;
//! nothing here judges.

use super::analysis::{Flag, FlagSet, WindowScale};
use super::rules::{AckBeyond, Verdict};
use super::unacked::{Piece, Unacked};
use crate::analyzers::tcp::Flags;
use crate::analyzers::tcp_options::SackBlocks;
use crate::tracking::segment::Segment;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;

/// A duplicate counter of this value makes further acknowledgments of unseen octets silent (ANALYSIS.md 4.3).
pub(super) const SILENCED: u32 = u32::MAX;

/// Shifts beyond 14 count as 14 (RFC 7323 §2.3).
const MAX_SHIFT: u8 = 14;

/// One side. A sequence number of 0 means "not known", as in tshark: a rule is off when the real one happens to be 0
/// (ANALYSIS.md 3.4).
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Highest position it sent up to.
    pub highest: Seq,
    /// The frame that sent so far.
    pub highest_frame: u64,
    /// When that was.
    pub highest_time: Timestamp,
    /// The end of what the other side may acknowledge.
    pub contiguous: Seq,
    /// The acknowledgment field of its last segment, with or without the ACK flag.
    pub last_ack: Seq,
    /// When that was.
    pub last_ack_time: Timestamp,
    /// The window of its last segment before scaling; before the first one a value that no segment can have.
    pub last_window: u32,
    /// How many duplicate ACKs it has sent since the field last changed, or `SILENCED`.
    pub duplicates: u32,
    /// The frame of its last segment that changed the acknowledgment field.
    pub duplicates_of: u64,
    /// The remarks on its last segment.
    pub last_flags: FlagSet,
    /// What it sent and nobody acknowledged.
    pub unacked: Unacked,
    /// Whether its bytes in flight may be shown: not from a gap to the next acknowledgment.
    pub flight_shown: bool,
    /// Octets since its last PSH, and whether its last data segment had one.
    pub since_push: u32,
    pub pushed_last: bool,
    /// The selective acknowledgments of its last segment.
    pub sack: SackBlocks,
    /// Its window scale.
    pub scale: WindowScale,
    /// From a SYN of this side until its first ACK without one, its window is not scaled.
    pub first_ack_pending: bool,
    /// The multipath operations that were known at its last segment.
    pub multipath: u16,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            highest: Seq(0),
            highest_frame: 0,
            highest_time: Timestamp::default(),
            contiguous: Seq(0),
            last_ack: Seq(0),
            last_ack_time: Timestamp::default(),
            last_window: u32::MAX,
            duplicates: 0,
            duplicates_of: 0,
            last_flags: FlagSet::default(),
            unacked: Unacked::default(),
            flight_shown: true,
            since_push: 0,
            pushed_last: false,
            sack: SackBlocks::default(),
            scale: WindowScale::Unknown,
            first_ack_pending: false,
            multipath: 0,
        }
    }
}

/// Step P: `bytes_in_flight` and `push_bytes_sent`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    /// Octets that were sent and not acknowledged.
    pub bytes: u32,
    /// Octets since the last PSH.
    pub since_push: u32,
}

impl Side {
    /// A SYN with the known sequence number: what came behind a hole is forgotten (ANALYSIS.md 4.1, step 0).
    pub(super) fn rewind(&mut self) {
        self.highest = self.contiguous;
    }

    /// Whether this side's highest position is known.
    pub(super) fn has_sent(&self) -> bool {
        self.highest != Seq(0)
    }

    /// The right edge of the window that its last segment offers (ANALYSIS.md 4.5).
    pub(super) fn window_edge(&self) -> Seq {
        let shift = if self.first_ack_pending {
            0
        } else {
            self.scale.shift()
        };
        self.last_ack.plus(self.last_window.wrapping_shl(shift))
    }

    /// Step P, of a segment that this side just sent (ANALYSIS.md 4.14).
    pub(super) fn flight(
        &mut self,
        receiver: &Side,
        segment: &Segment,
        base: Seq,
    ) -> Option<Flight> {
        if segment.payload_len == 0 || !self.flight_shown {
            return None;
        }
        let extent = self.unacked.extent(base)?;
        let sacked = receiver.sack.as_slice().iter().fold(0, |sum: u32, block| {
            sum.wrapping_add(block.left.distance_to(block.right))
        });
        let bytes = extent.wrapping_sub(sacked);
        let since_push = self.count_push(segment);
        // More than this tshark does not believe.
        (1..2_000_000_000).contains(&bytes).then(|| Flight {
            bytes: bytes - tail(segment),
            since_push,
        })
    }

    fn count_push(&mut self, segment: &Segment) -> u32 {
        let starts_over = self.pushed_last;
        self.pushed_last = segment.flags.any(Flags::PSH);
        let before = if starts_over { 0 } else { self.since_push };
        self.since_push = before.wrapping_add(segment.payload_len);
        self.since_push
    }

    /// Step M (ANALYSIS.md 4.10).
    fn record_sequence(&mut self, segment: &Segment, is_probe: bool) {
        let mut end = segment.seq.plus(segment.payload_len);
        let tail = tail(segment);
        if (segment.payload_len > 0 || tail > 0) && self.unacked.has_room() {
            end = end.plus(tail);
            self.unacked.push(Piece {
                start: segment.seq,
                end,
                time: segment.time,
                frame: segment.frame,
            });
        }
        if is_probe {
            return;
        }
        if !self.has_sent() || end.after(self.highest) {
            self.highest = end;
            self.highest_frame = segment.frame;
            self.highest_time = segment.time;
        }
        if self.contiguous == Seq(0) || segment.seq == self.contiguous {
            self.contiguous = self.highest;
        }
    }

    /// Steps I and J: the count of duplicates (ANALYSIS.md 4.7).
    fn record_duplicates(&mut self, segment: &Segment, verdict: &Verdict) {
        if let Some(duplicate) = verdict.duplicate_ack {
            self.duplicates = duplicate.number;
        }
        if segment.ack != self.last_ack {
            self.duplicates_of = segment.frame;
            self.duplicates = 0;
        }
    }
}

/// 1 if the segment has SYN or FIN, never 2 (ANALYSIS.md 4.1).
pub(super) const fn tail(segment: &Segment) -> u32 {
    segment.flags.any(Flags::SYN.with(Flags::FIN)) as u32
}

/// Steps 1, C and I to N: remembers a segment that was judged.
pub(super) fn record(sender: &mut Side, receiver: &mut Side, segment: &Segment, verdict: &Verdict) {
    receiver.flight_shown |= segment.flags.ack();
    sender.flight_shown &= !verdict.flags.has(Flag::LostSegment);
    sender.record_duplicates(segment, verdict);
    match verdict.ack_beyond {
        Some(AckBeyond::Hole) => receiver.contiguous = receiver.highest,
        Some(AckBeyond::Highest) => receiver.duplicates = SILENCED,
        None => {}
    }
    sender.record_sequence(segment, verdict.flags.has(Flag::ZeroWindowProbe));
    sender.last_window = u32::from(segment.window);
    sender.last_ack = segment.ack;
    sender.last_ack_time = segment.time;
    sender.last_flags = verdict.flags;
}

/// Behind step P: scale, selective acknowledgments, and whether the first ACK is still to come (ANALYSIS.md 3.5). Of a header
/// that was cut no option was read, so even a SYN leaves the scale as it was.
pub(super) fn record_options(
    sender: &mut Side,
    receiver: &mut Side,
    segment: &Segment,
    whole: bool,
) {
    let (syn, ack) = (segment.flags.syn(), segment.flags.ack());
    sender.sack = SackBlocks::default();
    if whole {
        sender.sack = segment.options.sack;
        record_scale(sender, receiver, segment);
    }
    if syn {
        sender.first_ack_pending = true;
    } else if ack {
        sender.first_ack_pending = false;
    }
}

fn record_scale(sender: &mut Side, receiver: &mut Side, segment: &Segment) {
    if let Some(shift) = segment.options.window_scale {
        sender.scale = WindowScale::Shift(shift.min(MAX_SHIFT));
    }
    if !segment.flags.syn() {
        return;
    }
    if sender.scale == WindowScale::Unknown {
        sender.scale = WindowScale::Unused;
        receiver.scale = WindowScale::Unused;
    } else if segment.flags.ack() && receiver.scale == WindowScale::Unused {
        sender.scale = WindowScale::Unused;
    }
}
