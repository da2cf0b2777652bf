//! Which connections leave when there is no room for more, and which are kept as little because they are over: the longest closed
//! leave first, then those that have been idle for longest. All of it takes constant time over many.

use super::{Kept, Slot, Store};
use crate::tracking::connection::{Connection, TIME_WAIT};
use crate::tracking::first_bytes;
use crate::tracking::lone::Lone;
use crate::tracking::measurements::Measures;
use crate::tracking::past::Past;
use crate::tracking::sent_log::SentLog;
use crate::tracking::slab::CHUNK;
use crate::tracking::slot::Packed;
use crate::utils::time::Timestamp;
use hashbrown::HashSet;
use std::collections::VecDeque;

/// For how many memory is asked for at once before they leave.
const AT_ONCE: usize = 16;
/// How many of those that closed are looked at for each connection that begins: more than one, to keep up.
const LOOKS: usize = 2;

/// A connection that left.
#[derive(Debug)]
pub enum Left {
    /// A whole one.
    Full(Box<Connection>),
    /// One of a SYN alone, and whether it is to be measured.
    Lone(Lone, Measures),
}

impl Left {
    /// The connection.
    pub fn into_connection(self) -> Connection {
        match self {
            Left::Full(connection) => *connection,
            Left::Lone(lone, measures) => lone.connection(&mut SentLog::default(), measures),
        }
    }
}

/// Connections in the order in which they may leave, by slot and number: a slot may hold another one by now. What such entries stand
/// for is found out when they come up.
#[derive(Debug, Default)]
pub struct Queues {
    /// Those that are over, the longest closed first.
    over: VecDeque<(Slot, u64)>,
    /// Those that closed, in that order.
    closed: VecDeque<(Slot, u64)>,
    /// All, in the order in which they were last found to be idle, and when.
    idle: VecDeque<(Slot, u64, Timestamp)>,
}

impl Queues {
    /// Octets of memory they take.
    pub fn memory(&self) -> usize {
        (self.over.capacity() + self.closed.capacity()) * size_of::<(Slot, u64)>()
            + self.idle.capacity() * size_of::<(Slot, u64, Timestamp)>()
    }

    /// Queues a connection that is new in its slot.
    pub fn note_new(&mut self, kept: &Kept, slot: Slot, id: u64, time: Timestamp) {
        tidy(&mut self.idle, kept, |&(slot, id, _)| (slot, id));
        self.idle.push_back((slot, id, time));
    }

    fn note_closed(&mut self, kept: &Kept, slot: Slot, id: u64) {
        tidy(&mut self.closed, kept, |&entry| entry);
        self.closed.push_back((slot, id));
    }

    fn note_over(&mut self, kept: &Kept, slot: Slot, id: u64) {
        tidy(&mut self.over, kept, |&entry| entry);
        self.over.push_back((slot, id));
    }
}

/// Throws out of a queue, when they have become many, the entries of connections that are elsewhere by now, as most leave by another
/// queue, and all but the first of each: one that opens and closes again and again is queued each time.
fn tidy<T>(queue: &mut VecDeque<T>, kept: &Kept, of: impl Fn(&T) -> (Slot, u64)) {
    if queue.len() > most(kept) {
        let mut seen = HashSet::with_capacity(kept.len());
        queue.retain(|entry| {
            let (slot, id) = of(entry);
            kept.holds(slot, id) && seen.insert(id)
        });
    }
}

/// How many entries a queue may have before those are thrown out that stand for nothing.
fn most(kept: &Kept) -> usize {
    4 * kept.len().max(CHUNK)
}

impl Store {
    /// A connection has closed: it may leave before those that are open.
    pub fn note_closed(&mut self, slot: u32) {
        let id = self.get(slot).id;
        self.queues.note_closed(&self.kept, Slot::Full(slot), id);
    }

    /// Before a connection begins at `now`: those that have been closed for long are kept as little, and at the limit one leaves.
    pub fn make_room(&mut self, now: Timestamp, log: &mut SentLog) {
        if !self.queues.closed.is_empty() {
            (0..LOOKS).for_each(|_| self.let_rest(now, log));
        }
        if self.len() >= self.limit {
            self.evict(log);
        }
    }

    /// Looks at the connection that closed first: once it has been closed for as long as TIME_WAIT lasts, it is over.
    fn let_rest(&mut self, now: Timestamp, log: &mut SentLog) {
        let Some(&(slot, id)) = self.queues.closed.front() else {
            return;
        };
        let Slot::Full(place) = slot else { return };
        let held = self.held_mut(place, id).filter(|held| held.is_closed());
        let due = held.is_none_or(|held| now.since(held.last) >= TIME_WAIT);
        self.queues.closed.pop_front();
        if !due {
            // Something may have come since it closed; then others are due before it.
            self.queues.closed.push_back((slot, id));
        } else if self.holds_closed(slot, id) {
            self.rest(place, id, log);
        }
    }

    /// Keeps a connection that is over as little as it can be kept.
    fn rest(&mut self, slot: u32, id: u64, log: &mut SentLog) {
        let connection = self.get_mut(slot);
        first_bytes::give_up(connection);
        let over = match Past::of(connection) {
            None => Slot::Full(slot),
            Some(past) => {
                let hash = self.hasher.hash(past.client, past.server);
                let over = Slot::Past(self.kept.past.insert(past));
                self.point_elsewhere(hash, Slot::Full(slot), over);
                self.release(slot, log);
                over
            }
        };
        self.queues.note_over(&self.kept, over, id);
    }

    /// Takes a whole connection out of its slot, and its transmissions out of the log.
    fn release(&mut self, slot: u32, log: &mut SentLog) -> Option<Connection> {
        for flow in &mut self.get_mut(slot).flows.0 {
            flow.stream.release(log);
        }
        self.kept.full.take(slot)
    }

    /// Makes the longest closed leave, or else the one that has been idle for longest, as far as is known. An entry whose connection
    /// was active since it was queued goes to the end of the queue.
    fn evict(&mut self, log: &mut SentLog) {
        while let Some((slot, id)) = self.queues.over.pop_front() {
            if self.holds_closed(slot, id) {
                return self.remove(slot, log);
            }
        }
        while let Some((slot, id)) = self.queues.closed.pop_front() {
            if self.holds_closed(slot, id) {
                return self.remove(slot, log);
            }
        }
        if self.evicted.is_multiple_of(AT_ONCE as u64) {
            self.fetch_those_that_leave_next();
        }
        while let Some((slot, id, seen)) = self.queues.idle.pop_front() {
            match self.kept.stamp(slot) {
                Some((held, last)) if held == id && last > seen => {
                    self.queues.idle.push_back((slot, id, last));
                }
                Some((held, _)) if held == id => return self.remove(slot, log),
                _ => {}
            }
        }
    }

    /// Whether a slot holds the connection with this number, and that is closed.
    fn holds_closed(&self, slot: Slot, id: u64) -> bool {
        self.kept.holds(slot, id)
            && match slot {
                Slot::Full(slot) => self.get(slot).is_closed(),
                Slot::Lone(_) => false,
                Slot::Past(_) => true,
            }
    }

    /// Asks for the places in the index of those that will probably leave next, and for the memory of those behind them, where the
    /// newcomers will be written: one after the other each would wait for memory by itself.
    fn fetch_those_that_leave_next(&self) {
        let lone = |&(slot, ..): &(Slot, u64, Timestamp)| match slot {
            Slot::Lone(slot) => Some(slot),
            Slot::Full(_) | Slot::Past(_) => None,
        };
        let mut idle = self.queues.idle.iter();
        for slot in idle.by_ref().take(AT_ONCE).filter_map(lone) {
            if let Some(lone) = self.kept.lone.get(slot) {
                self.index.prefetch(lone.located.hash);
            }
        }
        for slot in idle.take(AT_ONCE).filter_map(lone) {
            self.kept.lone.prefetch(slot);
        }
    }

    fn remove(&mut self, slot: Slot, log: &mut SentLog) {
        let hash = match slot {
            Slot::Full(slot) => {
                let connection = self.get(slot);
                self.hasher.hash(connection.client, connection.server)
            }
            Slot::Lone(slot) => self.lone(slot).located.hash,
            Slot::Past(slot) => {
                let past = self.past(slot);
                self.hasher.hash(past.client, past.server)
            }
        };
        self.index.remove(hash, Packed::of(slot));
        self.evicted += 1;
        let left = match slot {
            Slot::Full(slot) => {
                let full = self.release(slot, log);
                full.filter(|_| self.keeps_leaving)
                    .map(|full| Left::Full(Box::new(full)))
            }
            Slot::Lone(slot) => {
                let lone = self.kept.lone.take(slot);
                lone.filter(|_| self.keeps_leaving)
                    .map(|lone| Left::Lone(lone, self.measures))
            }
            Slot::Past(slot) => {
                let past = self.kept.past.take(slot);
                past.filter(|_| self.keeps_leaving)
                    .map(|past| Left::Full(Box::new(past.into_connection())))
            }
        };
        self.leaving.extend(left);
    }
}
