//! Layer 2 of the onion, wireless: radiotap and IEEE 802.11.

use super::Block;
use crate::analyzers::ieee80211::{Ieee80211, Kind, Radiotap};

pub(super) fn radiotap(header: &Radiotap<'_>) -> Block {
    let flags = match (header.has_checksum(), header.is_padded()) {
        (true, true) => "checksum at the end, header padded",
        (true, false) => "checksum at the end",
        (false, true) => "header padded",
        (false, false) => "",
    };
    Block::new("Radiotap", "radiotap.org; what the receiver measured")
        .field("Version", 8, header.version(), "")
        .field(
            "Length",
            16,
            header.bytes().len(),
            "bytes of this header, its fields among them",
        )
        .field(
            "Present",
            32,
            format!("0x{:08x}", header.present()),
            "which fields follow",
        )
        .field("Flags", 8, format!("0x{:02x}", header.flags()), flags)
}

pub(super) fn ieee80211(header: &Ieee80211<'_>) -> Block {
    let kind = match header.kind() {
        Kind::Management => "management",
        Kind::Control => "control",
        Kind::Data => "data",
        Kind::Reserved => "reserved",
    };
    let yes = |condition: bool, text: &'static str| if condition { text } else { "" };
    let to = header.to_distribution();
    let from = header.from_distribution();
    let way = match (to, from) {
        (false, false) => "between stations",
        (true, false) => "station to access point",
        (false, true) => "access point to station",
        (true, true) => "between access points",
    };
    let mut block = Block::new("IEEE 802.11", "IEEE 802.11 §9.2; OSI layer 2")
        .field("Version", 2, header.version(), "")
        .field("Type", 2, kind, "")
        .field("Subtype", 4, header.subtype(), "")
        .field("To distribution", 1, u8::from(to), way)
        .field("From distribution", 1, u8::from(from), "")
        .field(
            "Retry",
            1,
            u8::from(header.is_retry()),
            yes(header.is_retry(), "sent before without acknowledgment"),
        )
        .field(
            "Protected",
            1,
            u8::from(header.is_protected()),
            yes(header.is_protected(), "encrypted: not read"),
        )
        .field("Duration", 16, header.duration(), "µs the medium is taken");
    for (number, name) in (1..).zip(["Address 1", "Address 2", "Address 3", "Address 4"]) {
        if let Some(address) = header.address(number) {
            let role = match (number, to, from) {
                (1, ..) => "receiver",
                (2, ..) => "transmitter",
                (3, false, false) => "the network (BSSID)",
                (3, true, _) => "final destination",
                (3, false, true) => "original source",
                _ => "original source",
            };
            block = block.field(name, 48, address, role);
        }
    }
    if let Some((fragment, sequence)) = header.sequence() {
        block = block.field("Fragment", 4, fragment, "").field(
            "Sequence",
            12,
            sequence,
            "the same in a retry",
        );
    }
    match header.quality_of_service() {
        Some(field) => block.field(
            "Quality of service",
            16,
            format!("0x{field:04x}"),
            format!("traffic identifier {}", field & 15),
        ),
        None => block,
    }
}
