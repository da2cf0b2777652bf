//! The ladder: a connection's segments as arrows between two hosts, with the states of both ends beside them. It is how the
//! handshake and the close are taught (RFC 9293, figures 6 to 13).
//!
//! The first segments and the last are kept, so that the ladder of a long connection shows how it opened and how it ended.

mod drawing;
mod text;

pub use drawing::{LadderDrawing, is_readable};
pub use text::write;

use crate::analyzers::tcp::Flags;
use crate::tracking::state::State;
use crate::tracking::{Direction, Event, PerDirection, Verdicts};
use crate::utils::time::Timestamp;
use std::collections::VecDeque;

/// One segment of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// Its frame.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Which way it went.
    pub direction: Direction,
    /// Its flags.
    pub flags: Flags,
    /// Relative sequence number.
    pub seq: u32,
    /// Relative acknowledgment number.
    pub ack: u32,
    /// Octets of payload.
    pub len: u32,
    /// What it is called.
    pub verdicts: Verdicts,
    /// The states of both ends before it and behind it.
    pub states: [PerDirection<State>; 2],
}

impl Rung {
    /// Flags, numbers and length: `SYN,ACK seq=0 ack=1`.
    pub fn label(&self) -> String {
        let mut label = format!("{} seq={}", self.flags, self.seq);
        if self.flags.ack() {
            label.push_str(&format!(" ack={}", self.ack));
        }
        if self.len > 0 {
            label.push_str(&format!(" len={}", self.len));
        }
        label
    }

    /// The state of an end behind it, if the segment changed it (or if it is the first and so opens the ladder).
    pub fn new_state(&self, end: Direction, is_first: bool) -> Option<State> {
        let [before, behind] = [self.states[0][end], self.states[1][end]];
        (before != behind || is_first).then_some(behind)
    }
}

/// Segments that are kept from the beginning.
pub const FIRST: usize = 30;
/// Segments that are kept from the end.
pub const LAST: usize = 10;

/// The first and the last segments of a connection.
#[derive(Clone, Debug, Default)]
pub struct Rungs {
    first: Vec<Rung>,
    last: VecDeque<Rung>,
    total: u64,
}

impl Rungs {
    /// Takes in a segment.
    pub fn observe(&mut self, event: &Event<'_>) {
        self.push(Rung {
            frame: event.segment.frame,
            time: event.segment.time,
            direction: event.direction,
            flags: event.segment.flags,
            seq: event.relative_seq(),
            ack: event.relative_ack(),
            len: event.segment.payload_len,
            verdicts: event.judgement.verdicts,
            states: [event.states_before(), event.connection.states],
        });
    }

    pub(super) fn push(&mut self, rung: Rung) {
        self.total += 1;
        if self.first.len() < FIRST {
            self.first.push(rung);
            return;
        }
        if self.last.len() >= LAST {
            self.last.pop_front();
        }
        self.last.push_back(rung);
    }

    /// The first segments.
    pub fn first(&self) -> &[Rung] {
        &self.first
    }

    /// The last ones, and how many between are left out.
    pub fn last(&self) -> (impl Iterator<Item = &Rung>, u64) {
        (self.last.iter(), self.total - self.len() as u64)
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.first.len() + self.last.len()
    }

    /// Memory beside the rungs themselves, in octets.
    pub fn memory(&self) -> usize {
        (self.first.capacity() + self.last.capacity()) * size_of::<Rung>()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A rung for tests.
    pub fn rung(frame: u64, direction: Direction, flags: Flags) -> Rung {
        let states = PerDirection([State::Established; 2]);
        Rung {
            frame,
            time: Timestamp::from_nanos(frame as i64 * 1_000_000),
            direction,
            flags,
            seq: frame as u32,
            ack: 1,
            len: 0,
            verdicts: Verdicts::default(),
            states: [states, states],
        }
    }

    #[test]
    fn the_opening_and_the_close_of_a_long_connection_are_kept() {
        let mut rungs = Rungs::default();
        (1..=1000).for_each(|frame| rungs.push(rung(frame, Direction::ToServer, Flags::ACK)));
        let (last, left_out) = rungs.last();
        let last: Vec<_> = last.map(|rung| rung.frame).collect();
        assert_eq!(
            (rungs.first()[0].frame, last.last(), left_out),
            (1, Some(&1000), 960)
        );
        assert_eq!(rungs.len(), FIRST + LAST);
    }

    #[test]
    fn a_label_says_what_the_header_says() {
        let mut rung = rung(7, Direction::ToServer, Flags::SYN);
        assert_eq!(rung.label(), "SYN seq=7");
        (rung.flags, rung.len) = (Flags::PSH.with(Flags::ACK), 100);
        assert_eq!(rung.label(), format!("{} seq=7 ack=1 len=100", rung.flags));
    }
}
