//! Layer 4 of the onion: TCP by our own parser, the others through etherparse.

use super::Block;
use crate::analyzers::other::Other;
use crate::analyzers::tcp::{Flags, Tcp};
use crate::analyzers::tcp_options::TcpOption;
use crate::analyzers::{Checksum, Packet};
use crate::utils::protocol_maps;
use crate::visualization::packet_lines::one_option;
use std::fmt::{self, Display, Formatter};

fn service(port: u16) -> &'static str {
    protocol_maps::service_name(port).unwrap_or("")
}

pub(super) fn tcp(tcp: &Tcp<'_>, packet: &Packet<'_>) -> Block {
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
    let checksum = match packet.tcp_checksum() {
        Some(Checksum::Right) => "right, over header, payload and pseudo-header",
        Some(Checksum::Offloaded) => "of the pseudo-header alone: left to the network card",
        Some(Checksum::Wrong) => "wrong",
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

pub(super) fn other(other: &Other<'_>) -> Block {
    let block = Block::new(other.name(), "read through etherparse").field("Says", 0, other, "");
    match other.ports() {
        Some((source, destination)) => block
            .field("Source port", 16, source, service(source))
            .field("Destination port", 16, destination, service(destination)),
        None => block,
    }
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
        TcpOption::Cut(..) => "goes on behind the bytes that are there",
    }
}
