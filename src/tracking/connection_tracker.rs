//! All connections of a capture: finds the one a segment belongs to, and takes it through find, orient, judge, record, next
//! state.
//!
//! Memory is a promise: at most `limit` connections are kept. Beyond that the longest closed leave first, then the longest idle;
//! what they had counted stays in the totals, and how many left is known.

use super::connection::Connection;
use super::event::Event;
use super::first_syn::follow_first_syn;
use super::follow::{AtHand, follow};
use super::glance::Glance;
use super::icmp_errors;
use super::listeners::Listeners;
use super::lone::Lone;
use super::pair_hash::{PairHash, PairHasher};
use super::segment::Segment;
use super::sent_log::SentLog;
use super::store::{Found, Key, Left, Slot, Store};
use crate::analyzers::icmp_error::IcmpError;
use crate::analyzers::{Frame, Packet};
use crate::utils::addressing::Endpoint;
use crate::utils::maybe::Maybe;
use crate::utils::time::Timestamp;
use arrayvec::ArrayVec;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// How many segments [`ConnectionTracker::look_ahead`] takes at once (perf/NOTES.md: 16 to 64 are alike).
pub const LOOK_AHEAD: usize = 32;

/// A segment with its ends and the number by which its connection is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Located {
    /// Who sent it.
    pub sender: Endpoint,
    /// Who is to receive it.
    pub receiver: Endpoint,
    /// The number of the two.
    pub hash: PairHash,
    /// The segment.
    pub segment: Segment,
}

/// Where the memory of the tracking is, in octets unless it says otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackerMemory {
    /// Connections that are kept.
    pub kept: usize,
    /// Those among them that are over, of which only the report's figures are kept.
    pub over: usize,
    /// The most that were kept at once.
    pub peak: usize,
    /// The kept connections by their own size.
    pub connections: usize,
    /// The index by which they are found.
    pub index: usize,
    /// What they hold beside their own size: holes, round trips, the figures of long and of troubled transfers.
    pub beside: usize,
    /// What the tables have reserved: slots, the index, and the queues of those that may leave.
    pub reserved: usize,
    /// What the log of transmissions has reserved.
    pub log: usize,
}

/// Sender, receiver, and the number of the two.
type Pair<'a> = (&'a Endpoint, &'a Endpoint, PairHash);

impl Located {
    /// The segment of a packet; `None` if the packet is not TCP.
    pub fn of(frame: &Frame<'_>, packet: &Packet<'_>, hasher: &PairHasher) -> Option<Self> {
        let mut located = Self::empty();
        located.fill(frame, packet, hasher).then_some(located)
    }

    /// Makes it the segment of a packet, in place of what it was before. Returns whether the packet is TCP; otherwise it stays what
    /// it was.
    #[inline]
    pub fn fill(&mut self, frame: &Frame<'_>, packet: &Packet<'_>, hasher: &PairHasher) -> bool {
        let Some((sender, receiver)) = self.segment.fill(frame, packet) else {
            return false;
        };
        self.hash = hasher.hash(sender, receiver);
        (self.sender, self.receiver) = (sender, receiver);
        true
    }

    /// One of which nothing is known, to be filled.
    pub fn empty() -> Self {
        let nobody = Endpoint::new(Ipv4Addr::UNSPECIFIED.into(), 0);
        Self {
            sender: nobody,
            receiver: nobody,
            hash: PairHash::default(),
            segment: Segment::empty(),
        }
    }
}

/// All connections.
#[derive(Debug)]
pub struct ConnectionTracker {
    store: Store,
    next_id: u64,
    at_hand: AtHand,
    log: SentLog,
    reading: Listeners,
    /// The connection of the latest lone SYN, while its event is looked at, and its transmission.
    scratch: Option<Connection>,
    scratch_log: SentLog,
}

impl ConnectionTracker {
    /// An empty tracker that keeps at most `limit` connections, at least one.
    pub fn new(limit: usize) -> Self {
        Self {
            store: Store::new(limit),
            next_id: 0,
            at_hand: AtHand::default(),
            log: SentLog::default(),
            reading: Listeners::default(),
            scratch: None,
            scratch_log: SentLog::default(),
        }
    }

    /// Keeps connections that leave until [`ConnectionTracker::take_evicted`] takes them. Otherwise they are forgotten at once.
    pub fn keep_evicted(&mut self) {
        self.store.keep_leaving();
    }

    /// Leaves out what only those see who look at a connection closely ([`Connection::measurements`]) and the octets in flight of events,
    /// for connections that begin from now on.
    pub fn leave_out_measurements(&mut self) {
        self.store.leave_out_measurements();
    }

    /// Leaves out what held senders back ([`Connection::spent`]), for connections that begin from now on.
    pub fn leave_out_accounts(&mut self) {
        self.store.leave_out_accounts();
    }

    /// Asks the judge about every segment as it comes, those that are expected and SYNs among them: slower, and the same comes out, as
    /// tests show.
    pub fn judge_all(&mut self) {
        self.at_hand.judges_all = true;
    }

    /// What the kept connections are found by, in the order of their numbers.
    pub fn keys(&self) -> Vec<Key> {
        self.store.keys()
    }

    /// The figures by which the kept connections are ranked and added up, with what each is found by; in no order, and much faster
    /// than [`ConnectionTracker::all`] where many are of one SYN.
    pub fn glances(&self) -> impl Iterator<Item = (Key, Glance)> {
        self.store.glances()
    }

    /// A connection that is kept, by one of [`ConnectionTracker::keys`].
    pub fn connection(&self, key: Key) -> Cow<'_, Connection> {
        self.store.connection(key)
    }

    /// The kept connection of this number; `None` if it left, or there never was one.
    pub fn by_number(&self, keys: &[Key], id: u64) -> Option<Cow<'_, Connection>> {
        let at = keys.binary_search_by_key(&id, |key| key.id).ok()?;
        Some(self.connection(keys[at]))
    }

    /// The connections that are kept, in the order of their numbers, one after the other.
    pub fn all(&self) -> impl Iterator<Item = Cow<'_, Connection>> {
        self.keys().into_iter().map(|key| self.connection(key))
    }

    /// The same all at once.
    pub fn connections(&self) -> Vec<Cow<'_, Connection>> {
        self.all().collect()
    }

    /// How many connections there were, those that left among them.
    pub fn total(&self) -> u64 {
        self.next_id
    }

    /// How many connections are kept.
    pub fn kept(&self) -> usize {
        self.store.len()
    }

    /// How many connections left because of the limit.
    pub fn evicted(&self) -> u64 {
        self.store.evicted()
    }

    /// Where the memory is. Looks at every connection: for the end of a run.
    pub fn memory(&self) -> TrackerMemory {
        TrackerMemory {
            log: self.log.memory(),
            ..self.store.memory()
        }
    }

    /// Whether connections left since they were last taken.
    pub fn has_evicted(&self) -> bool {
        self.store.has_leaving()
    }

    /// Connections that left since the last call, for the outputs to show; none unless they are to be kept until then.
    pub fn take_evicted(&mut self) -> impl Iterator<Item = Connection> + '_ {
        self.store.take_leaving().map(Left::into_connection)
    }

    /// What makes the numbers by which connections are looked for.
    pub fn hasher(&self) -> PairHasher {
        self.store.hasher()
    }

    /// Fetches from memory what [`ConnectionTracker::observe_located`] will need for these segments, all at once: one after the other
    /// each would wait for memory by itself (perf/NOTES.md). Returns what to hand to `observe`, in the same order.
    pub fn look_ahead<'a>(
        &self,
        segments: impl Iterator<Item = &'a Located> + Clone,
    ) -> ArrayVec<Option<Found>, LOOK_AHEAD> {
        for located in segments.clone().take(LOOK_AHEAD) {
            self.store.prefetch_index(located.hash);
        }
        let found: ArrayVec<_, LOOK_AHEAD> = segments
            .take(LOOK_AHEAD)
            .map(|located| self.store.look_ahead(located.hash))
            .collect();
        for &found in found.iter().flatten() {
            self.store.prefetch(found);
        }
        for &found in found.iter().flatten() {
            self.store.prefetch_beside(found, &self.log);
        }
        for &found in found.iter().flatten() {
            self.store.prefetch_far(found);
        }
        found
    }

    /// Takes in a segment and says everything that is known of it. `ahead` is what [`ConnectionTracker::look_ahead`] found for
    /// it, `payload` as much of its payload as was captured, or nothing where nobody wants to read it.
    pub fn observe_located<'a>(
        &'a mut self,
        located: &'a Located,
        ahead: Option<Found>,
        payload: &[u8],
    ) -> Event<'a> {
        let pair = (&located.sender, &located.receiver, located.hash);
        self.take(pair, &located.segment, ahead, payload)
    }

    /// Connections that gave up reading what their sides said first, because too many others did so at the same time.
    pub fn gave_up_reading(&self) -> u64 {
        self.reading.gave_up
    }

    /// Whether there are names that [`ConnectionTracker::take_names`] has not taken.
    #[inline]
    pub fn has_names(&self) -> bool {
        !self.reading.names.is_empty()
    }

    /// Names of addresses from DNS over TCP since the last call.
    pub fn take_names(&mut self) -> Vec<(IpAddr, String)> {
        std::mem::take(&mut self.reading.names)
    }

    /// Notes an ICMP error in the connection that it quotes. Returns that connection's number; `None` if none is known.
    pub fn note_icmp_error(
        &mut self,
        frame: u64,
        time: Timestamp,
        error: &IcmpError,
    ) -> Option<u64> {
        let hash = self.store.hash(error.sender, error.receiver);
        let slot = match self
            .store
            .find(hash, &error.sender, &error.receiver, None)?
        {
            Slot::Full(slot) => slot,
            Slot::Lone(slot) => self.promote(slot),
            Slot::Past(slot) => self.revive(slot),
        };
        let connection = self.store.get_mut(slot);
        icmp_errors::note(connection, frame, time, error);
        Some(connection.id)
    }

    /// Takes in a segment of which only the header is known, and says everything that is known of it.
    pub fn observe<'a>(
        &'a mut self,
        sender: Endpoint,
        receiver: Endpoint,
        segment: &'a Segment,
    ) -> Event<'a> {
        self.observe_with(sender, receiver, segment, &[])
    }

    /// The same with as much of its payload as was captured.
    pub fn observe_with<'a>(
        &'a mut self,
        sender: Endpoint,
        receiver: Endpoint,
        segment: &'a Segment,
        payload: &[u8],
    ) -> Event<'a> {
        let hash = self.store.hash(sender, receiver);
        self.take((&sender, &receiver, hash), segment, None, payload)
    }

    fn take<'a>(
        &'a mut self,
        pair: Pair<'_>,
        segment: &'a Segment,
        ahead: Option<Found>,
        payload: &[u8],
    ) -> Event<'a> {
        let (sender, receiver, hash) = pair;
        let found = self.store.find(hash, sender, receiver, ahead);
        let (slot, reused) = match found {
            Some(Slot::Full(slot)) if !self.is_new_stream(slot, *sender, segment) => (slot, false),
            Some(Slot::Lone(slot)) if !self.store.lone(slot).is_replaced_by(*sender, segment) => {
                (self.promote(slot), false)
            }
            Some(Slot::Past(slot)) if !self.store.past(slot).is_replaced_by(*sender, segment) => {
                (self.revive(slot), false)
            }
            found => {
                let reuses = found.map(|slot| self.store.id_of(slot));
                if Lone::suits(segment) {
                    return self.take_lone(pair, segment, reuses);
                }
                (self.create(pair, segment, reuses), reuses.is_some())
            }
        };
        follow(
            self.store.get_mut(slot),
            &mut self.log,
            &mut self.at_hand,
            (*sender, segment),
            reused,
            payload,
        );
        let followed = &self.at_hand.followed;
        if let Some(begun) = followed.listened {
            let direction = followed.direction;
            self.reading.note(&mut self.store, slot, direction, begun);
        }
        if followed.closes {
            self.store.note_closed(slot);
        }
        Event::new(self.store.get(slot), segment, &self.at_hand)
    }

    /// Whether a segment opens another connection on the ports of this one.
    fn is_new_stream(&self, slot: u32, sender: Endpoint, segment: &Segment) -> bool {
        let old = self.store.get(slot);
        let direction = old.direction_from(sender);
        old.numbering.starts_new_stream(direction, segment)
    }

    /// Begins a connection that is kept as its SYN until more comes.
    fn take_lone<'a>(
        &'a mut self,
        (sender, receiver, hash): Pair<'_>,
        segment: &'a Segment,
        reuses: Option<u64>,
    ) -> Event<'a> {
        let lone = Lone {
            id: self.begin(segment.time),
            reuses: number(reuses),
            located: Located {
                sender: *sender,
                receiver: *receiver,
                hash,
                segment: *segment,
            },
        };
        let Self {
            scratch,
            scratch_log,
            at_hand,
            store,
            ..
        } = self;
        for flow in scratch.iter_mut().flat_map(|before| &mut before.flows.0) {
            flow.stream.release(scratch_log);
        }
        let (ends, measures) = ((*sender, *receiver), store.measures());
        let begun = Connection::begin(lone.id, ends, segment, lone.reuses, measures);
        let connection = scratch.insert(begun);
        store.insert_lone(lone);
        let reused = reuses.is_some();
        follow_first_syn(connection, scratch_log, at_hand, (*sender, segment), reused);
        Event::new(connection, segment, at_hand)
    }

    /// Makes a whole connection of one that was kept as its SYN; returns its slot.
    fn promote(&mut self, slot: u32) -> u32 {
        let (lone, measures) = (self.store.lone(slot), self.store.measures());
        let connection = lone.connection(&mut self.log, measures);
        self.store.promote(Slot::Lone(slot), connection)
    }

    /// Makes a whole connection again of one that was over; returns its slot.
    fn revive(&mut self, slot: u32) -> u32 {
        let connection = self.store.past(slot).clone().into_connection();
        let slot = self.store.promote(Slot::Past(slot), connection);
        self.store.note_closed(slot);
        slot
    }

    /// The number of a connection that begins at `now`, for which there is room from then on.
    fn begin(&mut self, now: Timestamp) -> u64 {
        self.store.make_room(now, &mut self.log);
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    fn create(&mut self, pair: Pair<'_>, segment: &Segment, reuses: Option<u64>) -> u32 {
        let (sender, receiver, hash) = pair;
        let id = self.begin(segment.time);
        let (ends, measures) = ((*sender, *receiver), self.store.measures());
        let connection = Connection::begin(id, ends, segment, number(reuses), measures);
        self.store.insert(hash, connection)
    }
}

fn number(id: Option<u64>) -> Maybe<i64> {
    id.map_or(Maybe::default(), |id| (id as i64).into())
}
