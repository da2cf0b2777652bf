//! Layer 2 of the onion: Ethernet, VLAN tags, and the headers that captures put in their place.

use super::{Block, hex};
use crate::analyzers::ethernet::{EtherType, Ethernet, VlanTag};
use crate::analyzers::linux_cooked_v1::{LinuxCookedV1, packet_type_name};
use crate::analyzers::linux_cooked_v2::LinuxCookedV2;
use crate::analyzers::loopback::Loopback;

pub(super) fn ether_type_name(protocol: EtherType) -> String {
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
    type_or_length(block, header.type_or_length(), header.length())
}

fn type_or_length(block: Block, value: u16, length: Option<u16>) -> Block {
    match length {
        Some(length) => block.field(
            "Length",
            16,
            length,
            "bytes of payload, which is LLC (802.3)",
        ),
        None => block.field(
            "EtherType",
            16,
            format!("0x{value:04x}"),
            ether_type_name(EtherType(value)),
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
    let block = Block::new("VLAN tag", "IEEE 802.1Q §9.6; OSI layer 2")
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
        .field("VLAN identifier (VID)", 12, tag.vlan(), vlan);
    type_or_length(block, tag.type_or_length(), tag.length())
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
