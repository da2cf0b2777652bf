//! What the tracking says of one segment: handed to alerts and to every output, borrowed, with nothing formatted.

use super::connection::Connection;
use super::direction::{Direction, PerDirection};
use super::follow::{AtHand, Followed};
use super::judgement::Judgement;
use super::segment::Segment;
use super::state::State;
use super::stream::offset_of;
use std::ops::Range;

/// One segment with everything that is known of it. The connection is as it stands behind the segment.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its connection.
    pub connection: &'a Connection,
    /// Which way it went.
    pub direction: Direction,
    /// The segment itself.
    pub segment: &'a Segment,
    /// The verdicts and what they rest on.
    pub judgement: &'a Judgement,
    followed: &'a Followed,
}

impl<'a> Event<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        segment: &'a Segment,
        at_hand: &'a AtHand,
    ) -> Self {
        let AtHand {
            judgement,
            followed,
            ..
        } = at_hand;
        Self {
            connection,
            direction: followed.direction,
            segment,
            judgement,
            followed,
        }
    }

    /// Sequence number relative to the sender's first, as Wireshark counts.
    pub fn relative_seq(&self) -> u32 {
        self.followed.relative.seq
    }

    /// Acknowledgment number relative to the other side's first, as Wireshark counts; the raw field without the ACK flag.
    pub fn relative_ack(&self) -> u32 {
        self.followed.relative.ack
    }

    /// Where its first octet stands in the sender's stream, in octets that do not wrap: the SYN is at 0, data begin at 1.
    pub fn offset(&self) -> i64 {
        self.followed.position.start
    }

    /// What it acknowledges in the other side's stream, counted likewise; `None` without the ACK flag.
    pub fn ack_offset(&self) -> Option<i64> {
        self.followed.position.ack
    }

    /// The receive window it offers in bytes, scaled if the scale is known.
    pub fn window(&self) -> u64 {
        self.followed.recorded.window
    }

    /// The states of both ends before it.
    pub fn states_before(&self) -> PerDirection<State> {
        self.followed.states_before
    }

    /// Time to live or hop limit of its sender's segment before; `None` for the first.
    pub fn hops_before(&self) -> Option<u8> {
        self.followed.hops_before
    }

    /// Octets of its sender that were under way behind it and not acknowledged, as the sender knew it (ANALYSIS.md 7.3); `None` for a
    /// segment without data, and where measurements are left out.
    pub fn in_flight(&self) -> Option<u64> {
        self.followed.recorded.in_flight
    }

    /// A round-trip sample that its acknowledgment gives: nanoseconds from the observer to its sender and back.
    pub fn rtt(&self) -> Option<i64> {
        self.followed.recorded.rtt
    }
}

impl Event<'_> {
    /// The span of the sender's stream that its payload covers.
    pub fn data(&self) -> Range<i64> {
        let start = self
            .offset()
            .saturating_add(i64::from(self.segment.flags.syn()));
        start..start.saturating_add(i64::from(self.segment.payload_len))
    }

    /// The right edge of the window it offers, in the other side's stream.
    pub fn window_edge(&self) -> Option<i64> {
        self.ack_offset()
            .map(|ack| ack.saturating_add_unsigned(self.window()))
    }

    /// The spans of the other side's stream that its selective acknowledgment names.
    pub fn sack(&self) -> impl Iterator<Item = Range<i64>> + '_ {
        let base = self.connection.flow(self.direction.reverse()).stream.base();
        let near = self.ack_offset().unwrap_or(0);
        self.segment
            .options
            .sack
            .as_slice()
            .iter()
            .filter_map(move |block| {
                let offset = |seq| base.map(|base| offset_of(base, seq, near));
                Some(offset(block.left)?..offset(block.right)?)
            })
    }
}
