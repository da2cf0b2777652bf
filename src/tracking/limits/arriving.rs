//! What the receiver says is on its way from the observer to the sender for a while; until then the sender cannot know it.

use super::{Heard, Path};
use crate::utils::time::{NANOS_PER_MILLI, Timestamp};
use std::collections::VecDeque;

/// The most that is kept on its way; beyond that the latest are taken together.
const MOST: usize = 128;

/// What was said, and when an answer to it can pass here at the earliest.
#[derive(Clone, Copy, Debug)]
struct Said {
    due: Timestamp,
    acknowledged: i64,
    edge: i64,
    is_progress: bool,
    has_data: bool,
}

/// What the sender of a direction knows, and what is on its way to it.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// The highest acknowledgment that the sender knows.
    pub known: i64,
    /// The right edge of the window that it knew for certain before what may have made it send; `None` before there was one.
    pub edge_before: Option<i64>,
    edge: Option<i64>,
    /// When it last learned that something arrived.
    pub progress: Option<Timestamp>,
    /// When it learned that everything had arrived, and whether that came with data of the other side.
    pub all_at: Timestamp,
    pub was_answer: bool,
    /// The latest that passed: acknowledgment and edge.
    passed: (i64, i64),
    waiting: VecDeque<Said>,
}

impl Arriving {
    /// A sender that knows everything up to `known` to be acknowledged, and the window's edge.
    pub fn new(known: i64, edge: Option<i64>, time: Timestamp) -> Self {
        Self {
            known,
            edge_before: edge,
            edge,
            progress: None,
            all_at: time,
            was_answer: false,
            passed: (known, edge.unwrap_or(i64::MIN)),
            waiting: VecDeque::new(),
        }
    }

    /// Something passes the observer on its way to the sender.
    pub fn pass(&mut self, heard: &Heard) {
        // Data of the other side that say nothing new of these.
        if !heard.is_progress && self.passed == (heard.acknowledged, heard.edge) {
            return;
        }
        self.passed = (heard.acknowledged, heard.edge);
        let said = Said {
            due: heard.time.plus(heard.path.sender_round_trip),
            acknowledged: heard.acknowledged,
            edge: heard.edge,
            is_progress: heard.is_progress,
            has_data: heard.has_data,
        };
        let is_full = self.waiting.len() >= MOST;
        match self.waiting.back_mut() {
            Some(latest) if is_full || said.due.since(latest.due) < together(heard.path) => {
                if is_full {
                    latest.due = latest.due.max(said.due);
                }
                latest.acknowledged = latest.acknowledged.max(said.acknowledged);
                latest.edge = latest.edge.max(said.edge);
                latest.is_progress |= said.is_progress;
                latest.has_data |= said.has_data;
            }
            _ => self.waiting.push_back(said),
        }
    }

    /// What the sender knows at `time`, give or take `slack`, when its octets end at `end`.
    pub fn arrive(&mut self, time: Timestamp, slack: i64, end: i64) {
        self.edge_before = self.edge;
        while let Some(said) = self
            .waiting
            .pop_front_if(|said| said.due <= time.plus(slack))
        {
            if said.due < time.plus(-slack) {
                self.edge_before = Some(said.edge);
            }
            if said.is_progress {
                self.progress = Some(said.due);
            }
            if said.acknowledged >= end && self.known < end {
                self.all_at = said.due;
                self.was_answer = said.has_data;
            }
            self.known = self.known.max(said.acknowledged);
            self.edge = Some(said.edge);
        }
    }

    /// Octets of memory it takes beside its own size.
    pub fn memory(&self) -> usize {
        self.waiting.capacity() * size_of::<Said>()
    }
}

/// What comes within so many nanoseconds is taken for one: far below what any rule asks for.
fn together(path: Path) -> i64 {
    (NANOS_PER_MILLI / 20).max(path.sender_round_trip / 64)
}
