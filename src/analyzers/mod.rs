//! Bytes → facts about one packet. No state, no allocation, and never an error: what cannot be read is said in the packet.
//!
//! A frame is taken apart from the outside in, OSI layer by layer: the link (Ethernet, cooked, loopback, none), the tags around
//! the network layer, IPv4 or IPv6, and TCP. Each header is a view over borrowed bytes that is checked once when it is made;
//! after that no accessor can fail.

pub mod checksum;
pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod link;
pub mod linux_cooked_v1;
pub mod linux_cooked_v2;
pub mod loopback;
pub mod other;
pub mod packet;
pub mod raw_ip;
pub mod tcp;
pub mod tcp_options;

mod decode;

pub use decode::decode;
pub use link::{Frame, LinkType};
pub use packet::{Checksum, Ip, Layer, LayerName, Packet, Stop, Why};

/// The name of an IP protocol number (IANA), or `None` for one that has none here.
pub fn ip_protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        0 => "IPv6 hop-by-hop",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPv4 in IP",
        6 => "TCP",
        17 => "UDP",
        41 => "IPv6 in IP",
        43 => "IPv6 routing",
        44 => "IPv6 fragment",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "ICMPv6",
        59 => "no next header",
        60 => "IPv6 destination options",
        88 => "EIGRP",
        89 => "OSPF",
        103 => "PIM",
        108 => "IPComp",
        112 => "VRRP",
        115 => "L2TP",
        132 => "SCTP",
        136 => "UDP-Lite",
        _ => return None,
    })
}
