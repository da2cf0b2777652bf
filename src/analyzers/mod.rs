//! Bytes → facts about one packet. No state, no allocation, and never an error: what cannot be read is said in the packet.
//!
//! A frame is taken apart from the outside in, OSI layer by layer: the link (Ethernet, PPP, 802.11, cooked, none …), the tags and
//! labels around the network layer, IPv4 or IPv6, tunnels with more of the same inside, and TCP. Each header is a view over borrowed bytes that is checked once when it is made;
//! after that no accessor can fail.

// Numbers here come from the network or from files: each sum says what it does at its end. Tests may panic.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod application;
pub mod checksum;
pub mod cisco_hdlc;
pub mod erspan;
pub mod ethernet;
pub mod fddi;
pub mod geneve;
pub mod gre;
pub mod gtp_u;
pub mod icmp_error;
pub mod ieee80211;
pub mod infiniband;
pub mod ipv4;
pub mod ipv6;
pub mod link;
pub mod linux_cooked_v1;
pub mod linux_cooked_v2;
pub mod llc;
pub mod loopback;
pub mod mpls;
pub mod nflog;
pub mod other;
pub mod packet;
pub mod ppp;
pub mod pppoe;
pub mod raw_ip;
pub mod tcp;
pub mod tcp_options;
pub mod vxlan;

mod decode;

pub use decode::{Plain, decode, decode_into, decode_reassembled};
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
        137 => "MPLS in IP",
        _ => return None,
    })
}
