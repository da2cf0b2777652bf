//! A TCP segment as the tracking sees it: a small copy of what one packet says, without the packet.

use super::encapsulation::EncapsulationId;
use crate::analyzers::tcp::{Flags, Tcp};
use crate::analyzers::tcp_options::OptionSummary;
use crate::analyzers::{Checksum, Frame, Ip, Layer, Packet, Plain};
use crate::utils::addressing::Endpoint;
use crate::utils::seq::Seq;
use crate::utils::time::Timestamp;

/// How much of the TCP header there was to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// All of it.
    Whole,
    /// The snap length cut it somewhere behind the window: the options are unknown, not absent (ANALYSIS.md 10.3).
    Cut,
    /// It claims fewer than 20 bytes. The numbers count, options do not.
    TooShort,
    /// It claims more bytes than the IP payload has. Nothing behind the ports can be relied on.
    TooLong,
}

/// Where a segment was seen: on which interface, which way it passed, and in which tags and tunnels. Captures on several
/// interfaces see one packet at several places; a sender cannot do that. A short number; that two places have the same one is
/// rare and does little harm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Place(u16);

impl Place {
    fn of(frame: &Frame<'_>, packet: &Packet<'_>) -> Self {
        let interface = packet.interface_index().unwrap_or(frame.interface);
        let way = match packet.layers.first() {
            Some(Layer::LinuxCookedV1(header)) => header.packet_type(),
            Some(Layer::LinuxCookedV2(header)) => header.packet_type().into(),
            _ => 0,
        };
        Self::new(interface, way)
    }

    /// The place on an interface where packets pass this way; 0 where it is not known.
    fn new(interface: u32, way: u16) -> Self {
        let mixed = interface
            .wrapping_mul(8)
            .wrapping_add(u32::from(way))
            .wrapping_mul(0x9e37_79b1);
        Self((mixed ^ mixed >> 16) as u16)
    }
}

/// One segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// The frame that carried it, from 1.
    pub frame: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Length of its frame on the wire in bytes.
    pub wire_len: u32,
    /// Sequence number of its first octet.
    pub seq: Seq,
    /// Acknowledgment number as sent, with or without the ACK flag.
    pub ack: Seq,
    /// The nine flags.
    pub flags: Flags,
    /// Receive window before scaling.
    pub window: u16,
    /// Urgent pointer; 0 if not captured.
    pub urgent: u16,
    /// Octets of payload, as the IP header claims; never more than the frame had on the wire.
    pub payload_len: u32,
    /// How many of them were captured.
    pub payload_captured: u32,
    /// How much of the header there was to read.
    pub header: Header,
    /// What its options say.
    pub options: OptionSummary,
    /// Time to live or hop limit of its IP header.
    pub hops_left: u8,
    /// ECN field of its IP header, 0 to 3; 3 is "congestion experienced" (RFC 3168 §5).
    pub ecn: u8,
    /// Identification of its IPv4 header; `None` on IPv6.
    pub ip_id: Option<u16>,
    /// What its checksum is worth; `None` if it was not captured whole.
    pub checksum: Option<Checksum>,
    /// The tags and tunnels it came in.
    pub encapsulation: EncapsulationId,
    /// Where it was seen.
    pub place: Place,
}

impl Segment {
    /// The segment of a packet with its sender and receiver; `None` if the packet is not TCP. What it came in is still to be told.
    pub fn of(frame: &Frame<'_>, packet: &Packet<'_>) -> Option<(Endpoint, Endpoint, Segment)> {
        let mut segment = Self::empty();
        let (sender, receiver) = segment.fill(frame, packet)?;
        Some((sender, receiver, segment))
    }

    /// Makes it the segment of a packet, in place of what it was before, and returns the sender and the receiver; changes nothing
    /// and returns `None` if the packet is not TCP. What it came in is still to be told.
    #[inline]
    pub fn fill(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) -> Option<(Endpoint, Endpoint)> {
        let (tcp, ip) = (packet.tcp()?, packet.ip()?);
        let ends = self.fill_from(frame, &ip, tcp, packet.transport_len);
        let claimed = tcp.header_len() as u32;
        self.header = match claimed {
            0..20 => Header::TooShort,
            _ if claimed > packet.transport_len => Header::TooLong,
            _ if !tcp.is_whole() => Header::Cut,
            _ => Header::Whole,
        };
        self.place = Place::of(frame, packet);
        Some(ends)
    }

    /// The same of a plain packet, which came in nothing.
    #[inline(always)]
    pub fn fill_plain(&mut self, frame: &Frame<'_>, plain: &Plain<'_>) -> (Endpoint, Endpoint) {
        self.header = Header::Whole;
        self.place = Place::new(frame.interface, 0);
        self.fill_from(frame, &plain.ip, plain.tcp, plain.transport_len)
    }

    /// Fills in what the headers say, and returns the sender and the receiver.
    #[inline(always)]
    fn fill_from(
        &mut self,
        frame: &Frame<'_>,
        ip: &Ip<'_>,
        tcp: Tcp<'_>,
        transport_len: u32,
    ) -> (Endpoint, Endpoint) {
        let claimed = tcp.header_len() as u32;
        // One field after the other, each written once to where it is read: a segment is too large to be handed around.
        self.frame = frame.number;
        self.time = frame.time;
        self.wire_len = frame.wire_len;
        self.seq = tcp.seq();
        self.ack = tcp.ack();
        self.flags = tcp.flags();
        self.window = tcp.window();
        self.urgent = tcp.urgent_pointer().unwrap_or(0);
        self.payload_len = transport_len.saturating_sub(claimed);
        self.payload_captured = tcp.bytes().len().saturating_sub(claimed as usize) as u32;
        tcp.options().summarize_into(&mut self.options);
        self.hops_left = ip.hops_left();
        self.ecn = ip.ecn();
        self.ip_id = ip.identification();
        self.checksum = Checksum::of(tcp, ip, transport_len);
        self.encapsulation = EncapsulationId::PLAIN;
        let sender = Endpoint::new(ip.source(), tcp.source_port());
        let receiver = Endpoint::new(ip.destination(), tcp.destination_port());
        (sender, receiver)
    }

    /// One of which nothing is known, to be filled.
    pub(super) fn empty() -> Self {
        Segment {
            frame: 0,
            time: Timestamp::default(),
            wire_len: 0,
            seq: Seq(0),
            ack: Seq(0),
            flags: Flags::default(),
            window: 0,
            urgent: 0,
            payload_len: 0,
            payload_captured: 0,
            header: Header::Cut,
            options: OptionSummary::default(),
            hops_left: 0,
            ecn: 0,
            ip_id: None,
            checksum: None,
            encapsulation: EncapsulationId::PLAIN,
            place: Place::default(),
        }
    }

    /// The same segment in tags and tunnels.
    #[inline]
    pub fn put_inside(&mut self, encapsulation: EncapsulationId) {
        self.encapsulation = encapsulation;
        self.place.0 ^= encapsulation.number();
    }

    /// Octets of sequence space: payload, one for SYN, one for FIN (RFC 9293 §3.4).
    pub const fn sequence_len(&self) -> u32 {
        self.payload_len
            .wrapping_add(self.flags.syn() as u32)
            .wrapping_add(self.flags.fin() as u32)
    }

    /// The position behind its last octet.
    pub const fn end(&self) -> Seq {
        self.seq.plus(self.sequence_len())
    }

    /// Position of the first octet of payload: behind the SYN, if there is one.
    pub const fn data_start(&self) -> Seq {
        self.seq.plus(self.flags.syn() as u32)
    }

    /// ACK and nothing else that takes sequence space or resets.
    pub const fn is_pure_ack(&self) -> bool {
        self.flags.ack() && self.sequence_len() == 0 && !self.flags.rst()
    }
}

#[cfg(test)]
impl Segment {
    /// A plain acknowledgment in a whole frame, for tests to change where it matters.
    pub fn example() -> Segment {
        Segment {
            frame: 1,
            time: Timestamp::from_nanos(0),
            wire_len: 54,
            seq: Seq(0),
            ack: Seq(0),
            flags: Flags::ACK,
            window: 1000,
            urgent: 0,
            payload_len: 0,
            payload_captured: 0,
            header: Header::Whole,
            options: OptionSummary::default(),
            hops_left: 64,
            ecn: 0,
            ip_id: None,
            checksum: None,
            encapsulation: EncapsulationId::PLAIN,
            place: Place::default(),
        }
    }
}
