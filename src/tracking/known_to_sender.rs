//! What a sender knows to be acknowledged at a moment: acknowledgments that pass the observer have yet to reach it. Octets in
//! flight, as the sender counted them, follow from that.

use crate::utils::maybe::Maybe;
use crate::utils::time::Timestamp;
use std::collections::VecDeque;

/// Acknowledgments on their way from the observer to the sender of the data: what passes here reaches it half a round trip of
/// its side later, and what it sends in answer passes here after the other half (ANALYSIS.md 7.3).
#[derive(Clone, Debug, Default)]
pub struct KnownToSender {
    arrived: i64,
    /// When the first of those under way arrives, and what it acknowledges.
    first: Maybe<Timestamp>,
    first_offset: i64,
    /// The others: few paths have more than one.
    #[expect(
        clippy::box_collection,
        reason = "eight octets where there is none, and mostly there is none"
    )]
    others: Option<Box<VecDeque<(Timestamp, i64)>>>,
    /// How many others: they are a memory access away, and mostly there is none.
    waiting: u32,
}

/// The most acknowledgments kept under way; beyond that the oldest count as arrived.
const MAX_UNDER_WAY: usize = 4096;
/// Closer than this to the sender, acknowledgments count as arrived at once.
const NEAR: i64 = 1_000_000;

impl KnownToSender {
    /// An acknowledgment of everything below `offset` passes at `time`; the sender is `round_trip` nanoseconds away and back.
    pub fn pass(&mut self, offset: i64, time: Timestamp, round_trip: i64) {
        if round_trip <= NEAR {
            (self.first, self.others, self.waiting) = (Maybe::default(), None, 0);
            self.arrived = self.arrived.max(offset);
            return;
        }
        let due = time.plus(round_trip);
        if self.first.is_none() {
            (self.first, self.first_offset) = (due.into(), offset);
            return;
        }
        let others = self.others.get_or_insert_default();
        others.push_back((due, offset));
        self.waiting += 1;
        if others.len() >= MAX_UNDER_WAY {
            self.arrived = self.first_offset;
            self.next();
        }
    }

    /// What the sender of a segment that passes at `time` knew to be acknowledged.
    pub fn at(&mut self, time: Timestamp) -> i64 {
        while self.first.is_some_and(|due| due <= time) {
            self.arrived = self.arrived.max(self.first_offset);
            self.next();
        }
        self.arrived
    }

    fn next(&mut self) {
        self.first = Maybe::default();
        if self.waiting > 0
            && let Some((due, offset)) = self.others.as_mut().and_then(|others| others.pop_front())
        {
            self.waiting -= 1;
            (self.first, self.first_offset) = (due.into(), offset);
        }
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.others.as_ref().map_or(0, |others| {
            size_of::<VecDeque<(Timestamp, i64)>>()
                + others.capacity() * size_of::<(Timestamp, i64)>()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgments_reach_their_sender_in_order_and_time() {
        let mut known = KnownToSender::default();
        let time = Timestamp::from_nanos;
        for (at, offset) in [(0, 10), (1, 20), (2, 30)] {
            known.pass(offset, time(at), NEAR + 1);
        }
        let at = |known: &mut KnownToSender, nanos| known.at(time(nanos + NEAR + 1));
        assert_eq!(
            [-1, 0, 1, 1, 9].map(|nanos| at(&mut known, nanos)),
            [0, 10, 20, 20, 30]
        );
        known.pass(40, time(20), 0);
        assert_eq!(known.at(time(20)), 40);
        (0..10_000).for_each(|offset| known.pass(offset, time(30), NEAR + 1));
        assert!(
            known
                .others
                .as_ref()
                .is_some_and(|others| others.len() <= MAX_UNDER_WAY)
        );
    }
}
