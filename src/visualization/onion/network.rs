//! Layer 3 of the onion: IPv4 and IPv6 with its extension headers.

use super::{Block, hex};
use crate::analyzers::ip_protocol_name;
use crate::analyzers::ipv4::Ipv4;
use crate::analyzers::ipv6::{Ipv6, Ipv6Extension};

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

pub(super) fn ipv4(ip: &Ipv4<'_>) -> Block {
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

pub(super) fn ipv6(ip: &Ipv6<'_>) -> Block {
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

pub(super) fn extension(header: &Ipv6Extension<'_>) -> Block {
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
