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
/// Packets between two looks at how much there is.
const LOOK_EVERY: u32 = 4096;

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
    until_look: u32,
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
            self.until_look = LOOK_EVERY;
            self.make_room();
        }
    }

    /// Lets the smallest go if there is too much.
    fn make_room(&mut self) {
        let Choice::Largest(number) = self.choice else {
            return;
        };
        let mut sum: usize = self.traces.values().map(ConnectionTrace::weight).sum();
        if sum <= self.most_samples {
            return;
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
    }

    /// The wanted traces, the largest first (chosen ones in the order in which they were chosen), and how many connections with
    /// packets in the window were left out.
    pub fn chosen(&self) -> (Vec<&ConnectionTrace>, usize) {
        match &self.choice {
            Choice::Ids(ids) => (ids.iter().filter_map(|id| self.traces.get(id)).collect(), 0),
            Choice::Largest(number) => {
                let mut all: Vec<_> = self.traces.values().collect();
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
