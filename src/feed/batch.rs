//! What the first half hands to the second: packets in the order of the capture.
//!
//! An ordinary run needs nothing of a packet but its segment. Segments therefore stand in a row by themselves, each written once into
//! the place where the tracking reads it, and everything else stands beside them, with the number of segments that came before it:
//! frames that somebody wants to see, what an ICMP error says, the first octets of a connection.

use super::SourceFigures;
use crate::analyzers::icmp_error::IcmpError;
use crate::analyzers::{self, Frame, LinkType, Packet};
use crate::capture::Interface;
use crate::tracking::Located;
use crate::tracking::encapsulation::Stack;
use crate::utils::time::Timestamp;
use std::ops::Range;

/// Packets in a batch: few enough that the batches under way stay in the second-level cache, many enough that handing them over
/// costs nothing.
const BATCH: usize = 256;
/// Bytes of packets and comments from which on a batch is full however few they are, and for which an empty one keeps room: a single
/// frame may have 16 MiB, and batches wait for a reader of the output that is slow.
const FULL_AT_BYTES: usize = 1 << 20;

/// Packets in the order of the capture.
#[derive(Debug, Default)]
pub struct Batch {
    /// Time of the first packet of the capture.
    pub since: Option<Timestamp>,
    /// How far the source is, if it was looked up lately.
    pub figures: Option<SourceFigures>,
    /// Interfaces that the source told of, if somebody wants to see packets.
    pub interfaces: Vec<Interface>,
    /// Stacks of tags and tunnels that were not seen before.
    pub stacks: Vec<Stack>,
    /// What somebody wrote about frames in the capture, by the frames' numbers.
    comments: Vec<(u64, Vec<String>)>,
    /// The bytes of that.
    comment_bytes: usize,
    /// Places for segments, of which the first `segments` are taken. The others hold what they held in an earlier batch.
    places: Vec<Located>,
    segments: usize,
    /// Packets of which more is wanted than the segment.
    kept: Vec<Kept>,
    /// Payloads that may be the first of a connection, by the place of their segment.
    payloads: Vec<(usize, Range<usize>)>,
    /// The bytes of those that are kept, and of payloads, one after the other.
    bytes: Vec<u8>,
    /// All of them, whatever they are.
    packets: usize,
}

/// A packet of which more is wanted than its segment: all that passed the selection if somebody wants to see them, otherwise those
/// that are no segments and of which the tracking or the alerts want to know.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What an ICMP error says of a segment.
    pub icmp_error: Option<Box<IcmpError>>,
    /// Segments that came before it.
    behind: usize,
    is_segment: bool,
    number: u64,
    time: Timestamp,
    link: LinkType,
    interface: u32,
    wire_len: u32,
    bytes: Range<usize>,
    /// The datagram that it completes with its fragment; empty if it does not.
    datagram: Range<usize>,
}

/// A packet of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// For TCP: the segment.
    pub segment: Option<&'a Located>,
    /// Its payload, if it may be among the first octets of a connection; nothing otherwise.
    pub payload: &'a [u8],
    /// What else was kept of it.
    pub kept: Option<&'a Kept>,
}

impl Batch {
    /// Makes it empty again, ready to be filled anew. Memory that one uncommon batch took is not kept.
    pub fn clear(&mut self) {
        (self.segments, self.packets) = (0, 0);
        self.kept.clear();
        self.payloads.clear();
        self.bytes.clear();
        self.bytes.shrink_to(FULL_AT_BYTES);
        (self.since, self.figures) = (None, None);
        self.interfaces.clear();
        self.stacks.clear();
        self.comments.clear();
        self.comment_bytes = 0;
    }

    /// Whether it has as many packets as a batch is to have, or as many bytes.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.packets >= BATCH || self.bytes.len() + self.comment_bytes >= FULL_AT_BYTES
    }

    /// Whether it has no packets.
    pub fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// The segments.
    pub fn segments(&self) -> &[Located] {
        self.places.get(..self.segments).unwrap_or_default()
    }

    /// The packets.
    pub fn packets(&self) -> Packets<'_> {
        Packets {
            batch: self,
            segments: self.segments().iter(),
            given: 0,
            kept: self.kept.iter(),
            payloads: self.payloads.iter(),
        }
    }

    /// The place for the next segment, which [`Batch::put_segment`] then takes.
    #[inline]
    pub(super) fn next_place(&mut self) -> &mut Located {
        if self.segments >= self.places.len() {
            self.add_place();
        }
        &mut self.places[self.segments]
    }

    #[cold]
    fn add_place(&mut self) {
        self.places.push(Located::empty());
    }

    /// Takes the next place as it was filled, with as much of its payload as may be the first of its connection.
    #[inline]
    pub(super) fn put_segment(&mut self, payload: &[u8]) {
        if !payload.is_empty() {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(payload);
            self.payloads.push((self.segments, start..self.bytes.len()));
        }
        self.segments += 1;
        self.packets += 1;
    }

    /// Keeps more of a packet: of the segment that was put last, or of one that is none. With its bytes and those of the datagram
    /// that it completes, if they are to be seen.
    pub(super) fn keep(
        &mut self,
        frame: &Frame<'_>,
        is_segment: bool,
        icmp_error: Option<IcmpError>,
        bytes: &[u8],
        datagram: &[u8],
    ) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.kept.push(Kept {
            icmp_error: icmp_error.map(Box::new),
            behind: self.segments - usize::from(is_segment),
            is_segment,
            number: frame.number,
            time: frame.time,
            link: frame.link,
            interface: frame.interface,
            wire_len: frame.wire_len,
            bytes: start..middle,
            datagram: middle..self.bytes.len(),
        });
        self.packets += usize::from(!is_segment);
    }

    /// Keeps what somebody wrote about a frame.
    pub(super) fn keep_comments(&mut self, frame: u64, comments: Vec<String>) {
        self.comment_bytes += comments.iter().map(String::len).sum::<usize>();
        self.comments.push((frame, comments));
    }

    /// What somebody wrote about a frame.
    pub fn comments_of(&self, number: u64) -> &[String] {
        let mut all = self.comments.iter();
        all.find(|(frame, _)| *frame == number)
            .map_or(&[], |(_, comments)| comments)
    }

    fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// Goes through the packets of a batch in the order of the capture.
#[derive(Clone, Debug)]
pub struct Packets<'a> {
    batch: &'a Batch,
    segments: std::slice::Iter<'a, Located>,
    /// Segments that were given so far.
    given: usize,
    kept: std::slice::Iter<'a, Kept>,
    payloads: std::slice::Iter<'a, (usize, Range<usize>)>,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Taken<'a>;

    #[inline]
    fn next(&mut self) -> Option<Taken<'a>> {
        let kept = match self.kept.as_slice() {
            [kept, ..] if kept.behind == self.given => self.kept.next(),
            _ => None,
        };
        if kept.is_some_and(|kept| !kept.is_segment) {
            return Some(Taken {
                segment: None,
                payload: &[],
                kept,
            });
        }
        let segment = self.segments.next()?;
        let payload = match self.payloads.as_slice() {
            [(place, range), ..] if *place == self.given => {
                self.payloads.next();
                self.batch.bytes(range)
            }
            _ => &[],
        };
        self.given += 1;
        Some(Taken {
            segment: Some(segment),
            payload,
            kept,
        })
    }
}

impl Taken<'_> {
    /// When it was captured.
    pub fn time(&self) -> Timestamp {
        let of_segment = self.segment.map(|located| located.segment.time);
        of_segment
            .or_else(|| self.kept.map(|kept| kept.time))
            .unwrap_or_default()
    }
}

impl Kept {
    /// The frame's number and time.
    pub fn place(&self) -> (u64, Timestamp) {
        (self.number, self.time)
    }

    /// The frame again.
    pub fn frame<'a>(&self, batch: &'a Batch) -> Frame<'a> {
        Frame {
            number: self.number,
            time: self.time,
            link: self.link,
            interface: self.interface,
            wire_len: self.wire_len,
            bytes: batch.bytes(&self.bytes),
        }
    }

    /// The frame, taken apart again; with the datagram that it completes, if it does.
    pub fn packet<'a>(&self, frame: &Frame<'a>, batch: &'a Batch) -> Packet<'a> {
        let packet = analyzers::decode(frame);
        match batch.bytes(&self.datagram) {
            [] => packet,
            datagram => analyzers::decode_reassembled(&packet, datagram),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, bytes: &[u8]) -> Frame<'_> {
        Frame {
            number,
            time: Timestamp::from_nanos(number as i64),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        }
    }

    fn put(batch: &mut Batch, number: u64, payload: &[u8]) {
        batch.next_place().segment.frame = number;
        batch.put_segment(payload);
    }

    /// Number, payload and bytes of each packet; the number negative where it is no segment.
    fn told(batch: &Batch) -> Vec<(i64, Vec<u8>, Vec<u8>)> {
        let one = |taken: Taken<'_>| {
            let bytes = taken.kept.map_or(&[][..], |kept| kept.frame(batch).bytes);
            let number = match (taken.segment, taken.kept) {
                (Some(located), _) => located.segment.frame as i64,
                (None, kept) => -(kept.expect("one of them").number as i64),
            };
            (number, taken.payload.to_vec(), bytes.to_vec())
        };
        batch.packets().map(one).collect()
    }

    #[test]
    fn what_stands_beside_the_segments_comes_in_its_turn() {
        let mut batch = Batch::default();
        for _ in 0..2 {
            assert!(batch.is_empty() && told(&batch).is_empty());
            batch.keep(&frame(1, b"one"), false, None, b"one", b"");
            put(&mut batch, 2, b"");
            put(&mut batch, 3, b"three");
            batch.keep(&frame(3, b"whole"), true, None, b"whole", b"");
            batch.keep(&frame(4, b""), false, None, b"", b"");
            batch.keep(&frame(5, b"five"), false, None, b"five", b"");
            put(&mut batch, 6, b"six");
            batch.keep(&frame(7, b"seven"), false, None, b"seven", b"");
            let expected: [(i64, &[u8], &[u8]); 7] = [
                (-1, b"", b"one"),
                (2, b"", b""),
                (3, b"three", b"whole"),
                (-4, b"", b""),
                (-5, b"", b"five"),
                (6, b"six", b""),
                (-7, b"", b"seven"),
            ];
            let expected = expected.map(|(number, a, b)| (number, a.to_vec(), b.to_vec()));
            assert_eq!(told(&batch), expected);
            assert_eq!((batch.packets, batch.segments().len()), (7, 3));
            batch.clear();
        }
    }

    /// What announces 4 GiB in a few kilobytes of gzip is handed over in pieces, as it comes.
    #[test]
    fn few_large_frames_fill_it_as_many_small_ones_do() {
        let mut batch = Batch::default();
        let large = vec![0; FULL_AT_BYTES / 2];
        for (is_full, number) in [(false, 1), (true, 2)] {
            batch.keep(&frame(number, &large), false, None, &large, b"");
            assert_eq!(batch.is_full(), is_full);
        }
        batch.clear();
        assert!(!batch.is_full());
        let comment = "a".repeat(FULL_AT_BYTES / 4);
        for (is_full, number) in [(false, 1), (true, 2)] {
            batch.keep_comments(number, vec![comment.clone(), comment.clone()]);
            assert_eq!(batch.is_full(), is_full);
        }
        batch.clear();
        assert!(!batch.is_full() && batch.comments_of(1).is_empty());
    }
}
