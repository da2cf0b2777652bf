//! Layer 2 of the onion, the links that are not Ethernet: LLC, PPP, Cisco HDLC, PPPoE, FDDI, netfilter's log and InfiniBand.

use super::link::ether_type_name;
use super::{Block, hex};
use crate::analyzers::cisco_hdlc::CiscoHdlc;
use crate::analyzers::fddi::Fddi;
use crate::analyzers::infiniband::InfiniBand;
use crate::analyzers::llc::{Llc, service_access_point_name};
use crate::analyzers::nflog::{Nflog, attribute_name};
use crate::analyzers::ppp::Ppp;
use crate::analyzers::pppoe::Pppoe;

pub(super) fn llc(header: &Llc<'_>) -> Block {
    let point = |value: u8| format!("0x{value:02x}");
    let (destination, source) = (header.destination(), header.source());
    let block = Block::new("Logical link control", "IEEE 802.2 §3.2; OSI layer 2")
        .field(
            "Destination (DSAP)",
            8,
            point(destination),
            service_access_point_name(destination),
        )
        .field(
            "Source (SSAP)",
            8,
            point(source),
            service_access_point_name(source),
        )
        .field(
            "Control",
            if header.control() & 3 == 3 { 8 } else { 16 },
            point(header.control()),
            if header.control() == 3 {
                "unnumbered information"
            } else {
                ""
            },
        );
    let Some(snap) = header.snap() else {
        return block;
    };
    block
        .field(
            "SNAP organisation",
            24,
            format!("0x{:06x}", snap.organisation),
            if snap.ether_type().is_some() {
                "the protocol is an EtherType (RFC 1042)"
            } else {
                "the protocol is this organisation's own"
            },
        )
        .field(
            "SNAP protocol",
            16,
            format!("0x{:04x}", snap.protocol),
            snap.ether_type().map(ether_type_name).unwrap_or_default(),
        )
}

pub(super) fn ppp(header: &Ppp<'_>) -> Block {
    let mut block = Block::new("PPP", "RFC 1661 §2, RFC 1662 §3; OSI layer 2");
    if let Some((address, control)) = header.address_and_control() {
        block = block
            .field("Address", 8, format!("0x{address:02x}"), "all stations")
            .field(
                "Control",
                8,
                format!("0x{control:02x}"),
                "unnumbered information",
            );
    }
    let protocol = header.protocol();
    block.field(
        "Protocol",
        if header.is_compressed() { 8 } else { 16 },
        format!("0x{:04x}", protocol.0),
        protocol.name().unwrap_or("unknown"),
    )
}

pub(super) fn cisco_hdlc(header: &CiscoHdlc<'_>) -> Block {
    let address = if header.address() == 0x8f {
        "all stations"
    } else {
        "one station"
    };
    Block::new("Cisco HDLC", "RFC 1547 §4.3.1; OSI layer 2")
        .field("Address", 8, format!("0x{:02x}", header.address()), address)
        .field("Control", 8, format!("0x{:02x}", header.control()), "")
        .field(
            "Protocol",
            16,
            format!("0x{:04x}", header.protocol().0),
            match header.protocol().0 {
                0x8035 => "line keep-alive (SLARP)".to_owned(),
                _ => ether_type_name(header.protocol()),
            },
        )
}

pub(super) fn pppoe(header: &Pppoe<'_>) -> Block {
    Block::new("PPP over Ethernet", "RFC 2516 §4; OSI layer 2")
        .field("Version", 4, header.version(), "")
        .field("Type", 4, header.kind(), "")
        .field(
            "Code",
            8,
            format!("0x{:02x}", header.code()),
            header.code_name(),
        )
        .field(
            "Session",
            16,
            header.session(),
            "the access concentrator's number",
        )
        .field("Length", 16, header.length(), "bytes of payload")
}

pub(super) fn fddi(header: &Fddi<'_>) -> Block {
    let (destination, source) = (header.destination(), header.source());
    Block::new("FDDI", "ANSI X3.139; OSI layer 2")
        .field(
            "Frame control",
            8,
            format!("0x{:02x}", header.frame_control()),
            if header.carries_llc() {
                "LLC"
            } else {
                "management of the ring"
            },
        )
        .field("Destination address", 48, destination, destination.kind())
        .field("Source address", 48, source, source.kind())
}

pub(super) fn nflog(header: &Nflog<'_>) -> Block {
    let mut block = Block::new(
        "Linux netfilter log",
        "tcpdump.org LINKTYPE_NFLOG; OSI layer 2",
    )
    .field(
        "Address family",
        8,
        header.family(),
        header
            .protocol()
            .map_or("unknown".to_owned(), ether_type_name),
    )
    .field("Version", 8, header.version(), "")
    .field(
        "Resource",
        16,
        header.resource(),
        "the group that the rule logs to",
    );
    for attribute in header.attributes() {
        let text = attribute.value.strip_suffix(&[0]).unwrap_or(&[]);
        let meaning = match attribute.kind {
            10 => String::from_utf8_lossy(text).escape_debug().to_string(),
            _ => format!("attribute {}", attribute.kind),
        };
        block = block.field(
            attribute_name(attribute.kind).unwrap_or("Attribute"),
            attribute.value.len() as u16 * 8,
            hex(attribute.value),
            meaning,
        );
    }
    block.field(
        "Packet",
        0,
        header.payload_len(),
        "bytes, the value of attribute 9",
    )
}

pub(super) fn infiniband(header: &InfiniBand<'_>) -> Block {
    Block::new("IP over InfiniBand", "RFC 4391 §6; OSI layer 2")
        .field(
            "Source identifier",
            128,
            header.source(),
            "global identifier",
        )
        .field(
            "Destination identifier",
            128,
            header.destination(),
            "global identifier",
        )
        .field(
            "Protocol",
            16,
            format!("0x{:04x}", header.protocol().0),
            ether_type_name(header.protocol()),
        )
}
