//! Where connections are kept: found by their endpoints, at most so many at a time.
//!
//! Those of which only a SYN was seen are kept apart, as that SYN ([`Lone`]). The index holds slot numbers; its keys have no direction,
//! so that both directions find the same connection.

use super::connection::Connection;
use super::connection_tracker::TrackerMemory;
use super::glance::Glance;
use super::lone::Lone;
use super::pair_hash::{PairHash, PairHasher};
use super::sent_log::SentLog;
use super::slab::{CHUNK, Slab};
pub use super::slot::{Key, Slot};
use super::slot::{LONE, Packed};
use crate::utils::addressing::Endpoint;
use crate::utils::time::Timestamp;
use hashbrown::HashTable;
use std::borrow::Cow;
use std::collections::VecDeque;

/// The connections that are kept.
#[derive(Debug)]
pub struct Store {
    full: Slab<Connection>,
    lone: Slab<Lone>,
    index: HashTable<Entry>,
    hasher: PairHasher,
    limit: usize,
    /// Slots of connections in the order in which they closed, with their numbers: a slot may hold another one by now.
    closed: VecDeque<(u32, u64)>,
    /// Slots in the order in which they were last found to be idle, with number and time.
    idle: VecDeque<(Slot, u64, Timestamp)>,
    evicted: u64,
    /// The most that were kept at once.
    peak: usize,
    /// Whether connections are measured for those who look at them closely.
    measures: bool,
    /// Whether those that leave are kept until they are taken.
    keeps_leaving: bool,
    leaving: Vec<Left>,
    /// Changes whenever what was found before may not be what is found now.
    epoch: u64,
}

/// How many are looked up at once before they leave.
const AT_ONCE: usize = 16;

/// A connection that left.
#[derive(Debug)]
pub enum Left {
    /// A whole one.
    Full(Box<Connection>),
    /// One of a SYN alone, and whether it is to be measured.
    Lone(Lone, bool),
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

/// Where a connection is, with the number of its endpoints: a look-up mostly knows by it alone.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: PairHash,
    slot: Packed,
}

/// What was found ahead of time: it holds while the epoch does and the slot holds a connection between the same endpoints.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    slot: Packed,
    epoch: u64,
}

impl Store {
    /// An empty store for at most `limit` connections, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            full: Slab::default(),
            lone: Slab::default(),
            index: HashTable::new(),
            hasher: PairHasher::default(),
            epoch: 0,
            limit: limit.clamp(1, LONE as usize - 1),
            closed: VecDeque::new(),
            idle: VecDeque::new(),
            evicted: 0,
            peak: 0,
            measures: true,
            keeps_leaving: false,
            leaving: Vec::new(),
        }
    }

    /// How many connections are kept.
    pub fn len(&self) -> usize {
        self.full.len() + self.lone.len()
    }

    /// How many left because of the limit.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Where the memory is, but for the log of transmissions.
    pub fn memory(&self) -> TrackerMemory {
        let index = self.index.allocation_size();
        let (full, lone) = (size_of::<Option<Connection>>(), size_of::<Option<Lone>>());
        TrackerMemory {
            kept: self.len(),
            peak: self.peak,
            connections: self.full.len() * full + self.lone.len() * lone,
            index,
            beside: self.full.iter().map(|(_, full)| full.memory()).sum(),
            reserved: self.full.reserved()
                + self.lone.reserved()
                + index
                + self.closed.capacity() * size_of::<(u32, u64)>()
                + self.idle.capacity() * size_of::<(Slot, u64, Timestamp)>(),
            log: 0,
        }
    }

    /// Keeps those that leave from now on until they are taken.
    pub fn keep_leaving(&mut self) {
        self.keeps_leaving = true;
    }

    /// Measures no connection from now on.
    pub fn leave_out_measurements(&mut self) {
        self.measures = false;
    }

    /// Whether connections are measured.
    pub fn measures(&self) -> bool {
        self.measures
    }

    /// Whether any left since they were last taken.
    pub fn has_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Those that left since the last call.
    pub fn take_leaving(&mut self) -> impl Iterator<Item = Left> + '_ {
        self.leaving.drain(..)
    }

    /// The number of a pair.
    pub fn hash(&self, a: Endpoint, b: Endpoint) -> PairHash {
        self.hasher.hash(a, b)
    }

    /// What makes the numbers of pairs.
    pub fn hasher(&self) -> PairHasher {
        self.hasher.clone()
    }

    /// The latest connection between two endpoints, whichever of them is the client; `ahead` is what [`Store::look_ahead`]
    /// found.
    pub fn find(
        &self,
        hash: PairHash,
        a: Endpoint,
        b: Endpoint,
        ahead: Option<Found>,
    ) -> Option<Slot> {
        if let Some(found) = ahead
            && found.epoch == self.epoch
            && self.is_between(found.slot, a, b)
        {
            return Some(found.slot.get());
        }
        self.index
            .find(hash.wide(), |entry| {
                entry.hash == hash && self.is_between(entry.slot, a, b)
            })
            .map(|entry| entry.slot.get())
    }

    fn is_between(&self, slot: Packed, a: Endpoint, b: Endpoint) -> bool {
        is_between(&self.full, &self.lone, slot, a, b)
    }

    /// The slot that probably holds the connection of a pair, without a look at the connection.
    pub fn look_ahead(&self, hash: PairHash) -> Option<Found> {
        let entry = self.index.find(hash.wide(), |entry| entry.hash == hash)?;
        Some(Found {
            slot: entry.slot,
            epoch: self.epoch,
        })
    }

    /// Asks for the memory of what was found ahead.
    pub fn prefetch(&self, found: Found) {
        match found.slot.get() {
            Slot::Full(slot) => self.full.prefetch(slot),
            Slot::Lone(slot) => self.lone.prefetch(slot),
        }
    }

    /// Asks for the memory beside it, when it should have arrived itself.
    pub fn prefetch_beside(&self, found: Found, log: &SentLog) {
        if let Slot::Full(slot) = found.slot.get()
            && let Some(connection) = self.full.get(slot)
        {
            connection.prefetch_beside(log);
        }
    }

    /// Asks for the memory beside that.
    pub fn prefetch_far(&self, found: Found) {
        if let Slot::Full(slot) = found.slot.get()
            && let Some(connection) = self.full.get(slot)
        {
            connection.prefetch_far();
        }
    }

    /// The whole connection in a slot that was found or inserted.
    pub fn get(&self, slot: u32) -> &Connection {
        self.full.get(slot).expect(HELD)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: u32) -> &mut Connection {
        self.full.get_mut(slot).expect(HELD)
    }

    /// The connection of one SYN in a slot that was found.
    pub fn lone(&self, slot: u32) -> &Lone {
        self.lone.get(slot).expect(HELD)
    }

    /// The number of the connection in a slot that was found.
    pub fn id_of(&self, slot: Slot) -> u64 {
        match slot {
            Slot::Full(slot) => self.get(slot).id,
            Slot::Lone(slot) => self.lone(slot).id,
        }
    }

    /// At the limit, makes a connection leave.
    pub fn make_room(&mut self, log: &mut SentLog) {
        if self.len() >= self.limit {
            self.evict(log);
        }
    }

    /// Keeps a connection and returns its slot. An earlier one between the same endpoints is not found any more, but kept.
    pub fn insert(&mut self, hash: PairHash, connection: Connection) -> u32 {
        let (a, b) = (connection.client, connection.server);
        let stamp = (connection.id, connection.last);
        let slot = self.full.insert(connection);
        self.point(hash, (a, b), Slot::Full(slot), stamp);
        slot
    }

    /// The same for one of a SYN alone.
    pub fn insert_lone(&mut self, lone: Lone) {
        let (hash, a, b) = (
            lone.located.hash,
            lone.located.sender,
            lone.located.receiver,
        );
        let stamp = (lone.id, lone.located.segment.time);
        let slot = self.lone.insert(lone);
        self.point(hash, (a, b), Slot::Lone(slot), stamp);
    }

    /// Lets the index point to a new slot.
    fn point(
        &mut self,
        hash: PairHash,
        (a, b): (Endpoint, Endpoint),
        slot: Slot,
        (id, time): (u64, Timestamp),
    ) {
        let packed = Packed::of(slot);
        let Self {
            index, full, lone, ..
        } = self;
        let same = |other: &Entry| other.hash == hash && is_between(full, lone, other.slot, a, b);
        match index.find_mut(hash.wide(), same) {
            Some(found) if found.slot == packed => {}
            Some(found) => {
                found.slot = packed;
                self.epoch += 1;
            }
            None => {
                let entry = Entry { hash, slot: packed };
                index.insert_unique(hash.wide(), entry, |other| other.hash.wide());
            }
        }
        self.queue(slot, id, time);
        self.peak = self.peak.max(self.len());
    }

    /// Keeps as a whole what was kept as a SYN alone; returns its slot.
    pub fn promote(&mut self, slot: u32, connection: Connection) -> u32 {
        let (id, last) = (connection.id, connection.last);
        let hash = self.lone(slot).located.hash;
        let new = self.full.insert(connection);
        let old = Packed::of(Slot::Lone(slot));
        if let Some(entry) = self.index.find_mut(hash.wide(), |other| other.slot == old) {
            entry.slot = Packed::of(Slot::Full(new));
        }
        self.lone.take(slot);
        self.queue(Slot::Full(new), id, last);
        new
    }

    /// Queues a connection among those that may leave when they have been idle for longest. Entries of connections that left, or
    /// are kept as a whole by now, are thrown out when they have become many: connections that close leave by another queue.
    fn queue(&mut self, slot: Slot, id: u64, time: Timestamp) {
        if self.idle.len() > 4 * self.len().max(CHUNK) {
            let Self {
                idle, full, lone, ..
            } = self;
            idle.retain(|&(slot, id, _)| match slot {
                Slot::Full(slot) => full.get(slot).is_some_and(|kept| kept.id == id),
                Slot::Lone(slot) => lone.get(slot).is_some_and(|kept| kept.id == id),
            });
        }
        self.idle.push_back((slot, id, time));
    }

    /// A connection has closed: it may leave before those that are open.
    pub fn note_closed(&mut self, slot: u32) {
        let id = self.get(slot).id;
        self.closed.push_back((slot, id));
        // Stale entries, of connections that opened again or left, are dropped when they come up; this bounds their number.
        if self.closed.len() > 2 * self.limit.max(CHUNK) {
            self.closed.pop_front();
        }
    }

    /// The figures that all have, with what each is found by, in no order.
    pub fn glances(&self) -> impl Iterator<Item = (Key, Glance)> {
        let full = self.full.iter().map(|(slot, connection)| {
            let (id, slot) = (connection.id, Slot::Full(slot));
            (Key { id, slot }, Glance::of(connection))
        });
        let lone = self.lone.iter().map(|(slot, lone)| {
            let (id, slot) = (lone.id, Slot::Lone(slot));
            (Key { id, slot }, Glance::of_lone(lone))
        });
        full.chain(lone)
    }

    /// What all that are kept are found by, in the order of their numbers.
    pub fn keys(&self) -> Vec<Key> {
        let full = self.full.iter().map(|(slot, connection)| Key {
            id: connection.id,
            slot: Slot::Full(slot),
        });
        let lone = self.lone.iter().map(|(slot, lone)| Key {
            id: lone.id,
            slot: Slot::Lone(slot),
        });
        let mut keys: Vec<_> = full.chain(lone).collect();
        keys.sort_unstable_by_key(|key| key.id);
        keys
    }

    /// A connection that is kept.
    pub fn connection(&self, key: Key) -> Cow<'_, Connection> {
        match key.slot {
            Slot::Full(slot) => Cow::Borrowed(self.get(slot)),
            Slot::Lone(slot) => {
                let lone = self.lone(slot);
                Cow::Owned(lone.connection(&mut SentLog::default(), self.measures))
            }
        }
    }

    /// Makes room: the longest closed, or else the one that has been idle for longest, as far as is known. An entry whose
    /// connection was active since it was queued goes to the end of the queue, so that each eviction costs constant time over
    /// many.
    fn evict(&mut self, log: &mut SentLog) {
        while let Some((slot, id)) = self.closed.pop_front() {
            if self.holds(slot, id).is_some_and(Connection::is_closed) {
                return self.remove(Slot::Full(slot), log);
            }
        }
        if self.evicted.is_multiple_of(AT_ONCE as u64) {
            self.fetch_those_that_leave_next();
        }
        while let Some((slot, id, seen)) = self.idle.pop_front() {
            let last = match slot {
                Slot::Full(slot) => self.holds(slot, id).map(|connection| connection.last),
                Slot::Lone(slot) => {
                    let lone = self.lone.get(slot).filter(|lone| lone.id == id);
                    lone.map(|lone| lone.located.segment.time)
                }
            };
            match last {
                Some(last) if last > seen => self.idle.push_back((slot, id, last)),
                Some(_) => return self.remove(slot, log),
                None => {}
            }
        }
    }

    /// Looks up in the index where those stand that will probably leave next: one after the other each would wait for memory by
    /// itself.
    fn fetch_those_that_leave_next(&self) {
        let next = self.idle.iter().take(AT_ONCE);
        let lone = next.filter_map(|&(slot, ..)| match slot {
            Slot::Lone(slot) => self.lone.get(slot).map(|lone| (slot, lone.located.hash)),
            Slot::Full(_) => None,
        });
        let found = lone.filter_map(|(slot, hash)| {
            let packed = Packed::of(Slot::Lone(slot));
            self.index.find(hash.wide(), |other| other.slot == packed)
        });
        std::hint::black_box(found.count());
    }

    /// The connection with this number, if it still is in this slot.
    pub fn held_mut(&mut self, slot: u32, id: u64) -> Option<&mut Connection> {
        self.holds(slot, id)?;
        Some(self.get_mut(slot))
    }

    fn holds(&self, slot: u32, id: u64) -> Option<&Connection> {
        self.full.get(slot).filter(|connection| connection.id == id)
    }

    fn remove(&mut self, slot: Slot, log: &mut SentLog) {
        // The index first: it looks at what is in the slot.
        let hash = match slot {
            Slot::Full(slot) => {
                let connection = self.get(slot);
                self.hasher.hash(connection.client, connection.server)
            }
            Slot::Lone(slot) => self.lone(slot).located.hash,
        };
        let packed = Packed::of(slot);
        if let Ok(entry) = self
            .index
            .find_entry(hash.wide(), |other| other.slot == packed)
        {
            entry.remove();
        }
        self.evicted += 1;
        let left = match slot {
            Slot::Full(slot) => {
                for flow in &mut self.get_mut(slot).flows.0 {
                    flow.stream.release(log);
                }
                let connection = self.full.take(slot);
                connection
                    .filter(|_| self.keeps_leaving)
                    .map(|full| Left::Full(Box::new(full)))
            }
            Slot::Lone(slot) => {
                let lone = self.lone.take(slot);
                lone.filter(|_| self.keeps_leaving)
                    .map(|lone| Left::Lone(lone, self.measures))
            }
        };
        self.leaving.extend(left);
    }
}

/// Slots are handed out only while they hold a connection.
const HELD: &str = "a slot that was handed out holds a connection";

#[inline]
fn is_between(
    full: &Slab<Connection>,
    lone: &Slab<Lone>,
    slot: Packed,
    a: Endpoint,
    b: Endpoint,
) -> bool {
    match slot.get() {
        Slot::Full(slot) => full
            .get(slot)
            .is_some_and(|connection| are_the_same(&connection.client, &connection.server, &a, &b)),
        Slot::Lone(slot) => lone
            .get(slot)
            .is_some_and(|lone| are_the_same(&lone.located.sender, &lone.located.receiver, &a, &b)),
    }
}

/// Whether two pairs of endpoints are the same, whichever stands first. Ports differ more often and are compared faster.
#[inline]
fn are_the_same(client: &Endpoint, server: &Endpoint, a: &Endpoint, b: &Endpoint) -> bool {
    let is = |(x, y): (&Endpoint, &Endpoint)| {
        client.port == x.port
            && server.port == y.port
            && client.address == x.address
            && server.address == y.address
    };
    is((a, b)) || is((b, a))
}

#[cfg(test)]
mod tests {
    use crate::analyzers::tcp::Flags;
    use crate::tracking::{ConnectionTracker, Segment};
    use crate::utils::addressing::Endpoint;
    use crate::utils::seq::Seq;
    use crate::utils::time::Timestamp;

    /// Connections that are made, closed and replaced leave nothing behind: not in the queues either, whichever they leave by.
    #[test]
    fn memory_does_not_grow_with_the_connections_that_left() {
        let mut tracker = ConnectionTracker::new(300);
        let server = Endpoint::new([192, 0, 2, 1].into(), 80);
        let mut reserved = Vec::new();
        for id in 0..60_000u32 {
            let client = Endpoint::new([10, 0, (id >> 16) as u8, 1].into(), id as u16);
            let time = Timestamp::from_nanos(i64::from(id) * 1000);
            let syn = Segment {
                time,
                flags: Flags::SYN,
                ..Segment::example()
            };
            let refusal = Segment {
                time,
                flags: Flags::RST.with(Flags::ACK),
                ack: Seq(1),
                ..Segment::example()
            };
            tracker.observe(client, server, &syn);
            assert!(
                tracker
                    .observe(server, client, &refusal)
                    .connection
                    .is_closed()
            );
            if id % 10_000 == 9_999 {
                reserved.push(tracker.memory().reserved);
            }
        }
        assert_eq!(tracker.evicted(), 60_000 - 300);
        assert!(
            reserved[1..].windows(2).all(|pair| pair[0] == pair[1]),
            "{reserved:?}"
        );
    }
}
