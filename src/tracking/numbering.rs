//! Relative sequence numbers and the rule for when a SYN starts a new stream, both as tshark has them.

use super::direction::{Direction, PerDirection};
use super::segment::{Header, Segment};
use crate::utils::seq::Seq;

/// Relative numbers of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relative {
    /// Sequence number relative to the sender's base.
    pub seq: u32,
    /// Acknowledgment number relative to the receiver's base; the raw field without the ACK flag.
    pub ack: u32,
}

/// The bases of both directions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbering {
    bases: PerDirection<Option<Seq>>,
}

impl Numbering {
    /// Whether this segment opens another stream on the same ports.
    pub fn starts_new_stream(&self, direction: Direction, segment: &Segment) -> bool {
        segment.flags.syn()
            && !segment.flags.ack()
            && self.bases[direction].is_some_and(|base| base != segment.seq)
    }

    /// Where a side's numbers start; `None` while neither it nor an acknowledgment of the other side has told.
    pub fn base(&self, direction: Direction) -> Option<Seq> {
        self.bases[direction]
    }

    /// Sets the bases of the client's and the server's numbers.
    pub(super) fn set(&mut self, bases: [Option<Seq>; 2]) {
        self.bases = PerDirection(bases);
    }

    /// Whether this is a SYN+ACK with another sequence number than its sender's known one: the base moves in the middle of
    /// the stream, and Wireshark remarks it.
    pub fn moves_base(&self, direction: Direction, segment: &Segment) -> bool {
        segment.flags.syn()
            && segment.flags.ack()
            && self.bases[direction].is_some_and(|base| base != segment.seq)
    }

    /// Numbers a segment and remembers the bases it sets: its sender's own is the number of a SYN, or one below that of
    /// anything else; the other side's is one below the acknowledgment, if that side has not told itself (ANALYSIS.md 3.2). A
    /// header that claims to be longer than the packet is shown with its raw numbers and tells nothing, but for a SYN+ACK that
    /// moves a known base.
    pub fn observe(&mut self, direction: Direction, segment: &Segment) -> Relative {
        let raw = Relative {
            seq: segment.seq.0,
            ack: segment.ack.0,
        };
        let moves_base = self.moves_base(direction, segment);
        let (sender, receiver) = self.bases.pair_mut(direction);
        if moves_base {
            *sender = Some(segment.seq);
        }
        if segment.header == Header::TooLong {
            return raw;
        }
        let own = *sender.get_or_insert(if segment.flags.syn() {
            segment.seq
        } else {
            segment.seq.minus(1)
        });
        let seq = own.distance_to(segment.seq);
        if !segment.flags.ack() {
            return Relative { seq, ..raw };
        }
        let other = *receiver.get_or_insert(segment.ack.minus(1));
        Relative {
            seq,
            ack: other.distance_to(segment.ack),
        }
    }
}
