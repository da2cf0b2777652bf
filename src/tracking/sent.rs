//! A transmission: what is kept of a segment that carried octets until they are acknowledged, and for a while longer, because
//! later evidence may be about it; and what an acknowledgment says of those it covers.

use super::segment::Place;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;
use std::ops::Range;

/// One transmission of some octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// First octet.
    pub start: i64,
    /// Behind the last octet.
    pub end: i64,
    /// The frame that carried it.
    pub frame: u64,
    /// When it passed.
    pub time: Timestamp,
    /// The first transmission of these octets: frame and time. Its own, if it was the first.
    pub first: (u64, Timestamp),
    /// What its sender acknowledged with it, raw.
    pub ack: Seq,
    /// The raw window it offered.
    pub window: u16,
    /// Its IPv4 identification; 0 where there is none.
    pub ip_id: u16,
    /// Its timestamp value, if it had one.
    pub tsval: Option<u32>,
    /// Time to live or hop limit of its IP header.
    pub hops_left: u8,
    /// Where it was seen.
    pub place: Place,
    /// How many transmissions of these octets came before it.
    pub repeats: u16,
    /// Whether octets of it were sent again later: its acknowledgment times nothing (Karn, RFC 6298 §3).
    pub sent_again: bool,
    /// Whether it is known to have been a needless repeat.
    pub spurious: bool,
    /// Whether all its octets had been acknowledged when it passed: no acknowledgment behind it is for it.
    pub acknowledged_before: bool,
}

impl Sent {
    /// The octets it carried.
    pub const fn range(&self) -> Range<i64> {
        self.start..self.end
    }
}

/// What an acknowledgment covers that was not acknowledged before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acknowledged {
    /// When the last of the transmissions passed; `None` if one of them was a repeat or was repeated: then the acknowledgment
    /// times nothing (Karn, RFC 6298 §3).
    pub timed: Option<Timestamp>,
    /// How many transmissions it covers.
    pub segments: u32,
    /// When the last transmission of the highest octets among them passed.
    pub last: Option<Timestamp>,
    /// How many octets that one carried.
    pub last_len: u32,
    /// Whether that one was a repeat or was repeated.
    pub last_repeated: bool,
    last_end: i64,
    repeated: bool,
}

impl Acknowledged {
    /// Covers another transmission, later than those before it.
    pub(super) fn take(&mut self, sent: &Sent) {
        if sent.acknowledged_before {
            return;
        }
        let repeated = sent.repeats > 0 || sent.sent_again;
        self.repeated |= repeated;
        self.timed = (!self.repeated).then_some(sent.time);
        self.segments += 1;
        if sent.end < self.last_end {
            return;
        }
        (self.last, self.last_end, self.last_repeated) = (Some(sent.time), sent.end, repeated);
        self.last_len = u32::try_from(sent.end - sent.start).unwrap_or(u32::MAX);
    }
}
