//! Where connections are kept: found by their endpoints, at most so many at a time.
//!
//! Those of which only a SYN was seen are kept apart, as that SYN ([`Lone`]), and those that are over as what the report shows of them
//! ([`Past`]). The index holds slot numbers; its keys have no direction, so that both directions find the same connection.
//! Which leave when there is no room for more is told in [`leaving`].

mod leaving;

use super::connection::Connection;
use super::connection_tracker::TrackerMemory;
use super::glance::Glance;
use super::index::Index;
use super::lone::Lone;
use super::measurements::{MOST_ACCOUNTED, Measures};
use super::pair_hash::{PairHash, PairHasher};
use super::past::Past;
use super::sent_log::SentLog;
use super::slab::Slab;
pub use super::slot::{Key, Slot};
use super::slot::{LARGEST, Packed};
use crate::utils::addressing::Endpoint;
use crate::utils::time::Timestamp;
pub use leaving::Left;
use leaving::Queues;
use std::borrow::Cow;

/// The connections that are kept.
#[derive(Debug)]
pub struct Store {
    kept: Kept,
    index: Index,
    hasher: PairHasher,
    limit: usize,
    queues: Queues,
    evicted: u64,
    /// The most that were kept at once.
    peak: usize,
    /// Whether connections are measured for those who look at them closely.
    measures: Measures,
    /// Whether those that leave are kept until they are taken.
    keeps_leaving: bool,
    leaving: Vec<Left>,
    /// Changes whenever what was found before may not be what is found now.
    epoch: u64,
}

/// Connections in their three forms.
#[derive(Debug, Default)]
struct Kept {
    full: Slab<Connection>,
    lone: Slab<Lone>,
    past: Slab<Past>,
}

impl Kept {
    fn len(&self) -> usize {
        self.full.len() + self.lone.len() + self.past.len()
    }

    /// Whether the connection in a slot is the one between two endpoints, whichever stands first.
    #[inline]
    fn is_between(&self, slot: Packed, a: &Endpoint, b: &Endpoint) -> bool {
        match slot.get() {
            Slot::Full(slot) => {
                let full = self.full.get(slot);
                full.is_some_and(|full| are_the_same(&full.client, &full.server, a, b))
            }
            Slot::Lone(slot) => {
                let lone = self.lone.get(slot).map(|lone| &lone.located);
                lone.is_some_and(|lone| are_the_same(&lone.sender, &lone.receiver, a, b))
            }
            Slot::Past(slot) => {
                let past = self.past.get(slot);
                past.is_some_and(|past| are_the_same(&past.client, &past.server, a, b))
            }
        }
    }

    /// The number of the connection in a slot, and when its latest packet passed; `None` if the slot is free.
    #[inline]
    fn stamp(&self, slot: Slot) -> Option<(u64, Timestamp)> {
        match slot {
            Slot::Full(slot) => self.full.get(slot).map(|full| (full.id, full.last)),
            Slot::Lone(slot) => {
                let lone = self.lone.get(slot);
                lone.map(|lone| (lone.id, lone.located.segment.time))
            }
            Slot::Past(slot) => self.past.get(slot).map(|past| (past.id(), past.last)),
        }
    }

    /// Whether a slot holds the connection with this number.
    #[inline]
    fn holds(&self, slot: Slot, id: u64) -> bool {
        self.stamp(slot).is_some_and(|(held, _)| held == id)
    }

    /// All that are kept, in no order, with what each is found by.
    fn keys(&self) -> impl Iterator<Item = Key> {
        let full = self.full.iter().map(|(slot, full)| Key {
            id: full.id,
            slot: Slot::Full(slot),
        });
        let lone = self.lone.iter().map(|(slot, lone)| Key {
            id: lone.id,
            slot: Slot::Lone(slot),
        });
        let past = self.past.iter().map(|(slot, past)| Key {
            id: past.id(),
            slot: Slot::Past(slot),
        });
        full.chain(lone).chain(past)
    }
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
            kept: Kept::default(),
            index: Index::default(),
            hasher: PairHasher::default(),
            epoch: 0,
            limit: limit.clamp(1, LARGEST as usize),
            queues: Queues::default(),
            evicted: 0,
            peak: 0,
            measures: Measures::All,
            keeps_leaving: false,
            leaving: Vec::new(),
        }
    }

    /// How many connections are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many left because of the limit.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Where the memory is, but for the log of transmissions.
    pub fn memory(&self) -> TrackerMemory {
        let index = self.index.memory();
        let Kept { full, lone, past } = &self.kept;
        let (of_full, of_lone) = (size_of::<Option<Connection>>(), size_of::<Option<Lone>>());
        let beside_past = past.iter().map(|(_, past)| past.memory());
        TrackerMemory {
            kept: self.len(),
            over: past.len(),
            peak: self.peak,
            connections: full.len() * of_full
                + lone.len() * of_lone
                + past.len() * size_of::<Option<Past>>(),
            index,
            beside: full.iter().map(|(_, full)| full.memory()).sum::<usize>()
                + beside_past.sum::<usize>(),
            reserved: full.reserved()
                + lone.reserved()
                + past.reserved()
                + index
                + self.queues.memory(),
            log: 0,
        }
    }

    /// Keeps those that leave from now on until they are taken.
    pub fn keep_leaving(&mut self) {
        self.keeps_leaving = true;
    }

    /// Measures no connection from now on.
    pub fn leave_out_measurements(&mut self) {
        self.measures = Measures::Nothing;
    }

    /// Accounts for no sender's time from now on.
    pub fn leave_out_accounts(&mut self) {
        if self.measures == Measures::All {
            self.measures = Measures::Figures;
        }
    }

    /// What is measured of connections that begin.
    pub fn measures(&self) -> Measures {
        match self.measures {
            Measures::All if self.kept.full.len() >= MOST_ACCOUNTED => Measures::Figures,
            measures => measures,
        }
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
        a: &Endpoint,
        b: &Endpoint,
        ahead: Option<Found>,
    ) -> Option<Slot> {
        if let Some(found) = ahead
            && found.epoch == self.epoch
            && self.kept.is_between(found.slot, a, b)
        {
            return Some(found.slot.get());
        }
        let is_between = |slot| self.kept.is_between(slot, a, b);
        Some(self.index.find(hash, is_between)?.get())
    }

    /// Asks for the memory where a pair is looked for.
    pub fn prefetch_index(&self, hash: PairHash) {
        self.index.prefetch(hash);
    }

    /// The slot that probably holds the connection of a pair, without a look at the connection.
    pub fn look_ahead(&self, hash: PairHash) -> Option<Found> {
        Some(Found {
            slot: self.index.find(hash, |_| true)?,
            epoch: self.epoch,
        })
    }

    /// Asks for the memory of what was found ahead.
    pub fn prefetch(&self, found: Found) {
        match found.slot.get() {
            Slot::Full(slot) => self.kept.full.prefetch(slot),
            Slot::Lone(slot) => self.kept.lone.prefetch(slot),
            Slot::Past(slot) => self.kept.past.prefetch(slot),
        }
    }

    /// Asks for the memory beside it, when it should have arrived itself.
    pub fn prefetch_beside(&self, found: Found, log: &SentLog) {
        if let Slot::Full(slot) = found.slot.get()
            && let Some(connection) = self.kept.full.get(slot)
        {
            connection.prefetch_beside(log);
        }
    }

    /// Asks for the memory beside that.
    pub fn prefetch_far(&self, found: Found) {
        if let Slot::Full(slot) = found.slot.get()
            && let Some(connection) = self.kept.full.get(slot)
        {
            connection.prefetch_far();
        }
    }

    /// The whole connection in a slot that was found or inserted.
    pub fn get(&self, slot: u32) -> &Connection {
        self.kept.full.get(slot).expect(HELD)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, slot: u32) -> &mut Connection {
        self.kept.full.get_mut(slot).expect(HELD)
    }

    /// The connection of one SYN in a slot that was found.
    pub fn lone(&self, slot: u32) -> &Lone {
        self.kept.lone.get(slot).expect(HELD)
    }

    /// The connection that is over in a slot that was found.
    pub fn past(&self, slot: u32) -> &Past {
        self.kept.past.get(slot).expect(HELD)
    }

    /// The number of the connection in a slot that was found.
    pub fn id_of(&self, slot: Slot) -> u64 {
        let (id, _) = self.kept.stamp(slot).expect(HELD);
        id
    }

    /// Keeps a connection and returns its slot. An earlier one between the same endpoints is not found any more, but kept.
    pub fn insert(&mut self, hash: PairHash, connection: Connection) -> u32 {
        let (a, b) = (connection.client, connection.server);
        let stamp = (connection.id, connection.last);
        let slot = self.kept.full.insert(connection);
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
        let slot = self.kept.lone.insert(lone);
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
        let Self { index, kept, .. } = self;
        match index.find_mut(hash, |other| kept.is_between(other, &a, &b)) {
            Some(found) if *found == packed => {}
            Some(found) => {
                *found = packed;
                self.epoch += 1;
            }
            None => index.insert(hash, packed),
        }
        self.queues.note_new(&self.kept, slot, id, time);
        self.peak = self.peak.max(self.len());
    }

    /// Keeps as a whole, which is `connection`, what was kept in another form in `slot`; returns its new slot.
    pub fn promote(&mut self, slot: Slot, connection: Connection) -> u32 {
        let (id, last) = (connection.id, connection.last);
        let hash = self.hasher.hash(connection.client, connection.server);
        let new = self.kept.full.insert(connection);
        self.point_elsewhere(hash, slot, Slot::Full(new));
        match slot {
            Slot::Lone(slot) => drop(self.kept.lone.take(slot)),
            Slot::Past(slot) => drop(self.kept.past.take(slot)),
            Slot::Full(_) => {}
        }
        let slot = Slot::Full(new);
        self.queues.note_new(&self.kept, slot, id, last);
        new
    }

    /// Lets the index point to another slot than before, if it points to that.
    fn point_elsewhere(&mut self, hash: PairHash, from: Slot, to: Slot) {
        let (from, to) = (Packed::of(from), Packed::of(to));
        if let Some(found) = self.index.find_mut(hash, |slot| slot == from) {
            *found = to;
        }
    }

    /// The connection with this number, if it still is in this slot.
    pub fn held_mut(&mut self, slot: u32, id: u64) -> Option<&mut Connection> {
        let full = self.kept.full.get_mut(slot);
        full.filter(|connection| connection.id == id)
    }

    /// The figures that all have, with what each is found by, in no order.
    pub fn glances(&self) -> impl Iterator<Item = (Key, Glance)> {
        self.kept.keys().map(|key| {
            let glance = match key.slot {
                Slot::Full(slot) => Glance::of(self.get(slot)),
                Slot::Lone(slot) => Glance::of_lone(self.lone(slot)),
                Slot::Past(slot) => Glance::of(&self.past(slot).clone().into_connection()),
            };
            (key, glance)
        })
    }

    /// What all that are kept are found by, in the order of their numbers.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.kept.keys().collect();
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
            Slot::Past(slot) => Cow::Owned(self.past(slot).clone().into_connection()),
        }
    }
}

/// Slots are handed out only while they hold a connection.
const HELD: &str = "a slot that was handed out holds a connection";

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

    /// A RST that the other side does not believe closes a connection, and opens it again a moment later, as often as somebody likes.
    #[test]
    fn memory_does_not_grow_with_a_connection_that_closes_again_and_again() {
        let (syn, ack) = (Flags::SYN, Flags::ACK);
        let mut tracker = ConnectionTracker::new(300);
        let [client, server] = [40_000, 80].map(|port| Endpoint::new([192, 0, 2, 1].into(), port));
        let mut time = Timestamp::from_nanos(0);
        let mut send = |millis: i64, from_client: bool, flags: Flags, seq: u32, ack: u32| {
            time = time.plus(millis * 1_000_000);
            let segment = Segment {
                time,
                flags,
                // Not a copy of an earlier one.
                window: 1000 + (time.nanos() / 1_000_000 % 50_000) as u16,
                seq: Seq(seq),
                ack: Seq(ack),
                ..Segment::example()
            };
            let (sender, receiver) = if from_client {
                (client, server)
            } else {
                (server, client)
            };
            let event = tracker.observe(sender, receiver, &segment);
            let closed = event.connection.is_closed();
            (closed, tracker.memory().reserved)
        };
        send(0, true, syn, 0, 0);
        send(1, false, syn.with(ack), 0, 1);
        send(1, true, ack, 1, 1);
        let mut reserved = Vec::new();
        for turn in 0..20_000 {
            let (closed, _) = send(1, false, Flags::RST, 1, 0);
            let (goes_on, octets) = send(21, true, ack, 1, 1);
            assert!(closed && !goes_on);
            if turn % 5000 == 4999 {
                reserved.push(octets);
            }
        }
        assert!(
            reserved.windows(2).all(|pair| pair[0] == pair[1]),
            "{reserved:?}"
        );
    }
}
