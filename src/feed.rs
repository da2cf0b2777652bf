//! The first half of the straight line, on a thread of its own: source → frame → select → save → decode → segment. The second
//! half, from the tracking on, takes the segments in batches from a queue of bounded length, so that a capture never waits for
//! the terminal while the queue has room, and both halves have a processor.
//!
//! In an ordinary run, where nothing is wanted of a packet but its segment, a plain packet goes a short way: its two headers are
//! written into the segment as they stand, without the layers that everything else is told by.
//!
//! The order of packets is kept. A batch ends when it is full or when the source has nothing more, so that no live packet waits
//! for others.

mod batch;

pub use batch::{Batch, Kept, Packets, Taken};

use crate::analyzers::icmp_error::IcmpError;
use crate::analyzers::other::Other;
use crate::analyzers::{self, Frame, Ip, LayerName, Packet, Plain, Stop, Why};
use crate::capture::bpf::Filter;
use crate::capture::pcap_writer::PcapWriter;
use crate::capture::{Drops, End, Next, Source};
use crate::reassembly::Reassembly;
use crate::selection::Selection;
use crate::settings::Wanted;
use crate::tracking::encapsulation::Encapsulations;
use crate::tracking::names::Names;
use crate::tracking::opening_table::OpeningTable;
use crate::tracking::totals::Totals;
use crate::tracking::udp::UdpConversations;
use crate::tracking::{PairHasher, Segment};
use crate::utils::addressing::Endpoint;
use crate::utils::time::Timestamp;
use anyhow::Result;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

/// Batches that there are at most, filled ones and empty ones together.
pub const BATCHES: usize = 8;
/// So many empty batches are given back together: waking a thread costs as much as a hundred packets.
pub const GIVEN_BACK: usize = BATCHES / 2;
/// Frames, wanted or not, between two looks at the clock.
const LOOK_UP_EVERY: u32 = 1024;
/// How often the source is asked how far it is and what was dropped.
const FIGURES_EVERY: Duration = Duration::from_millis(100);

/// A claim to an address stands among the first so many octets of its frame, whatever it is wrapped in; padding follows.
const LONGEST_CLAIM: usize = 4096;

/// How far a source is.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceFigures {
    /// Packets that passed the selection.
    pub packets: u64,
    /// Their octets on the wire.
    pub bytes: u64,
    /// Packets that were dropped before they could be captured.
    pub drops: Drops,
    /// The latest time of any packet.
    pub time: Timestamp,
    /// The share of a file that was read.
    pub share: Option<f64>,
}

/// Where frames come from, and what is done with them.
pub struct Feed {
    /// Where frames come from.
    pub source: Box<dyn Source>,
    /// What is done with them.
    pub intake: Intake,
}

/// What is done with each frame before the tracking sees it.
#[derive(Default)]
pub struct Intake {
    /// Which frames are wanted, by their bytes.
    pub filter: Option<Filter>,
    /// Which packets are wanted, by what was decoded.
    pub selection: Selection,
    /// Where they are saved.
    pub writer: Option<PcapWriter>,
    /// When enough was seen.
    pub wanted: Wanted,
    /// Makes the numbers by which connections are looked for.
    pub hasher: PairHasher,
    /// Whether packets are to be seen, not only segments.
    pub shown: bool,
    /// What was in the capture as a whole.
    pub totals: Totals,
    /// UDP conversations.
    pub udp: UdpConversations,
    /// Names from DNS answers over UDP, if they are wanted.
    pub names: Option<Names>,
    /// Which connections are opening.
    pub openings: OpeningTable,
    /// Fragments that wait for others.
    pub reassembly: Reassembly,
    /// The tags and tunnels that were seen.
    pub encapsulations: Encapsulations,
    /// What somebody wrote about the next frame.
    pub comments: Vec<String>,
    /// The batch in the making.
    pub batch: Batch,
}

/// Whether to go on.
#[derive(PartialEq, Eq)]
enum Go {
    On,
    End,
}

impl Feed {
    /// Reads until the source ends, enough was seen, somebody wants it to end, or nobody takes the batches any more. Batches that
    /// come back are used again.
    pub fn run(
        &mut self,
        interrupted: &AtomicBool,
        to: &SyncSender<Batch>,
        back: &Receiver<Batch>,
    ) -> Result<End> {
        let mut made = 1;
        let result = self.read(interrupted, &mut |batch| {
            let sent = to.send(std::mem::take(batch)).is_ok();
            let given_back = match back.try_recv() {
                Err(_) if made < BATCHES => {
                    made += 1;
                    Ok(Batch::default())
                }
                Err(_) => back.recv(),
                Ok(empty) => Ok(empty),
            };
            given_back.map(|empty| *batch = empty).is_ok() && sent
        });
        // Nobody takes it any more where an output failed, which its own side knows.
        let _ = to.send(std::mem::take(&mut self.intake.batch));
        result
    }

    fn read(
        &mut self,
        interrupted: &AtomicBool,
        send: &mut impl FnMut(&mut Batch) -> bool,
    ) -> Result<End> {
        let Self { source, intake } = self;
        let began = Instant::now();
        let mut looked = began;
        let mut since_look = 0;
        let is_ordinary = intake.is_ordinary();
        while !interrupted.load(Ordering::Relaxed) {
            // Looked at where it is, not moved: the processor would wait for every write before it (see `Record::interface`).
            let next = source.next();
            let idle = match next {
                Err(error) => return Err(error),
                Ok(Next::End(end)) => return Ok(end),
                Ok(Next::Interface(interface)) => {
                    if let Some(writer) = &mut intake.writer {
                        writer.add_interface(interface)?;
                    }
                    if intake.shown {
                        intake.batch.interfaces.push(interface.clone());
                    }
                    false
                }
                Ok(Next::Comments(comments)) => {
                    intake.comments = comments;
                    false
                }
                Ok(Next::Idle) => {
                    if let Some(writer) = &mut intake.writer {
                        writer.flush()?;
                    }
                    true
                }
                Ok(Next::Frame(ref frame)) => {
                    let go = if is_ordinary && intake.take_plain(frame) {
                        Go::On
                    } else {
                        intake.take(frame)?
                    };
                    if !intake.comments.is_empty() {
                        intake.comments.clear();
                    }
                    if go == Go::End {
                        break;
                    }
                    false
                }
            };
            since_look += 1;
            if !idle && since_look < LOOK_UP_EVERY && !intake.batch.is_full() {
                continue;
            }
            since_look = 0;
            let now = Instant::now();
            if now.duration_since(looked) >= FIGURES_EVERY {
                looked = now;
                intake.batch.figures = Some(SourceFigures {
                    packets: intake.totals.all.packets,
                    bytes: intake.totals.all.bytes,
                    drops: source.drops(),
                    time: intake.totals.last.unwrap_or_default(),
                    share: source.progress(),
                });
            }
            let limit = intake.wanted.duration_live;
            if !send(&mut intake.batch)
                || limit.is_some_and(|limit| now.duration_since(began) >= limit)
            {
                break;
            }
        }
        Ok(End::Finished)
    }
}

impl Intake {
    /// Whether every packet is wanted, and nothing of it but its segment.
    fn is_ordinary(&self) -> bool {
        let is_selective = self.filter.is_some() || !self.selection.wants_all();
        !is_selective && self.wanted.is_unlimited() && self.writer.is_none() && !self.shown
    }

    /// The short way of [`Intake::take`] in an ordinary run: takes in a frame if it is a plain packet, and returns whether it is.
    /// Such a packet is all segment: no part of a datagram, in no tunnel, and nothing else is to be learnt from it.
    #[inline(never)]
    fn take_plain(&mut self, frame: &Frame<'_>) -> bool {
        let Some(plain) = Plain::of(frame) else {
            return false;
        };
        // Compiled once for each version of IP, so that nothing asks again and again which one it is.
        match plain.ip {
            Ip::V4(ip) => self.put_plain(frame, &plain.over(Ip::V4(ip))),
            Ip::V6(ip) => self.put_plain(frame, &plain.over(Ip::V6(ip))),
        }
        true
    }

    #[inline(always)]
    fn put_plain(&mut self, frame: &Frame<'_>, plain: &Plain<'_>) {
        self.totals.add_plain(frame, &plain.ip);
        let located = self.batch.next_place();
        let (sender, receiver) = located.segment.fill_plain(frame, plain);
        located.hash = self.hasher.hash(sender, receiver);
        (located.sender, located.receiver) = (sender, receiver);
        let ends = (sender, receiver);
        let payload = first_octets(&mut self.openings, ends, &located.segment, || {
            plain.tcp.payload()
        });
        self.batch.put_segment(payload);
    }

    /// Takes in a frame: select, save, decode, and put into the batch.
    fn take(&mut self, frame: &Frame<'_>) -> Result<Go> {
        if self.is_too_late(frame.time) {
            return Ok(Go::End);
        }
        if let Some(filter) = &mut self.filter
            && !filter.matches(frame)?
        {
            self.totals.leave_out(frame);
            return Ok(Go::On);
        }
        let mut packet = Packet::default();
        analyzers::decode_into(frame, &mut packet);
        let whole = whole_datagram(&mut self.reassembly, frame, &packet);
        if let Some(whole) = whole {
            packet = analyzers::decode_reassembled(&packet, whole);
        }
        if !self.selection.wants(&packet) {
            self.totals.leave_out(frame);
            return Ok(Go::On);
        }
        if let Some(writer) = &mut self.writer {
            writer.write(frame, &self.comments)?;
        }
        self.totals.add(frame, &packet);
        if self.shown {
            self.batch.since = self.totals.first;
            if !self.comments.is_empty() {
                let comments = std::mem::take(&mut self.comments);
                self.batch.keep_comments(frame.number, comments);
            }
        }
        let is_segment = put_segment(
            &mut self.batch,
            (&self.hasher, &mut self.openings),
            &mut self.encapsulations,
            frame,
            &packet,
        );
        let icmp_error = if is_segment {
            None
        } else {
            beside_tcp(&mut self.udp, self.names.as_mut(), frame, &packet)
        };
        // The alerts look at ARP, whether or not anybody wants to see it.
        let is_claim = !is_segment && packet.other().and_then(Other::arp_claim).is_some();
        if self.shown || icmp_error.is_some() || is_claim {
            let (bytes, datagram) = if self.shown {
                (frame.bytes, whole.unwrap_or_default())
            } else if is_claim {
                let first = frame.bytes.len().min(LONGEST_CLAIM);
                (&frame.bytes[..first], &[][..])
            } else {
                (&[][..], &[][..])
            };
            self.batch
                .keep(frame, is_segment, icmp_error, bytes, datagram);
        }
        let enough = self
            .wanted
            .packets
            .is_some_and(|limit| self.totals.all.packets >= limit);
        Ok(if enough { Go::End } else { Go::On })
    }

    /// For files: whether the wanted part of the capture is over.
    fn is_too_late(&self, time: Timestamp) -> bool {
        let begin = self.totals.first.unwrap_or(time);
        self.wanted
            .duration_of_file
            .is_some_and(|limit| time.since(begin) > limit)
    }
}

/// Puts the segment of a packet into the batch, if it has one; says whether it has.
#[inline]
fn put_segment(
    batch: &mut Batch,
    (hasher, openings): (&PairHasher, &mut OpeningTable),
    encapsulations: &mut Encapsulations,
    frame: &Frame<'_>,
    packet: &Packet<'_>,
) -> bool {
    let located = batch.next_place();
    if !located.fill(frame, packet, hasher) {
        return false;
    }
    let known = encapsulations.len();
    located.segment.put_inside(encapsulations.of(packet));
    let ends = (located.sender, located.receiver);
    let payload = first_octets(openings, ends, &located.segment, || packet.tcp_payload());
    batch.put_segment(payload);
    if encapsulations.len() > known {
        batch.stacks.extend_from_slice(encapsulations.since(known));
    }
    true
}

/// So much of a segment's payload as may be among the first octets of its connection.
#[inline(always)]
fn first_octets<'a>(
    openings: &mut OpeningTable,
    (sender, receiver): (Endpoint, Endpoint),
    segment: &Segment,
    payload: impl Fn() -> &'a [u8],
) -> &'a [u8] {
    if segment.flags.syn() {
        openings.open(sender, receiver);
    }
    if segment.payload_len == 0 {
        return &[];
    }
    let payload = payload();
    let first = openings.take(sender, receiver, payload.len());
    payload.get(..first).unwrap_or_default()
}

/// Counts a UDP packet and learns from it. Returns what an ICMP error says of a segment.
fn beside_tcp(
    udp: &mut UdpConversations,
    names: Option<&mut Names>,
    frame: &Frame<'_>,
    packet: &Packet<'_>,
) -> Option<IcmpError> {
    if let Some(Other::Udp(_)) = packet.other() {
        udp.observe(frame, packet);
        if let Some(names) = names {
            names.observe(frame.time, packet);
        }
    }
    IcmpError::of(packet)
}

/// The datagram that a packet completes with its fragment; nearly no packet does.
#[inline]
fn whole_datagram<'a>(
    reassembly: &'a mut Reassembly,
    frame: &Frame<'_>,
    packet: &Packet<'_>,
) -> Option<&'a [u8]> {
    match packet.stop {
        Some(Stop {
            layer: LayerName::Ipv4 | LayerName::Ipv6,
            why: Why::Fragment,
        }) => reassembly.add(packet, frame.time),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
