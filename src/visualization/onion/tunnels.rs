//! What stands between one network layer and the next: MPLS labels, GRE, ERSPAN, VXLAN, Geneve, GTP-U.

use super::link::ether_type_name;
use super::{Block, hex};
use crate::analyzers::erspan::Erspan;
use crate::analyzers::geneve::Geneve;
use crate::analyzers::gre::Gre;
use crate::analyzers::gtp_u::GtpU;
use crate::analyzers::mpls::{Mpls, label_name};
use crate::analyzers::vxlan::Vxlan;

pub(super) fn mpls(stack: &Mpls<'_>) -> Block {
    stack.labels().fold(
        Block::new("MPLS", "RFC 3032 §2.1; between OSI layers 2 and 3"),
        |block, entry| {
            let bottom = if entry.is_bottom {
                "the last label"
            } else {
                "another label follows"
            };
            block
                .field("Label", 20, entry.label, label_name(entry.label))
                .field("Traffic class", 3, entry.traffic_class, "")
                .field("Bottom of stack", 1, u8::from(entry.is_bottom), bottom)
                .field(
                    "Time to live",
                    8,
                    entry.time_to_live,
                    "routers it may still pass",
                )
        },
    )
}

pub(super) fn gre(header: &Gre<'_>) -> Block {
    let title = if header.version() == 1 {
        ("GRE (PPTP)", "RFC 2637 §4.1; tunnel in OSI layer 3")
    } else {
        ("GRE", "RFC 2784 §2, RFC 2890 §2; tunnel in OSI layer 3")
    };
    let mut block = Block::new(title.0, title.1)
        .field(
            "Checksum present (C)",
            1,
            u8::from(header.checksum().is_some()),
            "",
        )
        .field("Routing present", 1, u8::from(header.has_routing()), "")
        .field("Key present (K)", 1, u8::from(header.key().is_some()), "")
        .field(
            "Sequence present (S)",
            1,
            u8::from(header.sequence().is_some()),
            "",
        )
        .field("Version", 3, header.version(), "")
        .field(
            "Protocol",
            16,
            format!("0x{:04x}", header.protocol().0),
            ether_type_name(header.protocol()),
        );
    if let Some(checksum) = header.checksum() {
        block = block.field("Checksum", 16, format!("0x{checksum:04x}"), "");
    }
    match (header.key(), header.version()) {
        (Some(key), 1) => {
            block = block.field("Payload length", 16, key >> 16, "bytes").field(
                "Call",
                16,
                key & 0xffff,
                "the receiver's number",
            );
        }
        (Some(key), _) => block = block.field("Key", 32, key, "which flow in the tunnel"),
        (None, _) => {}
    }
    if let Some(sequence) = header.sequence() {
        block = block.field("Sequence number", 32, sequence, "");
    }
    match header.acknowledgment() {
        Some(number) => block.field("Acknowledgment number", 32, number, ""),
        None => block,
    }
}

pub(super) fn erspan(header: &Erspan<'_>) -> Block {
    let version = match header.version() {
        1 => "type II",
        2 => "type III",
        _ => "unknown",
    };
    let block = Block::new("ERSPAN", "draft-foschiano-erspan-03 §4; tunnel in GRE")
        .field("Version", 4, header.version(), version)
        .field("VLAN", 12, header.vlan(), "of the copied frame")
        .field("Class of service", 3, header.class_of_service(), "")
        .field(
            "Cut (T)",
            1,
            u8::from(header.is_cut()),
            if header.is_cut() {
                "the copy is shorter than the frame"
            } else {
                ""
            },
        )
        .field("Session", 10, header.session(), "which copying job");
    match header.timestamp() {
        Some(timestamp) => block.field("Timestamp", 32, timestamp, "of the switch"),
        None => block,
    }
}

pub(super) fn vxlan(header: &Vxlan<'_>) -> Block {
    Block::new("VXLAN", "RFC 7348 §5; tunnel in UDP")
        .field(
            "Flags",
            8,
            format!("0x{:02x}", header.flags()),
            "8: the network identifier is valid",
        )
        .field(
            "Network (VNI)",
            24,
            header.network(),
            "which virtual network",
        )
}

pub(super) fn geneve(header: &Geneve<'_>) -> Block {
    let options = header.options();
    let block = Block::new("Geneve", "RFC 8926 §3.4; tunnel in UDP")
        .field("Version", 2, header.version(), "")
        .field(
            "Options length",
            6,
            options.len() / 4,
            format!("words of 4 bytes: {} bytes", options.len()),
        )
        .field(
            "Control (O)",
            1,
            u8::from(header.is_control()),
            if header.is_control() {
                "for the tunnel's end"
            } else {
                ""
            },
        )
        .field(
            "Critical options (C)",
            1,
            u8::from(header.has_critical_options()),
            "",
        )
        .field(
            "Protocol",
            16,
            format!("0x{:04x}", header.protocol().0),
            ether_type_name(header.protocol()),
        )
        .field(
            "Network (VNI)",
            24,
            header.network(),
            "which virtual network",
        );
    if options.is_empty() {
        block
    } else {
        block.field("Options", options.len() as u16 * 8, hex(options), "")
    }
}

pub(super) fn gtp_u(header: &GtpU<'_>) -> Block {
    let mut block = Block::new("GTP-U", "3GPP TS 29.281 §5; tunnel in UDP")
        .field("Version", 3, header.version(), "")
        .field("Message type", 8, header.message(), header.message_name())
        .field(
            "Length",
            16,
            header.length(),
            "bytes behind the first eight",
        )
        .field(
            "Tunnel (TEID)",
            32,
            format!("0x{:08x}", header.tunnel()),
            "the receiver's number",
        );
    if let Some(sequence) = header.sequence() {
        block = block.field("Sequence number", 16, sequence, "");
    }
    let extensions = header.extensions();
    if extensions.is_empty() {
        block
    } else {
        block.field(
            "Extension headers",
            extensions.len() as u16 * 8,
            hex(extensions),
            "",
        )
    }
}
