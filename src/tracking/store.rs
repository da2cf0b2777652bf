//! Where connections are kept: found by their endpoints, at most so many at a time.
//!
//! Connections live in chunks that never move, so that growing copies nothing (perf/NOTES.md: one big array took eight times
//! the memory). The index holds slot numbers; a key has no direction, so that both directions find the same connection.

use super::connection::Connection;
use super::connection_tracker::TrackerMemory;
use crate::utils::addressing::Endpoint;
use crate::utils::time::Timestamp;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::collections::VecDeque;
use std::hash::BuildHasher;

/// Connections per chunk.
const CHUNK: usize = 256;

/// The connections that are kept.
#[derive(Debug)]
pub struct Store {
    chunks: Vec<Vec<Option<Connection>>>,
    free: Vec<u32>,
    index: HashTable<Entry>,
    hasher: PairHasher,
    len: usize,
    limit: usize,
    /// Slots of connections in the order in which they closed, with their numbers: a slot may hold another one by now.
    closed: VecDeque<(u32, u64)>,
    /// Slots in the order in which they were last found to be idle, with number and time.
    idle: VecDeque<(u32, u64, Timestamp)>,
    evicted: u64,
    /// The most that were kept at once.
    peak: usize,
    leaving: Vec<Connection>,
    /// Changes whenever what was found before may not be what is found now.
    epoch: u64,
}

/// A number of a pair of endpoints, the same for both directions, by which their connection is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairHash(u32);

impl PairHash {
    /// The number itself.
    pub(super) const fn number(self) -> u32 {
        self.0
    }

    /// Spread over 64 bits, as the index wants it.
    fn wide(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Makes the numbers of pairs; with a secret, so that nobody can choose addresses that collide.
#[derive(Clone, Debug, Default)]
pub struct PairHasher(DefaultHashBuilder);

impl PairHasher {
    /// The number of a pair.
    pub fn hash(&self, a: Endpoint, b: Endpoint) -> PairHash {
        let hash = self.0.hash_one(if a <= b { (a, b) } else { (b, a) });
        PairHash((hash ^ hash >> 32) as u32)
    }
}

/// Where a connection is, with the number of its endpoints: a look-up mostly knows by it alone.
#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: PairHash,
    slot: u32,
}

/// What was found ahead of time: it holds while the epoch does.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    slot: u32,
    epoch: u64,
}

impl Store {
    /// An empty store for at most `limit` connections, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: PairHasher::default(),
            epoch: 0,
            len: 0,
            limit: limit.clamp(1, u32::MAX as usize),
            closed: VecDeque::new(),
            idle: VecDeque::new(),
            evicted: 0,
            peak: 0,
            leaving: Vec::new(),
        }
    }

    /// How many connections are kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many left because of the limit.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Where the memory is, but for the log of transmissions.
    pub fn memory(&self) -> TrackerMemory {
        let index = self.index.allocation_size();
        let slots: usize = self.chunks.iter().map(Vec::capacity).sum();
        let connections = self.chunks.iter().flatten().flatten();
        TrackerMemory {
            kept: self.len,
            peak: self.peak,
            connections: self.len * size_of::<Option<Connection>>(),
            index,
            beside: connections.map(Connection::memory).sum(),
            reserved: slots * size_of::<Option<Connection>>()
                + index
                + self.free.capacity() * size_of::<u32>()
                + self.closed.capacity() * size_of::<(u32, u64)>()
                + self.idle.capacity() * size_of::<(u32, u64, Timestamp)>(),
            log: 0,
        }
    }

    /// Whether any left since they were last taken.
    pub fn has_leaving(&self) -> bool {
        !self.leaving.is_empty()
    }

    /// Those that left since the last call.
    pub fn take_evicted(&mut self) -> impl Iterator<Item = Connection> + '_ {
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
    ) -> Option<u32> {
        if let Some(found) = ahead
            && found.epoch == self.epoch
            && is_between(self.get(found.slot), a, b)
        {
            return Some(found.slot);
        }
        self.index
            .find(hash.wide(), |entry| {
                entry.hash == hash && is_between(self.get(entry.slot), a, b)
            })
            .map(|entry| entry.slot)
    }

    /// The slot that probably holds the connection of a pair, without a look at the connection.
    pub fn look_ahead(&self, hash: PairHash) -> Option<Found> {
        let entry = self.index.find(hash.wide(), |entry| entry.hash == hash)?;
        Some(Found {
            slot: entry.slot,
            epoch: self.epoch,
        })
    }

    /// The connection that was found ahead, if there is still one in its slot.
    pub fn peek(&self, found: Found) -> Option<&Connection> {
        let (chunk, at) = place(found.slot);
        self.chunks.get(chunk)?.get(at)?.as_ref()
    }

    /// The connection in a slot that was found or inserted.
    pub fn get(&self, slot: u32) -> &Connection {
        let (chunk, at) = place(slot);
        self.chunks[chunk][at]
            .as_ref()
            .expect("slots are handed out only while they hold a connection")
    }

    /// The connection in a slot, to be changed.
    pub fn get_mut(&mut self, slot: u32) -> &mut Connection {
        let (chunk, at) = place(slot);
        self.chunks[chunk][at]
            .as_mut()
            .expect("slots are handed out only while they hold a connection")
    }

    /// At the limit, makes a connection leave, to which `farewell` is done.
    pub fn make_room(&mut self, farewell: impl FnOnce(&mut Connection)) {
        if self.len >= self.limit {
            let before = self.leaving.len();
            self.evict();
            self.leaving.get_mut(before).map(farewell);
        }
    }

    /// Keeps a connection and returns its slot. An earlier one between the same endpoints is not found any more, but kept.
    pub fn insert(&mut self, hash: PairHash, connection: Connection) -> u32 {
        let (a, b) = (connection.client, connection.server);
        let stamp = (connection.id, connection.last);
        let slot = self.place_in_slot(connection);
        let Self { index, chunks, .. } = self;
        let same = |other: &Entry| {
            let (chunk, at) = place(other.slot);
            other.hash == hash
                && chunks[chunk][at]
                    .as_ref()
                    .is_some_and(|connection| is_between(connection, a, b))
        };
        match index.find_mut(hash.wide(), same) {
            Some(found) => {
                found.slot = slot;
                self.epoch += 1;
            }
            None => {
                index.insert_unique(hash.wide(), Entry { hash, slot }, |other| other.hash.wide());
            }
        }
        self.idle.push_back((slot, stamp.0, stamp.1));
        slot
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

    /// All that are kept, in the order of their numbers.
    pub fn sorted(&self) -> Vec<&Connection> {
        let mut all: Vec<_> = self.chunks.iter().flatten().flatten().collect();
        all.sort_unstable_by_key(|connection| connection.id);
        all
    }

    fn place_in_slot(&mut self, connection: Connection) -> u32 {
        self.len += 1;
        self.peak = self.peak.max(self.len);
        if let Some(slot) = self.free.pop() {
            let (chunk, at) = place(slot);
            self.chunks[chunk][at] = Some(connection);
            return slot;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.len() - 1;
        self.chunks[chunk].push(Some(connection));
        (chunk * CHUNK + self.chunks[chunk].len() - 1) as u32
    }

    /// Makes room: the longest closed, or else the one that has been idle for longest, as far as is known. An entry whose
    /// connection was active since it was queued goes to the end of the queue, so that each eviction costs constant time over
    /// many.
    fn evict(&mut self) {
        while let Some((slot, id)) = self.closed.pop_front() {
            if self.holds(slot, id).is_some_and(Connection::is_closed) {
                return self.remove(slot);
            }
        }
        while let Some((slot, id, seen)) = self.idle.pop_front() {
            match self.holds(slot, id).map(|connection| connection.last) {
                Some(last) if last > seen => self.idle.push_back((slot, id, last)),
                Some(_) => return self.remove(slot),
                None => {}
            }
        }
    }

    /// The connection with this number, if it still is in this slot.
    pub fn held_mut(&mut self, slot: u32, id: u64) -> Option<&mut Connection> {
        self.holds(slot, id)?;
        Some(self.get_mut(slot))
    }

    fn holds(&self, slot: u32, id: u64) -> Option<&Connection> {
        let (chunk, at) = place(slot);
        self.chunks
            .get(chunk)?
            .get(at)?
            .as_ref()
            .filter(|connection| connection.id == id)
    }

    fn remove(&mut self, slot: u32) {
        let (chunk, at) = place(slot);
        let Some(connection) = self.chunks[chunk][at].take() else {
            return;
        };
        let hash = self.hasher.hash(connection.client, connection.server);
        if let Ok(entry) = self
            .index
            .find_entry(hash.wide(), |other| other.slot == slot)
        {
            entry.remove();
        }
        self.epoch += 1;
        self.free.push(slot);
        self.len -= 1;
        self.evicted += 1;
        self.leaving.push(connection);
    }
}

fn place(slot: u32) -> (usize, usize) {
    (slot as usize / CHUNK, slot as usize % CHUNK)
}

fn is_between(connection: &Connection, a: Endpoint, b: Endpoint) -> bool {
    (connection.client == a && connection.server == b)
        || (connection.client == b && connection.server == a)
}
