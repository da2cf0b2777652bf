//! Which connections the graphs are about, and their traces, in bounded memory.
//!
//! Which connections will be the largest is known only at the end. So every connection is traced, until there is more than a
//! graph could need: then the traces of the smallest go. A connection that grows large after that begins late in its graph, and
//! says so.

use super::trace::{ConnectionTrace, Window};
use crate::tracking::Event;
use std::collections::{HashMap, HashSet};

/// Samples and marks that are kept at most over all traces, some 40 bytes each.
const MOST_SAMPLES: usize = 1_500_000;
/// Packets between two looks at how much there is, at least.
const LOOK_EVERY: usize = 4096;
/// Samples and marks that one packet can add.
const MOST_PER_PACKET: usize = 12;

/// Which connections are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// These.
    Ids(Vec<u64>),
    /// So many, the largest by octets on the wire.
    Largest(usize),
}

/// The traces of all connections that may be wanted.
#[derive(Debug)]
pub struct Traces {
    choice: Choice,
    window: Window,
    traces: HashMap<u64, ConnectionTrace>,
    let_go: HashSet<u64>,
    until_look: usize,
    most_samples: usize,
}

impl Traces {
    /// No traces yet.
    pub fn new(choice: Choice) -> Self {
        Self {
            choice,
            window: Window::default(),
            traces: HashMap::new(),
            let_go: HashSet::new(),
            until_look: LOOK_EVERY,
            most_samples: MOST_SAMPLES,
        }
    }

    /// The part of the capture to trace from now on.
    pub fn set_window(&mut self, window: Window) {
        self.window = window;
    }

    /// Takes in an event.
    pub fn observe(&mut self, event: &Event<'_>) {
        let id = event.connection.id;
        if let Choice::Ids(ids) = &self.choice
            && !ids.contains(&id)
        {
            return;
        }
        let trace = self.traces.entry(id).or_insert_with(|| ConnectionTrace {
            id,
            begins_late: self.let_go.remove(&id).then_some(event.segment.frame),
            ..ConnectionTrace::default()
        });
        trace.observe(event, self.window);
        self.until_look -= 1;
        if self.until_look == 0 {
            let sum = self.make_room();
            self.until_look =
                (self.most_samples.saturating_sub(sum) / MOST_PER_PACKET).max(LOOK_EVERY);
        }
    }

    /// Lets the smallest go if there is too much. Returns how much is left.
    fn make_room(&mut self) -> usize {
        let Choice::Largest(number) = self.choice else {
            return 0;
        };
        let mut sum: usize = self.traces.values().map(ConnectionTrace::weight).sum();
        if sum <= self.most_samples {
            return sum;
        }
        let mut by_size: Vec<_> = self
            .traces
            .values()
            .map(|trace| (trace.wire_bytes, trace.id, trace.weight()))
            .collect();
        by_size.sort_unstable();
        let spare = by_size.len().saturating_sub(number);
        for &(_, id, weight) in &by_size[..spare] {
            if sum <= self.most_samples / 2 {
                break;
            }
            sum -= weight;
            self.traces.remove(&id);
            self.let_go.insert(id);
        }
        // Their numbers alone could fill memory, too: of the very many, the note that they begin late is given up.
        if self.let_go.len() > self.most_samples {
            self.let_go.clear();
        }
        sum
    }

    /// The wanted traces, the largest first (chosen ones in the order in which they were chosen), and how many connections with
    /// packets in the window were left out.
    pub fn chosen(&self) -> (Vec<&ConnectionTrace>, usize) {
        let in_window = |trace: &&ConnectionTrace| !trace.rungs.is_empty();
        match &self.choice {
            Choice::Ids(ids) => {
                let chosen = ids.iter().filter_map(|id| self.traces.get(id));
                (chosen.filter(in_window).collect(), 0)
            }
            Choice::Largest(number) => {
                let mut all: Vec<_> = self.traces.values().filter(in_window).collect();
                all.sort_by_key(|trace| (std::cmp::Reverse(trace.wire_bytes), trace.id));
                let left_out = all.len().saturating_sub(*number) + self.let_go.len();
                all.truncate(*number);
                (all, left_out)
            }
        }
    }

    /// Whether a connection is traced.
    pub fn is_wanted(&self, id: u64) -> bool {
        self.traces.contains_key(&id)
    }

    /// How many traces are kept.
    pub fn len(&self) -> usize {
        self.traces.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::{ConnectionTracker, Segment};
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;
    use crate::utils::time::Timestamp;

    /// Data segments of connections by port.
    fn observe(traces: &mut Traces, ports: impl Iterator<Item = u16>) {
        let mut tracker = ConnectionTracker::new(100_000);
        for (at, port) in ports.enumerate() {
            let segment = Segment {
                frame: at as u64 + 1,
                time: Timestamp::from_nanos(at as i64 * 1000),
                wire_len: 154,
                seq: Seq(at as u32 * 100),
                ack: Seq(1),
                payload_len: 100,
                ..Segment::example()
            };
            let server = Endpoint::new([10, 0, 0, 2].into(), 80);
            let event =
                tracker.observe(Endpoint::new([10, 0, 0, 1].into(), port), server, &segment);
            traces.observe(&event);
        }
    }

    #[test]
    fn the_largest_are_kept_and_the_others_counted() {
        let mut traces = Traces::new(Choice::Largest(2));
        traces.most_samples = 20_000;
        // Connection 1 (port 1) has a packet in every ten, each other port a few.
        observe(
            &mut traces,
            (0..60_000u32).map(|at| {
                if at % 10 == 3 {
                    1
                } else {
                    100 + (at % 9_973) as u16
                }
            }),
        );
        let (chosen, left_out) = traces.chosen();
        assert_eq!((chosen.len(), chosen[0].wire_bytes), (2, 6000 * 154));
        assert!(chosen[0].begins_late.is_none());
        assert_eq!(left_out + 2, 9_973 + 1);
        let weight: usize = traces.traces.values().map(ConnectionTrace::weight).sum();
        assert!(
            weight <= 20_000 + LOOK_EVERY * MOST_PER_PACKET * 4,
            "{weight}"
        );
    }

    #[test]
    fn only_chosen_connections_are_traced() {
        let mut traces = Traces::new(Choice::Ids(vec![2, 0]));
        observe(&mut traces, [10, 11, 12, 10, 11].into_iter());
        let ids: Vec<_> = traces.chosen().0.iter().map(|trace| trace.id).collect();
        assert_eq!(ids, [2, 0]);
    }
}
