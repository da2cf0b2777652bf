//! Puts fragments of IPv4 (RFC 791 §3.2) and IPv6 (RFC 8200 §4.5) together, in any order.
//!
//! A datagram is judged in the frame that completes it, as tshark does. Memory is bounded: so many datagrams and so many bytes at
//! a time; the oldest leave first, and so does what is not complete after 30 s of the capture's time (ANALYSIS.md 10.4). Whatever
//! was not put together is counted. What overlaps: of IPv4 the bytes that came first count; a datagram of IPv6 is thrown away (RFC
//! 5722 §4). A fragment that comes twice with the same bytes does no harm.

use crate::analyzers::checksum::{fold, sum};
use crate::analyzers::ipv6::Ipv6Extension;
use crate::analyzers::packet::{Layer, Packet};
use crate::utils::time::{NANOS_PER_MILLI, NANOS_PER_SECOND, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// How long a datagram is waited for, in nanoseconds of the capture.
const PATIENCE: i64 = 30 * NANOS_PER_SECOND;
/// Datagrams that are put together at a time.
const MOST_DATAGRAMS: usize = 4096;
/// Bytes that they may hold together, with the lists of their pieces.
const MOST_BYTES: usize = 32 << 20;
/// Pieces of a datagram that are told apart; more come only from attackers.
const MOST_PIECES: usize = 1024;
/// The longest payload of an IP datagram.
const LONGEST: usize = 65535;
/// A copy of a whole datagram, seen at a second place, comes this soon behind the first.
const COPY: i64 = 50 * NANOS_PER_MILLI;
/// Entries of completed datagrams that may stay in the order of those that wait, in any case.
const SPARE: usize = 1024;
/// Completed datagrams that are remembered for telling copies.
const REMEMBERED: usize = 64;

/// What became of fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentCounts {
    /// Fragments that were seen.
    pub fragments: u64,
    /// Datagrams that were put together.
    pub reassembled: u64,
    /// Datagrams of which parts never came, or came too late.
    pub incomplete: u64,
    /// Datagrams with parts that overlap: nobody sends them by accident.
    pub overlapping: u64,
    /// Fragments that came twice with the same bytes.
    pub repeated: u64,
    /// Fragments whose lengths cannot be.
    pub malformed: u64,
    /// Fragments that the snap length cut, which cannot be put together.
    pub cut: u64,
}

/// What all fragments of a datagram have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// For IPv4 only; of IPv6 the first fragment alone knows it.
    protocol: u8,
}

/// A datagram that is being put together.
#[derive(Debug)]
struct Datagram {
    /// How many were begun before it: tells datagrams with the same key apart.
    number: u64,
    began: Timestamp,
    /// IP header and all that stands in front of the fragmentable part; empty until the first fragment came.
    header: Vec<u8>,
    payload: Vec<u8>,
    /// What has come of the payload: ranges in order, apart from each other.
    pieces: Vec<(usize, usize)>,
    /// Its length, once the last fragment came.
    length: Option<usize>,
    overlapping: bool,
    /// The same datagram was completed a moment ago: this is a copy seen at another place.
    is_copy: bool,
}

/// A fragment, taken from a packet.
struct Fragment<'a> {
    key: Key,
    offset: usize,
    more: bool,
    /// Of the first fragment: what stands in front of the payload.
    header: Option<Vec<u8>>,
    bytes: &'a [u8],
    is_ipv6: bool,
}

/// What became of a fragment.
enum Added {
    Waiting,
    Complete,
    Discard,
}

/// Puts datagrams together.
#[derive(Debug, Default)]
pub struct Reassembly {
    datagrams: HashMap<Key, Datagram>,
    /// In the order in which they began, by their numbers. An entry may be out of date: its datagram was completed since.
    order: VecDeque<(u64, Key)>,
    /// How many were begun.
    begun: u64,
    bytes: usize,
    completed: VecDeque<(Timestamp, Key)>,
    counts: FragmentCounts,
    /// The datagram that was completed last.
    whole: Vec<u8>,
}

impl Reassembly {
    /// Takes in a packet that stopped at a fragment. Returns the datagram, from its IP header on, if this fragment completes it.
    pub fn add(&mut self, packet: &Packet<'_>, time: Timestamp) -> Option<&[u8]> {
        self.counts.fragments += 1;
        if (packet.transport_len as usize) > packet.fragment.len() {
            self.counts.cut += 1;
            return None;
        }
        let Some(fragment) = fragment_of(packet) else {
            self.counts.malformed += 1;
            return None;
        };
        self.forget_old(time);
        let key = fragment.key;
        if !self.datagrams.contains_key(&key) {
            self.begin(key, time);
        }
        let datagram = self.datagrams.get_mut(&key)?;
        let held = datagram.held();
        let added = datagram.add(fragment, &mut self.counts);
        self.bytes = (self.bytes + datagram.held()).saturating_sub(held);
        match added {
            Added::Waiting => {
                self.make_room(MOST_DATAGRAMS);
                None
            }
            Added::Discard => {
                self.drop_datagram(&key);
                None
            }
            Added::Complete => {
                let datagram = self.remove(&key)?;
                self.counts.reassembled += 1;
                if self.completed.len() == REMEMBERED {
                    self.completed.pop_front();
                }
                self.completed.push_back((time, key));
                self.whole.clear();
                datagram.write(&mut self.whole);
                Some(&self.whole)
            }
        }
    }

    /// What became of all fragments, at the end of the capture.
    pub fn counts(&self) -> FragmentCounts {
        let mut counts = self.counts;
        for datagram in self.datagrams.values() {
            datagram.count(&mut counts);
        }
        counts
    }

    fn begin(&mut self, key: Key, time: Timestamp) {
        self.make_room(MOST_DATAGRAMS - 1);
        self.tidy();
        let is_copy = self
            .completed
            .iter()
            .any(|(when, other)| *other == key && time.since(*when) <= COPY);
        self.order.push_back((self.begun, key));
        self.datagrams.insert(
            key,
            Datagram {
                number: self.begun,
                began: time,
                header: Vec::new(),
                payload: Vec::new(),
                pieces: Vec::new(),
                length: None,
                overlapping: false,
                is_copy,
            },
        );
        self.begun += 1;
    }

    /// Drops the oldest until so many are left at most, and these hold no more than they may.
    fn make_room(&mut self, most: usize) {
        while self.datagrams.len() > most || self.bytes > MOST_BYTES {
            let Some((number, key)) = self.order.pop_front() else {
                return;
            };
            if self.waiting(number, &key).is_some() {
                self.drop_datagram(&key);
            }
        }
    }

    /// Throws out, when they have become many, the entries of datagrams that were completed: they stay behind one that does not
    /// age. At least half of the entries go, so that this takes constant time over many.
    fn tidy(&mut self) {
        if self.order.len() > 2 * self.datagrams.len() + SPARE {
            let datagrams = &self.datagrams;
            self.order.retain(|(number, key)| {
                let datagram = datagrams.get(key);
                datagram.is_some_and(|datagram| datagram.number == *number)
            });
        }
    }

    /// The datagram of an entry in the order, unless it was completed.
    fn waiting(&self, number: u64, key: &Key) -> Option<&Datagram> {
        let datagram = self.datagrams.get(key);
        datagram.filter(|datagram| datagram.number == number)
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some((number, key)) = self.order.front().copied() {
            let began = self.waiting(number, &key).map(|datagram| datagram.began);
            if began.is_some_and(|began| now.since(began) <= PATIENCE) {
                return;
            }
            self.order.pop_front();
            if began.is_some() {
                self.drop_datagram(&key);
            }
        }
    }

    fn drop_datagram(&mut self, key: &Key) {
        if let Some(datagram) = self.remove(key) {
            datagram.count(&mut self.counts);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.bytes = self.bytes.saturating_sub(datagram.held());
        Some(datagram)
    }
}

impl Datagram {
    fn held(&self) -> usize {
        let pieces = self.pieces.capacity() * size_of::<(usize, usize)>();
        self.header.capacity() + self.payload.capacity() + pieces
    }

    /// Counts a datagram that leaves without having been completed.
    fn count(&self, counts: &mut FragmentCounts) {
        if self.is_copy {
            counts.repeated += self.pieces.len() as u64;
        } else if !self.overlapping {
            counts.incomplete += 1;
        }
    }

    fn add(&mut self, fragment: Fragment<'_>, counts: &mut FragmentCounts) -> Added {
        let (start, end) = (fragment.offset, fragment.offset + fragment.bytes.len());
        let beyond = self.length.is_some_and(|length| end > length)
            || !fragment.more && self.pieces.last().is_some_and(|&(_, last)| last > end);
        if end > LONGEST || beyond || self.pieces.len() >= MOST_PIECES {
            counts.malformed += 1;
            return Added::Waiting;
        }
        if !fragment.more {
            self.length = Some(end);
        }
        if let Some(header) = fragment.header
            && self.header.is_empty()
        {
            self.header = header;
        }
        match self.compare(start, end, fragment.bytes) {
            Compared::New => self.insert(start, end, fragment.bytes),
            Compared::Repeated => counts.repeated += 1,
            Compared::Overlaps => {
                counts.overlapping += u64::from(!self.overlapping);
                self.overlapping = true;
                if fragment.is_ipv6 {
                    return Added::Discard;
                }
                self.fill(start, end, fragment.bytes);
            }
        }
        let is_whole = self
            .length
            .is_some_and(|length| self.pieces == [(0, length)]);
        if is_whole && !self.header.is_empty() {
            Added::Complete
        } else {
            Added::Waiting
        }
    }

    fn compare(&self, start: usize, end: usize, bytes: &[u8]) -> Compared {
        let mut touching = self
            .pieces
            .iter()
            .filter(|piece| piece.0 < end && start < piece.1);
        let Some(piece) = touching.next() else {
            return Compared::New;
        };
        let is_inside = piece.0 <= start && end <= piece.1;
        if is_inside && self.payload.get(start..end) == Some(bytes) {
            Compared::Repeated
        } else {
            Compared::Overlaps
        }
    }

    /// Puts bytes where nothing was before.
    fn insert(&mut self, start: usize, end: usize, bytes: &[u8]) {
        if start == end {
            return;
        }
        if self.payload.len() < end {
            self.payload.resize(end, 0);
        }
        self.payload[start..end].copy_from_slice(bytes);
        let at = self.pieces.partition_point(|piece| piece.0 < start);
        self.pieces.insert(at, (start, end));
        self.join(at);
    }

    /// Puts those bytes in that had not come before.
    fn fill(&mut self, start: usize, end: usize, bytes: &[u8]) {
        let mut from = start;
        let known: Vec<_> = self
            .pieces
            .iter()
            .copied()
            .filter(|piece| piece.0 < end && start < piece.1)
            .chain([(end, end)])
            .collect();
        for (known_start, known_end) in known {
            if from < known_start {
                self.insert(from, known_start, &bytes[from - start..known_start - start]);
            }
            from = from.max(known_end);
        }
    }

    /// Joins the piece at an index with the neighbours that it touches.
    fn join(&mut self, at: usize) {
        if let Some(&(next_start, next_end)) = self.pieces.get(at + 1)
            && self.pieces[at].1 == next_start
        {
            self.pieces[at].1 = next_end;
            self.pieces.remove(at + 1);
        }
        if at > 0 && self.pieces[at - 1].1 == self.pieces[at].0 {
            self.pieces[at - 1].1 = self.pieces[at].1;
            self.pieces.remove(at);
        }
    }

    /// The datagram with a header that says what it is now: no fragment, and as long as it is.
    fn write(&self, to: &mut Vec<u8>) {
        to.extend(&self.header);
        to.extend(&self.payload);
        let length = to.len();
        if self.header[0] >> 4 == 4 {
            // Beyond 65535 only where the header has options and the payload is as long as can be: then 0, as with offload.
            let total = u16::try_from(length).unwrap_or(0);
            to[2..4].copy_from_slice(&total.to_be_bytes());
            to[6] &= 0x40;
            to[7] = 0;
            to[10..12].fill(0);
            let checksum = !fold(sum(&to[..self.header.len()]));
            to[10..12].copy_from_slice(&checksum.to_be_bytes());
        } else {
            let total = u16::try_from(length - 40).unwrap_or(0);
            to[4..6].copy_from_slice(&total.to_be_bytes());
            // The fragment header stays, as that of a datagram in one piece (RFC 6946).
            let field = self.header.len() - 6;
            to[field..field + 2].fill(0);
        }
    }
}

enum Compared {
    New,
    Repeated,
    Overlaps,
}

/// The fragment in a packet; `None` if its lengths cannot be: not a multiple of eight although more follow, or nothing at all.
fn fragment_of<'a>(packet: &Packet<'a>) -> Option<Fragment<'a>> {
    let bytes = packet.fragment;
    let ip = packet
        .layers
        .iter()
        .rposition(|layer| matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_)))?;
    let fragment = match &packet.layers[ip] {
        Layer::Ipv4(header) => Fragment {
            key: Key {
                source: header.source().into(),
                destination: header.destination().into(),
                identification: header.identification().into(),
                protocol: header.protocol(),
            },
            offset: header.fragment_offset().into(),
            more: header.more_fragments(),
            header: (header.fragment_offset() == 0).then(|| header.bytes().to_vec()),
            bytes,
            is_ipv6: false,
        },
        Layer::Ipv6(header) => {
            let extensions = || {
                packet.layers[ip..].iter().filter_map(|layer| match layer {
                    Layer::Ipv6Extension(extension) => Some(extension),
                    _ => None,
                })
            };
            let (offset, more, identification) = extensions().next_back()?.fragment()?;
            let before = || {
                let chain = extensions().map(Ipv6Extension::bytes);
                chain.fold(header.bytes().to_vec(), |all, one| [&all, one].concat())
            };
            Fragment {
                key: Key {
                    source: header.source().into(),
                    destination: header.destination().into(),
                    identification,
                    protocol: 0,
                },
                offset: offset.into(),
                more,
                header: (offset == 0).then(before),
                bytes,
                is_ipv6: true,
            }
        }
        _ => return None,
    };
    let fits = !fragment.more || bytes.len().is_multiple_of(8) && !bytes.is_empty();
    fits.then_some(fragment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::{Frame, LinkType, decode, decode_reassembled};
    use etherparse::PacketBuilder;

    /// A TCP segment with this many bytes of payload, all different.
    fn datagram(payload: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..payload).map(|n| (n % 251) as u8).collect();
        let mut out = Vec::new();
        PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
            .tcp(1000, 80, 7, 100)
            .write(&mut out, &bytes)
            .unwrap();
        out
    }

    /// Bytes `from..to` of the datagram's payload as a fragment.
    fn fragment(whole: &[u8], from: usize, to: usize) -> Vec<u8> {
        let mut bytes = [&whole[..20], &whole[20 + from..20 + to]].concat();
        let more = if to + 20 < whole.len() { 0x2000 } else { 0 };
        let total = (20 + to - from) as u16;
        bytes[2..4].copy_from_slice(&total.to_be_bytes());
        bytes[6..8].copy_from_slice(&(more | (from / 8) as u16).to_be_bytes());
        bytes
    }

    fn frame(bytes: &[u8], seconds: i64) -> Frame<'_> {
        Frame {
            number: 1,
            time: Timestamp::from_nanos(seconds * NANOS_PER_SECOND),
            link: LinkType::RAW,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        }
    }

    fn add(reassembly: &mut Reassembly, bytes: &[u8], seconds: i64) -> Option<Vec<u8>> {
        let frame = frame(bytes, seconds);
        reassembly
            .add(&decode(&frame), frame.time)
            .map(<[u8]>::to_vec)
    }

    #[test]
    fn any_order_gives_the_datagram() {
        let whole = datagram(4000);
        let parts = [(0, 1480), (1480, 2960), (2960, 4020)];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
            let mut reassembly = Reassembly::default();
            let results = order.map(|at| {
                let (from, to) = parts[at];
                add(&mut reassembly, &fragment(&whole, from, to), 0)
            });
            assert!(results[0].is_none() && results[1].is_none());
            let got = results[2].clone().unwrap();
            // The checksum of etherparse's header knows other flags.
            assert_eq!(got[12..], whole[12..]);
            let last = fragment(&whole, 0, 1480);
            let last = decode(&frame(&last, 0));
            let packet = decode_reassembled(&last, &got);
            assert_eq!(packet.stop, None);
            assert_eq!(packet.ports(), Some((1000, 80)));
            assert_eq!(packet.transport_len, 4020);
            assert_eq!(reassembly.counts().reassembled, 1);
            assert_eq!((reassembly.bytes, reassembly.counts().incomplete), (0, 0));
        }
    }

    #[test]
    fn what_never_completes_is_counted_and_forgotten() {
        let whole = datagram(4000);
        let mut reassembly = Reassembly::default();
        assert!(add(&mut reassembly, &fragment(&whole, 0, 1480), 0).is_none());
        assert!(add(&mut reassembly, &fragment(&whole, 1480, 4020), 31).is_none());
        assert_eq!(reassembly.counts().incomplete, 2);
        assert_eq!(reassembly.datagrams.len(), 1);
    }

    #[test]
    fn memory_is_bounded() {
        let mut reassembly = Reassembly::default();
        let whole = datagram(60_000);
        for id in 0..20_000u16 {
            let mut bytes = fragment(&whole, 59_000 / 8 * 8, 59_512);
            bytes[4..6].copy_from_slice(&id.to_be_bytes());
            add(&mut reassembly, &bytes, 0);
            assert!(reassembly.bytes <= MOST_BYTES);
        }
        assert!(reassembly.datagrams.len() <= MOST_DATAGRAMS);
        assert_eq!(reassembly.counts().incomplete, 20_000);
        assert!(reassembly.order.len() <= MOST_DATAGRAMS + 1);
    }

    #[test]
    fn datagrams_that_grow_after_they_began_are_bounded_too() {
        let whole = datagram(60_000);
        let mut reassembly = Reassembly::default();
        for (from, to) in [(0, 8), (32, 40), (59_000, 59_008), (48, 56), (64, 72)] {
            for id in 0..MOST_DATAGRAMS as u16 {
                let mut bytes = fragment(&whole, from, to);
                bytes[4..6].copy_from_slice(&id.to_be_bytes());
                add(&mut reassembly, &bytes, 0);
            }
            let held = reassembly.datagrams.values().map(|datagram| {
                let pieces = 16 * datagram.pieces.capacity();
                datagram.header.capacity() + datagram.payload.capacity() + pieces
            });
            let held: usize = held.sum();
            assert_eq!(reassembly.bytes, held);
            assert!(held <= MOST_BYTES);
        }
    }

    #[test]
    fn what_was_completed_does_not_stay_behind_what_does_not_age() {
        let whole = datagram(2000);
        let numbered = |id: u16, from, to| {
            let mut bytes = fragment(&whole, from, to);
            bytes[4..6].copy_from_slice(&id.to_be_bytes());
            bytes
        };
        let mut reassembly = Reassembly::default();
        // Dated into the future; all others begin at one time, and most of them have one key.
        add(&mut reassembly, &numbered(9, 0, 1000), 1000);
        for n in 0..20_000 {
            let id = if n % 4 == 0 { n } else { 1 };
            assert!(add(&mut reassembly, &numbered(id, 0, 1000), 0).is_none());
            assert!(add(&mut reassembly, &numbered(id, 1000, 2020), 0).is_some());
            assert!(reassembly.order.len() <= SPARE + 3);
        }
        assert_eq!(reassembly.datagrams.len(), 1);
        assert!(add(&mut reassembly, &numbered(9, 1000, 2020), 0).is_some());
        assert_eq!(reassembly.counts().incomplete, 0);
    }

    #[test]
    fn of_overlapping_bytes_the_first_count() {
        let whole = datagram(2000);
        let mut reassembly = Reassembly::default();
        add(&mut reassembly, &fragment(&whole, 0, 1000), 0);
        let mut second = fragment(&whole, 800, 2020);
        second[20..220].fill(0xee);
        let got = add(&mut reassembly, &second, 0).unwrap();
        assert_eq!(got[20..], whole[20..]);
        assert_eq!(reassembly.counts().overlapping, 1);
    }

    #[test]
    fn a_fragment_may_come_twice() {
        let whole = datagram(2000);
        let mut reassembly = Reassembly::default();
        let (first, second) = (fragment(&whole, 0, 1000), fragment(&whole, 1000, 2020));
        add(&mut reassembly, &first, 0);
        add(&mut reassembly, &first, 0);
        assert!(add(&mut reassembly, &second, 0).is_some());
        // A copy of the last one alone is no new datagram.
        assert!(add(&mut reassembly, &second, 0).is_none());
        let counts = reassembly.counts();
        assert_eq!((counts.repeated, counts.incomplete), (2, 0));
    }

    #[test]
    fn impossible_lengths_are_counted() {
        let whole = datagram(65_000);
        let mut reassembly = Reassembly::default();
        let mut odd = fragment(&whole, 0, 1001);
        assert!(add(&mut reassembly, &odd, 0).is_none());
        odd = fragment(&whole, 0, 1000);
        // Offset 65528: beyond what a datagram can hold.
        odd[6..8].copy_from_slice(&0x1fffu16.to_be_bytes());
        assert!(add(&mut reassembly, &odd, 0).is_none());
        assert_eq!(reassembly.counts().malformed, 2);
    }

    #[test]
    fn ipv6_keeps_its_other_extension_headers_and_discards_overlaps() {
        let mut header = vec![0x60, 0, 0, 0, 0, 0, 0, 64];
        header.extend([1; 16]);
        header.extend([2; 16]);
        // Hop-by-hop options, then a fragment header.
        header.extend([44, 0, 1, 4, 0, 0, 0, 0]);
        let part = |offset: u16, more: u16, payload: &[u8]| {
            let mut bytes = header.clone();
            bytes.extend([6, 0]);
            bytes.extend((offset | more).to_be_bytes());
            bytes.extend([0, 0, 0, 9]);
            bytes.extend(payload);
            let length = (bytes.len() - 40) as u16;
            bytes[4..6].copy_from_slice(&length.to_be_bytes());
            bytes
        };
        let segment = &datagram(12)[20..];
        let mut reassembly = Reassembly::default();
        assert!(add(&mut reassembly, &part(24, 0, &segment[24..]), 0).is_none());
        let first = part(0, 1, &segment[..24]);
        let got = add(&mut reassembly, &first, 0).unwrap();
        let last = decode(&frame(&first, 0));
        let packet = decode_reassembled(&last, &got);
        assert_eq!((packet.stop, packet.transport_len), (None, 32));
        assert_eq!(packet.ports(), Some((1000, 80)));
        add(&mut reassembly, &part(0, 1, &segment[..24]), 9);
        add(&mut reassembly, &part(16, 0, &[7; 16]), 9);
        let counts = reassembly.counts();
        assert_eq!((counts.overlapping, counts.incomplete), (1, 0));
    }
}
