//! Layer 2 of the onion: Ethernet, VLAN tags, and the headers that captures put in their place.

use super::{Block, hex};
use crate::analyzers::ethernet::{EtherType, Ethernet, Next, VlanTag};
use crate::analyzers::linux_cooked_v1::{LinuxCookedV1, packet_type_name};
use crate::analyzers::linux_cooked_v2::LinuxCookedV2;
use crate::analyzers::loopback::Loopback;

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

pub(super) fn ethernet(header: &Ethernet<'_>) -> Block {
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

pub(super) fn vlan(tag: &VlanTag<'_>) -> Block {
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
        .field(
            "EtherType",
            16,
            format!("0x{:04x}", tag.type_or_length()),
            next_name(tag.next()),
        )
}

pub(super) fn cooked_v1(header: &LinuxCookedV1<'_>) -> Block {
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

pub(super) fn cooked_v2(header: &LinuxCookedV2<'_>) -> Block {
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

pub(super) fn loopback(header: &Loopback<'_>) -> Block {
    Block::new("BSD loopback", "tcpdump.org LINKTYPE_NULL").field(
        "Address family",
        32,
        header.family(),
        header
            .protocol()
            .and_then(EtherType::name)
            .unwrap_or("unknown"),
    )
}
