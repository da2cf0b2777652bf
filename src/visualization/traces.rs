//! Which connections the graphs are about, and their traces, in bounded memory.
//!
//! Which connections will be the largest is known only at the end. So every connection is traced, until there is more than a
//! graph could need: then the traces of the smallest go. A connection that grows large after that begins late in its graph, and
//! says so.

use super::trace::{ConnectionTrace, Window};
use crate::tracking::{Connection, Event};
use std::collections::{HashMap, HashSet};

/// Octets that all traces together take at most, beyond the wanted number of the largest.
const MOST_MEMORY: usize = 128 << 20;
/// Connections that were let go and whose numbers are kept, at most.
const MOST_LET_GO: usize = 1_500_000;

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
    traces: HashMap<u64, Kept>,
    let_go: HashSet<u64>,
    /// Octets that the traces take, by their own account.
    memory: usize,
    /// Beyond this many octets room is made.
    limit: usize,
    most_memory: usize,
}

/// A trace and the memory it took when that was last counted. In a box: a table of large things takes twice their room.
#[derive(Debug)]
struct Kept {
    trace: Box<ConnectionTrace>,
    counted: usize,
}

impl Traces {
    /// No traces yet.
    pub fn new(choice: Choice) -> Self {
        Self::within(choice, MOST_MEMORY)
    }

    fn within(choice: Choice, most_memory: usize) -> Self {
        Self {
            choice,
            window: Window::default(),
            traces: HashMap::new(),
            let_go: HashSet::new(),
            memory: 0,
            limit: most_memory,
            most_memory,
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
        let kept = self.traces.entry(id).or_insert_with(|| Kept {
            trace: Box::new(ConnectionTrace {
                id,
                begins_late: self.let_go.remove(&id).then_some(event.segment.frame),
                ..ConnectionTrace::default()
            }),
            counted: 0,
        });
        kept.trace.observe(event, self.window);
        self.memory += kept.grown();
        if self.memory > self.limit {
            self.make_room();
        }
    }

    /// A connection leaves the tracking to make room: if it is traced, what is known of it is kept with the trace.
    pub fn closed(&mut self, connection: &Connection) {
        if let Some(kept) = self.traces.get_mut(&connection.id) {
            kept.trace.left = Some(Box::new(connection.clone()));
            self.memory += kept.grown();
        }
    }

    /// Lets the smallest go.
    #[cold]
    fn make_room(&mut self) {
        let Choice::Largest(number) = self.choice else {
            self.limit = usize::MAX;
            return;
        };
        // What grew was counted; what became smaller was not.
        self.memory = self.traces.values_mut().map(Kept::count).sum();
        let mut by_size: Vec<_> = self
            .traces
            .iter()
            .map(|(&id, kept)| (kept.trace.wire_bytes, id, kept.counted))
            .collect();
        by_size.sort_unstable();
        let spare = by_size.len().saturating_sub(number);
        for &(_, id, counted) in &by_size[..spare] {
            if self.memory <= self.most_memory / 2 {
                break;
            }
            self.memory -= counted;
            self.traces.remove(&id);
            self.let_go.insert(id);
        }
        // Where the wanted ones alone take more, they are not gone through again for every packet.
        self.limit = self.most_memory.max(self.memory + self.most_memory / 8);
        // Their numbers alone could fill memory, too: of the very many, the note that they begin late is given up.
        if self.let_go.len() > MOST_LET_GO {
            self.let_go.clear();
        }
    }

    /// The wanted traces, the largest first (chosen ones in the order in which they were chosen), and how many connections with
    /// packets in the window were left out.
    pub fn chosen(&self) -> (Vec<&ConnectionTrace>, usize) {
        let in_window = |trace: &&ConnectionTrace| !trace.rungs.is_empty();
        match &self.choice {
            Choice::Ids(ids) => {
                let chosen = ids.iter().filter_map(|id| self.traces.get(id));
                let chosen = chosen.map(|kept| &*kept.trace);
                (chosen.filter(in_window).collect(), 0)
            }
            Choice::Largest(number) => {
                let traces = self.traces.values().map(|kept| &*kept.trace);
                let mut all: Vec<_> = traces.filter(in_window).collect();
                all.sort_by_key(|trace| (std::cmp::Reverse(trace.wire_bytes), trace.id));
                let left_out = all.len().saturating_sub(*number) + self.let_go.len();
                all.truncate(*number);
                (all, left_out)
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.traces.is_empty()
    }
}

impl Kept {
    /// Counts anew, and returns how many octets it takes.
    fn count(&mut self) -> usize {
        self.counted = self.trace.memory();
        self.counted
    }

    /// How many octets more it takes than when that was last counted.
    fn grown(&mut self) -> usize {
        let before = self.counted;
        self.counted = self.trace.memory().max(before);
        self.counted - before
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
        let most = 2_000_000;
        let mut traces = Traces::within(Choice::Largest(2), most);
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
        let memory: usize = traces.traces.values().map(|kept| kept.trace.memory()).sum();
        assert!(memory <= most, "{memory}");
    }

    #[test]
    fn lone_segments_stay_within_the_memory_they_are_given() {
        let most = 2_000_000;
        let mut traces = Traces::within(Choice::Largest(2), most);
        observe(&mut traces, 1..=20_000);
        let kept = traces.traces.len();
        let structures = kept * size_of::<ConnectionTrace>();
        assert!(
            (100..20_000).contains(&kept) && structures <= most,
            "{kept}"
        );
        assert_eq!(kept + traces.let_go.len(), 20_000);
    }

    #[test]
    fn connections_that_left_count_and_go_with_their_traces() {
        let most = 2_000_000;
        let mut traces = Traces::within(Choice::Largest(2), most);
        let mut tracker = ConnectionTracker::new(10);
        tracker.keep_evicted();
        for port in 1..=20_000 {
            let client = Endpoint::new([10, 0, 0, 1].into(), port);
            let server = Endpoint::new([10, 0, 0, 2].into(), 80);
            let segment = Segment::example();
            let event = tracker.observe(client, server, &segment);
            traces.observe(&event);
            tracker.take_evicted().for_each(|left| traces.closed(&left));
        }
        let left = traces
            .traces
            .values()
            .filter(|kept| kept.trace.left.is_some());
        let each = size_of::<ConnectionTrace>() + size_of::<Connection>();
        let (left, each_at_least) = (left.count(), each);
        assert!(left > 100 && left * each_at_least <= most + each, "{left}");
    }

    #[test]
    fn only_chosen_connections_are_traced() {
        let mut traces = Traces::new(Choice::Ids(vec![2, 0]));
        observe(&mut traces, [10, 11, 12, 10, 11].into_iter());
        let ids: Vec<_> = traces.chosen().0.iter().map(|trace| trace.id).collect();
        assert_eq!(ids, [2, 0]);
    }
}
