//! `-vv`: the packet as an onion, layer by layer, each field with its width, value and meaning, the way a student wants to read
//! it, and with the document that defines each header.

use super::packet_lines::{Said, one_option};
use super::style::Style;
use super::{Output, Seen};
use crate::analyzers::ethernet::{EtherType, Ethernet, Next, VlanTag};
use crate::analyzers::ipv4::Ipv4;
use crate::analyzers::ipv6::{Ipv6, Ipv6Extension};
use crate::analyzers::linux_cooked_v1::{LinuxCookedV1, packet_type_name};
use crate::analyzers::linux_cooked_v2::LinuxCookedV2;
use crate::analyzers::tcp::{Flags, Tcp};
use crate::analyzers::tcp_options::TcpOption;
use crate::analyzers::{Layer, Packet, ip_protocol_name};
use crate::tracking::{Direction, Event};
use crate::utils::{format, protocol_maps};
use anyhow::Result;
use owo_colors::OwoColorize;
use std::fmt::{self, Display, Formatter};
use std::io::Write;

/// Takes each packet apart.
#[derive(Debug)]
pub struct Onion {
    /// How to show it.
    pub style: Style,
}

impl Output for Onion {
    fn packet(&mut self, seen: &Seen<'_>, to: &mut dyn Write) -> Result<()> {
        let frame = seen.frame;
        let title = format!("Frame {}", frame.number);
        let title = if self.style.color {
            title.bold().to_string()
        } else {
            title
        };
        let (wire, captured) = (frame.wire_len, frame.bytes.len());
        writeln!(
            to,
            "{title}: {wire} bytes on the wire, {captured} captured, {}, {} s after the first",
            format::date_and_time(frame.time),
            format::seconds(seen.since_start)
        )?;
        for layer in &seen.packet.layers {
            self.block(&layer_fields(layer, seen), to)?;
        }
        if let Some(stop) = seen.packet.stop {
            writeln!(
                to,
                "  Not read further: {} is {}.",
                stop.layer,
                stop.why.name()
            )?;
        }
        if let Some(event) = seen.event {
            self.block(&tracked(event), to)?;
        }
        writeln!(to)?;
        Ok(())
    }
}

/// One layer: its name, where it is defined, and its fields.
struct Block {
    title: &'static str,
    source: &'static str,
    fields: Vec<Field>,
}

struct Field {
    name: &'static str,
    /// Width in bits; 0 where it varies or is none.
    bits: u16,
    value: String,
    meaning: String,
}

impl Block {
    fn new(title: &'static str, source: &'static str) -> Self {
        Self {
            title,
            source,
            fields: Vec::new(),
        }
    }

    fn field(
        mut self,
        name: &'static str,
        bits: u16,
        value: impl Display,
        meaning: impl Display,
    ) -> Self {
        self.fields.push(Field {
            name,
            bits,
            value: value.to_string(),
            meaning: meaning.to_string(),
        });
        self
    }
}

impl Onion {
    fn block(&self, block: &Block, to: &mut dyn Write) -> Result<()> {
        let source = if block.source.is_empty() {
            String::new()
        } else {
            format!("  ({})", block.source)
        };
        if self.style.color {
            writeln!(
                to,
                "  {}{}",
                block.title.cyan().bold(),
                source.bright_black()
            )?;
        } else {
            writeln!(to, "  {}{source}", block.title)?;
        }
        for Field {
            name,
            bits,
            value,
            meaning,
        } in &block.fields
        {
            let bits = if *bits == 0 {
                String::new()
            } else {
                format!("{bits} bit")
            };
            let line = format!("    {name:<24} {bits:>7}  {value:<24} {meaning}");
            writeln!(to, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn layer_fields(layer: &Layer<'_>, seen: &Seen<'_>) -> Block {
    match layer {
        Layer::Ethernet(header) => ethernet(header),
        Layer::Vlan(tag) => vlan(tag),
        Layer::LinuxCookedV1(header) => cooked_v1(header),
        Layer::LinuxCookedV2(header) => cooked_v2(header),
        Layer::Loopback(header) => Block::new("BSD loopback", "tcpdump.org LINKTYPE_NULL").field(
            "Address family",
            32,
            header.family(),
            header
                .protocol()
                .and_then(EtherType::name)
                .unwrap_or("unknown"),
        ),
        Layer::Ipv4(header) => ipv4(header),
        Layer::Ipv6(header) => ipv6(header),
        Layer::Ipv6Extension(header) => extension(header),
        Layer::Tcp(header) => tcp(header, seen.packet),
        Layer::Other(other) => {
            let block =
                Block::new(other.name(), "read through etherparse").field("Says", 0, other, "");
            match other.ports() {
                Some((source, destination)) => block
                    .field("Source port", 16, source, service(source))
                    .field("Destination port", 16, destination, service(destination)),
                None => block,
            }
        }
    }
}

fn next_name(next: Next) -> String {
    match next {
        Next::Protocol(protocol, _) => ether_type_name(protocol),
        Next::Llc(sap) => format!("802.2 LLC, service access point 0x{sap:02x}"),
        Next::Truncated => "cut off".to_owned(),
    }
}

fn ether_type_name(protocol: EtherType) -> String {
    protocol.name().map_or_else(
        || format!("EtherType 0x{:04x}", protocol.0),
        ToOwned::to_owned,
    )
}

fn ethernet(header: &Ethernet<'_>) -> Block {
    let (destination, source) = (header.destination(), header.source());
    let block = Block::new("Ethernet", "IEEE 802.3 §3.2; OSI layer 2")
        .field("Destination address", 48, destination, destination.kind())
        .field("Source address", 48, source, source.kind());
    let next = next_name(header.next());
    match header.length() {
        Some(length) => block.field(
            "Length",
            16,
            length,
            format!("bytes of payload (802.3), then {next}"),
        ),
        None => block.field(
            "EtherType",
            16,
            format!("0x{:04x}", header.type_or_length()),
            next,
        ),
    }
}

fn vlan(tag: &VlanTag<'_>) -> Block {
    let eligible = if tag.drop_eligible() {
        "may be dropped first"
    } else {
        "not to be dropped first"
    };
    let vlan = match tag.vlan() {
        0 => "priority only, no VLAN",
        4095 => "reserved",
        _ => "which virtual network",
    };
    Block::new("VLAN tag", "IEEE 802.1Q §9.6; OSI layer 2")
        .field(
            "Priority (PCP)",
            3,
            tag.priority(),
            "0 best effort to 7 highest",
        )
        .field(
            "Drop eligible (DEI)",
            1,
            u8::from(tag.drop_eligible()),
            eligible,
        )
        .field("VLAN identifier (VID)", 12, tag.vlan(), vlan)
        .field("EtherType", 16, "", next_name(tag.next()))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(":")
}

fn cooked_v1(header: &LinuxCookedV1<'_>) -> Block {
    Block::new(
        "Linux cooked capture, version 1",
        "tcpdump.org LINKTYPE_LINUX_SLL; OSI layer 2",
    )
    .field(
        "Packet type",
        16,
        header.packet_type(),
        packet_type_name(header.packet_type()),
    )
    .field("Hardware type (ARPHRD)", 16, header.hardware_type(), "")
    .field("Sender's address", 64, hex(header.address()), "")
    .field(
        "Protocol",
        16,
        format!("0x{:04x}", header.protocol().0),
        ether_type_name(header.protocol()),
    )
}

fn cooked_v2(header: &LinuxCookedV2<'_>) -> Block {
    Block::new(
        "Linux cooked capture, version 2",
        "tcpdump.org LINKTYPE_LINUX_SLL2; OSI layer 2",
    )
    .field(
        "Protocol",
        16,
        format!("0x{:04x}", header.protocol().0),
        ether_type_name(header.protocol()),
    )
    .field(
        "Interface index",
        32,
        header.interface_index(),
        "the kernel's number of the interface",
    )
    .field("Hardware type (ARPHRD)", 16, header.hardware_type(), "")
    .field(
        "Packet type",
        8,
        header.packet_type(),
        packet_type_name(u16::from(header.packet_type())),
    )
    .field("Sender's address", 64, hex(header.address()), "")
}

fn ecn_meaning(ecn: u8) -> &'static str {
    match ecn {
        0 => "not ECN-capable",
        1 => "ECN-capable, ECT(1)",
        2 => "ECN-capable, ECT(0)",
        _ => "congestion experienced",
    }
}

fn dscp_meaning(dscp: u8) -> &'static str {
    match dscp {
        0 => "best effort",
        46 => "expedited forwarding",
        10 | 12 | 14 | 18 | 20 | 22 | 26 | 28 | 30 | 34 | 36 | 38 => "assured forwarding",
        8 | 16 | 24 | 32 | 40 | 48 | 56 => "class selector",
        _ => "",
    }
}

fn ipv4(ip: &Ipv4<'_>) -> Block {
    let checksum = match ip.checksum_ok() {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "not captured whole",
    };
    let fragment = match (ip.fragment_offset(), ip.more_fragments()) {
        (0, false) => "not a fragment",
        (0, true) => "the first fragment",
        (_, true) => "a middle fragment",
        (_, false) => "the last fragment",
    };
    let total = if ip.total_len() == 0 {
        "0: not cut into packets yet (offload)"
    } else {
        "bytes, header and payload"
    };
    let block = Block::new("IPv4", "RFC 791 §3.1; OSI layer 3")
        .field("Version", 4, ip.version(), "")
        .field(
            "Header length",
            4,
            ip.header_len() / 4,
            format!("words of 4 bytes: {} bytes", ip.header_len()),
        )
        .field(
            "Service class (DSCP)",
            6,
            ip.dscp(),
            dscp_meaning(ip.dscp()),
        )
        .field("Congestion (ECN)", 2, ip.ecn(), ecn_meaning(ip.ecn()))
        .field("Total length", 16, ip.total_len(), total)
        .field(
            "Identification",
            16,
            format!("0x{:04x}", ip.identification()),
            ip.identification(),
        )
        .field("Reserved flag", 1, u8::from(ip.reserved_flag()), "")
        .field("Don't fragment", 1, u8::from(ip.dont_fragment()), "")
        .field("More fragments", 1, u8::from(ip.more_fragments()), fragment)
        .field("Fragment offset", 13, ip.fragment_offset(), "bytes")
        .field(
            "Time to live",
            8,
            ip.time_to_live(),
            "routers it may still pass",
        )
        .field(
            "Protocol",
            8,
            ip.protocol(),
            ip_protocol_name(ip.protocol()).unwrap_or("unknown"),
        )
        .field(
            "Header checksum",
            16,
            format!("0x{:04x}", ip.header_checksum()),
            checksum,
        )
        .field("Source address", 32, ip.source(), "")
        .field("Destination address", 32, ip.destination(), "");
    let options = ip.options();
    if options.is_empty() {
        block
    } else {
        block.field("Options", options.len() as u16 * 8, hex(options), "")
    }
}

fn ipv6(ip: &Ipv6<'_>) -> Block {
    Block::new("IPv6", "RFC 8200 §3; OSI layer 3")
        .field("Version", 4, ip.version(), "")
        .field(
            "Service class (DSCP)",
            6,
            ip.dscp(),
            dscp_meaning(ip.dscp()),
        )
        .field("Congestion (ECN)", 2, ip.ecn(), ecn_meaning(ip.ecn()))
        .field("Flow label", 20, format!("0x{:05x}", ip.flow_label()), "")
        .field(
            "Payload length",
            16,
            ip.payload_len(),
            "bytes behind this header",
        )
        .field(
            "Next header",
            8,
            ip.next_header(),
            ip_protocol_name(ip.next_header()).unwrap_or("unknown"),
        )
        .field("Hop limit", 8, ip.hop_limit(), "routers it may still pass")
        .field("Source address", 128, ip.source(), "")
        .field("Destination address", 128, ip.destination(), "")
}

fn extension(header: &Ipv6Extension<'_>) -> Block {
    let next = header.next_header();
    let block = Block::new("IPv6 extension header", "RFC 8200 §4; OSI layer 3")
        .field("Kind", 0, header.kind, header.name())
        .field(
            "Next header",
            8,
            next,
            ip_protocol_name(next).unwrap_or("unknown"),
        )
        .field("Length", 0, header.bytes().len(), "bytes");
    match header.fragment() {
        Some((offset, more, identification)) => block
            .field("Fragment offset", 13, offset, "bytes")
            .field("More fragments", 1, u8::from(more), "")
            .field("Identification", 32, format!("0x{identification:08x}"), ""),
        None => block,
    }
}

fn service(port: u16) -> &'static str {
    protocol_maps::service_name(port).unwrap_or("")
}

fn tcp(tcp: &Tcp<'_>, packet: &Packet<'_>) -> Block {
    let mut block = Block::new("TCP", "RFC 9293 §3.1; OSI layer 4")
        .field(
            "Source port",
            16,
            tcp.source_port(),
            service(tcp.source_port()),
        )
        .field(
            "Destination port",
            16,
            tcp.destination_port(),
            service(tcp.destination_port()),
        )
        .field("Sequence number", 32, tcp.seq().0, "of the first byte")
        .field(
            "Acknowledgment number",
            32,
            tcp.ack().0,
            if tcp.flags().ack() {
                "next byte expected"
            } else {
                "without ACK: no meaning"
            },
        )
        .field(
            "Data offset",
            4,
            tcp.header_len() / 4,
            format!("words of 4 bytes: header of {} bytes", tcp.header_len()),
        )
        .field("Reserved", 3, tcp.reserved(), "");
    for (flag, name, meaning) in Flags::TABLE {
        let set = tcp.flags().any(flag);
        block = block.field(name, 1, u8::from(set), if set { meaning } else { "" });
    }
    let checksum = match packet.tcp_checksum_ok() {
        Some(true) => "right, over header, payload and pseudo-header",
        Some(false) => "wrong, or left to the network card (offload)",
        None => "not captured whole, cannot be verified",
    };
    block = block.field(
        "Window",
        16,
        tcp.window(),
        "bytes the sender will take, before scaling",
    );
    if let Some(value) = tcp.checksum() {
        block = block.field("Checksum", 16, format!("0x{value:04x}"), checksum);
    }
    if let Some(pointer) = tcp.urgent_pointer() {
        block = block.field(
            "Urgent pointer",
            16,
            pointer,
            if tcp.flags().any(Flags::URG) {
                "bytes to the last urgent one"
            } else {
                ""
            },
        );
    }
    for option in tcp.options() {
        block = block.field("Option", 0, OptionText(option), option_meaning(&option));
    }
    let payload = packet.transport_len.saturating_sub(tcp.header_len() as u32);
    block.field(
        "Payload",
        0,
        payload,
        format!("bytes, {} captured", tcp.payload().len()),
    )
}

struct OptionText<'a>(TcpOption<'a>);

impl Display for OptionText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        one_option(&self.0, f)
    }
}

fn option_meaning(option: &TcpOption<'_>) -> &'static str {
    match option {
        TcpOption::End => "end of the list (kind 0)",
        TcpOption::NoOperation => "padding (kind 1)",
        TcpOption::MaximumSegmentSize(_) => "largest payload it wants to receive (RFC 9293 §3.7.1)",
        TcpOption::WindowScale(_) => "all later windows are shifted left by this (RFC 7323 §2)",
        TcpOption::SackPermitted => "selective acknowledgments are welcome (RFC 2018 §2)",
        TcpOption::Sack(_) => "received beyond the acknowledgment number (RFC 2018 §3)",
        TcpOption::Timestamps(_) => "own clock / echo of the other's (RFC 7323 §3)",
        TcpOption::Md5Signature => "signature (RFC 2385)",
        TcpOption::UserTimeout(_) => "how long data may stay unacknowledged (RFC 5482)",
        TcpOption::Authentication(_) => "authentication (RFC 5925)",
        TcpOption::Multipath(_) => "multipath TCP, subtype (RFC 8684)",
        TcpOption::FastOpen(_) => "Fast Open (RFC 7413)",
        TcpOption::AccurateEcn(_) => "byte counters of accurate ECN (RFC 9768)",
        TcpOption::Unknown(..) => "unknown kind, stepped over",
        TcpOption::Malformed(..) => "its length cannot be",
    }
}

/// What the tracking says: the connection, the states, the verdicts.
fn tracked(event: &Event<'_>) -> Block {
    let connection = event.connection;
    let (before, after) = (event.states_before, connection.states);
    let change = |direction: Direction| {
        if before[direction] == after[direction] {
            format!("{}", after[direction])
        } else {
            format!("{} → {}", before[direction], after[direction])
        }
    };
    let mut block = Block::new("Connection", "what tcp-monitor follows")
        .field(
            "Number",
            0,
            connection.id,
            format!("{} → {}", connection.client, connection.server),
        )
        .field("From", 0, event.direction.sender_name(), "")
        .field("Relative sequence", 0, event.relative_seq, "")
        .field("Window, scaled", 0, event.window, "bytes")
        .field("Client's state", 0, change(Direction::ToServer), "")
        .field("Server's state", 0, change(Direction::ToClient), "");
    if event.segment.flags.ack() {
        block = block.field("Relative acknowledgment", 0, event.relative_ack, "");
    }
    if let Some(octets) = event.in_flight {
        block = block.field("Bytes in flight", 0, octets, "sent and not acknowledged");
    }
    if let Some(nanos) = event.rtt {
        block = block.field(
            "Round trip",
            0,
            format::duration(nanos),
            "from here to its sender and back",
        );
    }
    for verdict in event.judgement.verdicts.iter() {
        let said = Said {
            verdict,
            judgement: event.judgement,
        };
        block = block.field("Verdict", 0, said, verdict.rule().meaning);
    }
    block
}
