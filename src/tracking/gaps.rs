//! The gaps of a stream: octets that the capture missed although later ones passed, and those that the receiver has although it
//! misses earlier ones (RFC 2018). Most streams have neither.

use super::ranges::{Ranges, overlap};
use super::sent_log::SentLog;
use crate::utils::maybe::Maybe;
use crate::utils::time::Timestamp;
use std::ops::Range;

/// The most holes of a stream that are kept; the lowest are forgotten first, as if they had been captured.
pub const MAX_HOLES: usize = 1024;

/// Octets that the capture has not seen although later ones were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    /// First missing octet.
    pub start: i64,
    /// Behind the last missing octet.
    pub end: i64,
    /// How many octets were missing when it was opened.
    pub extent: i64,
    /// When the first segment passed that was sent later: the one behind it, or a repeat of earlier octets.
    pub opened: Timestamp,
    /// The frame of that segment.
    pub frame: u64,
    /// The timestamp value of that segment.
    pub tsval: Option<u32>,
    /// The IPv4 identification of that segment.
    pub ip_id: u16,
    /// Whether the receiver acknowledged it: it got octets that the capture did not.
    pub acknowledged: bool,
}

impl Hole {
    /// The octets that are missing.
    pub const fn range(&self) -> Range<i64> {
        self.start..self.end
    }
}

/// What only a stream with gaps, selective acknowledgments or repeats needs.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// Octets that the capture missed, lowest first.
    pub holes: Vec<Hole>,
    /// What the receiver has selectively acknowledged above its acknowledgment.
    pub sacked: Ranges,
    /// Behind the last octet that was ever sent again.
    pub repeats_end: i64,
    /// When a retransmission passed first since the highest octet: sent later, it tells of the loss of what was to follow as
    /// soon as it is acknowledged (RFC 8985 §6.2).
    pub repeat_since: Maybe<Timestamp>,
}

impl Gaps {
    /// Octets of memory they take, themselves included.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.holes.capacity() * size_of::<Hole>() + self.sacked.memory()
    }

    /// Holes and ranges that are kept apart.
    pub fn pieces(&self) -> usize {
        self.holes.len() + self.sacked.len()
    }

    /// Takes a range out of the holes; returns how many octets that were.
    pub fn fill(&mut self, range: &Range<i64>) -> i64 {
        let holes = &mut self.holes;
        let first = holes.partition_point(|hole| hole.end <= range.start);
        let behind = holes
            .partition_point(|hole| hole.start < range.end)
            .max(first);
        let mut rest = [None, None];
        let mut filled = 0;
        for hole in &holes[first..behind] {
            filled += overlap(&hole.range(), range);
            if hole.start < range.start {
                rest[0] = Some(Hole {
                    end: range.start,
                    ..*hole
                });
            }
            if hole.end > range.end {
                rest[1] = Some(Hole {
                    start: range.end,
                    ..*hole
                });
            }
        }
        holes.splice(first..behind, rest.into_iter().flatten());
        filled
    }

    /// The receiver acknowledges everything below `offset`.
    pub fn acknowledge(&mut self, offset: i64) {
        for hole in self.holes.iter_mut().take_while(|hole| hole.end <= offset) {
            hole.acknowledged = true;
        }
        self.sacked.remove_below(offset);
    }

    /// Keeps within the bounds: the lowest give way, of which the least is still to come.
    pub fn give_way(&mut self, log: &SentLog) {
        let is_crowded = log.has_too_many_pieces();
        if self.holes.len() > MAX_HOLES || is_crowded && self.holes.len() > 1 {
            self.holes.remove(0);
        }
        if is_crowded {
            self.sacked.join_lowest();
        }
    }

    /// Gives memory back that was for many more.
    pub fn give_back(&mut self) {
        if self.holes.capacity() > 16 + 4 * self.holes.len() {
            self.holes.shrink_to(2 * self.holes.len());
        }
        self.sacked.give_back();
    }
}
