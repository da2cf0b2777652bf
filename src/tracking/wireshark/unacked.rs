//! The pieces a side has sent that nobody acknowledged: Wireshark's list of unacknowledged segments, at most 10,000 of them
//! (ANALYSIS.md 4.10).

use super::analysis::Acknowledged;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;

/// Where tshark stops to remember.
const LIMIT: usize = 10_000;

/// One segment, or what is left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// Its first octet.
    pub start: Seq,
    /// The position behind its last.
    pub end: Seq,
    /// When it was sent.
    pub time: Timestamp,
    /// The frame that carried it.
    pub frame: u64,
}

/// The list, in the order of sending.
#[derive(Clone, Debug, Default)]
pub(super) struct Unacked {
    pieces: Vec<Piece>,
    extent: Option<Extent>,
}

/// From the lowest start to the highest end, both relative to a base. Kept so that a list that only grows, as in a capture of
/// one direction, is not read through for each segment.
#[derive(Clone, Copy, Debug)]
struct Extent {
    base: Seq,
    lowest: u32,
    highest: u32,
}

impl Extent {
    fn with(self, piece: &Piece) -> Extent {
        Extent {
            lowest: self.lowest.min(self.base.distance_to(piece.start)),
            highest: self.highest.max(self.base.distance_to(piece.end)),
            ..self
        }
    }
}

impl Unacked {
    /// Whether there is room for one more.
    pub(super) fn has_room(&self) -> bool {
        self.pieces.len() < LIMIT
    }

    /// Adds a piece; without room it is forgotten.
    pub(super) fn push(&mut self, piece: Piece) {
        if self.has_room() {
            self.pieces.push(piece);
            self.extent = self.extent.map(|extent| extent.with(&piece));
        }
    }

    /// The piece that has waited longest.
    pub(super) fn oldest(&self) -> Option<&Piece> {
        self.pieces.first()
    }

    /// Step O: takes out what this number acknowledges, and says which frame it is credited to: of several that end there
    /// the oldest, so a retransmitted one is timed from its first copy (ANALYSIS.md 4.12).
    pub(super) fn acknowledge(&mut self, ack: Seq, now: Timestamp) -> Option<Acknowledged> {
        let mut credited = None;
        let mut changed = false;
        self.pieces.retain_mut(|piece| {
            if ack == piece.end {
                credited.get_or_insert(*piece);
                return false;
            }
            if ack.after(piece.start) && !ack.after(piece.end) {
                piece.start = ack;
                changed = true;
                return true;
            }
            let keep = piece.end.after(ack);
            changed |= !keep;
            keep
        });
        if changed || credited.is_some() {
            self.extent = None;
        }
        credited.map(|piece| Acknowledged {
            frame: piece.frame,
            rtt: Some(now.since(piece.time)).filter(|&nanos| nanos != 0),
        })
    }

    /// Octets from the lowest start to the highest end, compared without wrap relative to the base; `None` of an empty list.
    pub(super) fn extent(&mut self, base: Seq) -> Option<u32> {
        let first = self.pieces.first()?;
        let extent = self
            .extent
            .filter(|extent| extent.base == base)
            .unwrap_or_else(|| {
                let start = Extent {
                    base,
                    lowest: base.distance_to(first.start),
                    highest: base.distance_to(first.end),
                };
                self.pieces.iter().fold(start, Extent::with)
            });
        self.extent = Some(extent);
        Some(extent.highest.wrapping_sub(extent.lowest))
    }
}
