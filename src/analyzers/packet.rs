//! A decoded packet: the layers that could be read, from the outside in, and why reading stopped.

use super::checksum::{fold, little_endian_sum, plus};
use super::cisco_hdlc::CiscoHdlc;
use super::erspan::Erspan;
use super::ethernet::{EtherType, Ethernet, VlanTag};
use super::fddi::Fddi;
use super::geneve::Geneve;
use super::gre::Gre;
use super::gtp_u::GtpU;
use super::ieee80211::{Ieee80211, Radiotap};
use super::infiniband::InfiniBand;
use super::ipv4::Ipv4;
use super::ipv6::{Ipv6, Ipv6Extension};
use super::linux_cooked_v1::LinuxCookedV1;
use super::linux_cooked_v2::LinuxCookedV2;
use super::llc::Llc;
use super::loopback::Loopback;
use super::mpls::Mpls;
use super::nflog::Nflog;
use super::other::Other;
use super::ppp::{Ppp, PppProtocol};
use super::pppoe::Pppoe;
use super::tcp::Tcp;
use super::vxlan::Vxlan;
use crate::utils::addressing::Endpoint;
use arrayvec::ArrayVec;
use std::net::IpAddr;

/// One layer of a packet: a view over its bytes.
#[derive(Clone, Copy, Debug)]
pub enum Layer<'a> {
    /// Ethernet II or IEEE 802.3.
    Ethernet(Ethernet<'a>),
    /// An IEEE 802.1Q or 802.1ad tag.
    Vlan(VlanTag<'a>),
    /// Linux cooked capture, version 1.
    LinuxCookedV1(LinuxCookedV1<'a>),
    /// Linux cooked capture, version 2.
    LinuxCookedV2(LinuxCookedV2<'a>),
    /// BSD loopback.
    Loopback(Loopback<'a>),
    /// IEEE 802.2 LLC, with SNAP or without.
    Llc(Llc<'a>),
    /// PPP.
    Ppp(Ppp<'a>),
    /// Cisco HDLC.
    CiscoHdlc(CiscoHdlc<'a>),
    /// PPP over Ethernet.
    Pppoe(Pppoe<'a>),
    /// FDDI.
    Fddi(Fddi<'a>),
    /// Linux netfilter log.
    Nflog(Nflog<'a>),
    /// IP over InfiniBand.
    InfiniBand(InfiniBand<'a>),
    /// Radiotap, in front of 802.11.
    Radiotap(Radiotap<'a>),
    /// IEEE 802.11.
    Ieee80211(Ieee80211<'a>),
    /// A stack of MPLS labels.
    Mpls(Mpls<'a>),
    /// GRE.
    Gre(Gre<'a>),
    /// ERSPAN.
    Erspan(Erspan<'a>),
    /// VXLAN.
    Vxlan(Vxlan<'a>),
    /// Geneve.
    Geneve(Geneve<'a>),
    /// GTP-U.
    GtpU(GtpU<'a>),
    /// IPv4.
    Ipv4(Ipv4<'a>),
    /// IPv6.
    Ipv6(Ipv6<'a>),
    /// An extension header of IPv6.
    Ipv6Extension(Ipv6Extension<'a>),
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP, ICMP, ICMPv6 or ARP, read by etherparse.
    Other(Other<'a>),
}

/// How many layers a packet may have. Deeper ones are not read, and said to be too deep.
pub const MAX_LAYERS: usize = 16;

/// Which layer could not be read, and why.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Stop {
    /// The layer that could not be read.
    pub layer: LayerName,
    /// Why.
    pub why: Why,
}

/// Why a layer could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Why {
    /// Too little of it was captured.
    Truncated,
    /// Its sender wrote nonsense: lengths that contradict each other, a wrong version.
    Malformed,
    /// This program does not read it.
    Unsupported,
    /// It is a part of a fragmented datagram; the rest of it is in other packets.
    Fragment,
    /// It is encrypted, and not read.
    Encrypted,
}

impl Why {
    /// The reason in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Why::Truncated => "truncated",
            Why::Malformed => "malformed",
            Why::Unsupported => "unsupported",
            Why::Fragment => "fragment",
            Why::Encrypted => "encrypted",
        }
    }
}

/// Names of layers for counting what could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum LayerName {
    /// A link layer, by the number of its type in capture files.
    Link(u32),
    /// Ethernet.
    Ethernet,
    /// A VLAN tag.
    Vlan,
    /// IEEE 802.2 LLC, by destination service access point.
    Llc(u8),
    /// A protocol of SNAP that another organisation numbers.
    Snap(u32),
    /// A payload by its EtherType.
    EtherType(u16),
    /// A payload of PPP by its protocol number.
    PppProtocol(PppProtocol),
    /// PPP.
    Ppp,
    /// PPP over Ethernet.
    Pppoe,
    /// A stack of MPLS labels.
    Mpls,
    /// IEEE 802.11, frames of data.
    Ieee80211,
    /// IEEE 802.11, frames that are no data.
    Ieee80211Signalling,
    /// IEEE 802.11, several frames in one.
    Ieee80211Aggregate,
    /// GRE.
    Gre,
    /// GRE with source routes.
    GreRouting,
    /// ERSPAN.
    Erspan,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// GTP-U.
    GtpU,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// An extension header of IPv6.
    Ipv6Extension,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmpv6,
    /// ARP.
    Arp,
    /// A payload of IP by its protocol number.
    IpProtocol(u8),
    /// More layers than are read.
    TooDeep,
}

impl std::fmt::Display for LayerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LayerName::Link(number) => super::LinkType(*number).fmt(f),
            LayerName::Ethernet => f.write_str("Ethernet"),
            LayerName::Vlan => f.write_str("VLAN tag"),
            LayerName::Llc(sap) => write!(f, "802.2 LLC, SAP 0x{sap:02x}"),
            LayerName::EtherType(number) => match EtherType(*number).name() {
                Some(name) => f.write_str(name),
                None => write!(f, "EtherType 0x{number:04x}"),
            },
            LayerName::Snap(organisation) => {
                write!(f, "802.2 SNAP of organisation 0x{organisation:06x}")
            }
            LayerName::PppProtocol(protocol) => match protocol.name() {
                Some(name) => f.write_str(name),
                None => write!(f, "PPP protocol 0x{:04x}", protocol.0),
            },
            LayerName::Ppp => f.write_str("PPP"),
            LayerName::Pppoe => f.write_str("PPPoE"),
            LayerName::Mpls => f.write_str("MPLS"),
            LayerName::Ieee80211 => f.write_str("IEEE 802.11"),
            LayerName::Ieee80211Signalling => f.write_str("IEEE 802.11 management and control"),
            LayerName::Ieee80211Aggregate => f.write_str("IEEE 802.11 A-MSDU"),
            LayerName::Gre => f.write_str("GRE"),
            LayerName::GreRouting => f.write_str("GRE source routes"),
            LayerName::Erspan => f.write_str("ERSPAN"),
            LayerName::Vxlan => f.write_str("VXLAN"),
            LayerName::Geneve => f.write_str("Geneve"),
            LayerName::GtpU => f.write_str("GTP-U"),
            LayerName::Ipv4 => f.write_str("IPv4"),
            LayerName::Ipv6 => f.write_str("IPv6"),
            LayerName::Ipv6Extension => f.write_str("IPv6 extension header"),
            LayerName::Tcp => f.write_str("TCP"),
            LayerName::Udp => f.write_str("UDP"),
            LayerName::Icmp => f.write_str("ICMP"),
            LayerName::Icmpv6 => f.write_str("ICMPv6"),
            LayerName::Arp => f.write_str("ARP"),
            LayerName::IpProtocol(number) => match super::ip_protocol_name(*number) {
                Some(name) => f.write_str(name),
                None => write!(f, "IP protocol {number}"),
            },
            LayerName::TooDeep => write!(f, "layers beyond the first {MAX_LAYERS}"),
        }
    }
}

/// What a TCP checksum is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Checksum {
    /// It is right.
    Right,
    /// It holds the sum of the pseudo-header alone: the sender leaves the rest to its network card, behind the capture point
    /// (ANALYSIS.md 10.2).
    Offloaded,
    /// It is wrong.
    Wrong,
}

/// A decoded packet.
#[derive(Clone, Debug, Default)]
pub struct Packet<'a> {
    /// The layers from the outside in.
    pub layers: ArrayVec<Layer<'a>, MAX_LAYERS>,
    /// Why reading stopped before the end; `None` if everything was read.
    pub stop: Option<Stop>,
    /// Bytes of the innermost IP payload behind extension headers, as the IP header claims them, but never more than the frame
    /// had on the wire. 0 without IP.
    pub transport_len: u32,
    /// Of a fragment what was captured of its part of the datagram; otherwise empty.
    pub fragment: &'a [u8],
}

/// The fields that IPv4 and IPv6 have in common.
#[derive(Clone, Copy, Debug)]
pub enum Ip<'a> {
    /// Version 4.
    V4(Ipv4<'a>),
    /// Version 6.
    V6(Ipv6<'a>),
}

impl Ip<'_> {
    /// Sender.
    pub fn source(&self) -> IpAddr {
        match self {
            Ip::V4(ip) => ip.source().into(),
            Ip::V6(ip) => ip.source().into(),
        }
    }

    /// Receiver.
    pub fn destination(&self) -> IpAddr {
        match self {
            Ip::V4(ip) => ip.destination().into(),
            Ip::V6(ip) => ip.destination().into(),
        }
    }

    /// Time to live or hop limit.
    pub fn hops_left(&self) -> u8 {
        match self {
            Ip::V4(ip) => ip.time_to_live(),
            Ip::V6(ip) => ip.hop_limit(),
        }
    }

    /// Explicit congestion notification, 0 to 3; 3 is "congestion experienced".
    pub fn ecn(&self) -> u8 {
        match self {
            Ip::V4(ip) => ip.ecn(),
            Ip::V6(ip) => ip.ecn(),
        }
    }

    /// The identification of IPv4; IPv6 has none.
    pub fn identification(&self) -> Option<u16> {
        match self {
            Ip::V4(ip) => Some(ip.identification()),
            Ip::V6(_) => None,
        }
    }
}

impl<'a> Packet<'a> {
    /// Makes it a packet of which nothing was read yet.
    pub fn clear(&mut self) {
        self.layers.clear();
        self.stop = None;
        self.transport_len = 0;
        self.fragment = &[];
    }

    /// The innermost IP header.
    #[inline]
    pub fn ip(&self) -> Option<Ip<'a>> {
        self.layers.iter().rev().find_map(|layer| match layer {
            Layer::Ipv4(ip) => Some(Ip::V4(*ip)),
            Layer::Ipv6(ip) => Some(Ip::V6(*ip)),
            _ => None,
        })
    }

    /// The kernel's number of the interface that the packet was seen on, where the link header has it: captures on `any`.
    pub fn interface_index(&self) -> Option<u32> {
        match self.layers.first()? {
            Layer::LinuxCookedV2(header) => Some(header.interface_index()),
            _ => None,
        }
    }

    /// The TCP header, which is always the innermost layer.
    #[inline]
    pub fn tcp(&self) -> Option<Tcp<'a>> {
        match self.layers.last()? {
            Layer::Tcp(tcp) => Some(*tcp),
            _ => None,
        }
    }

    /// What etherparse read above the innermost IP header: UDP, ICMP, ICMPv6 or ARP.
    pub fn other(&self) -> Option<&Other<'a>> {
        match self.layers.last()? {
            Layer::Other(other) => Some(other),
            // A tunnel whose inside could not be read.
            _ => self.above_ip().find_map(|layer| match layer {
                Layer::Other(other) => Some(other),
                _ => None,
            }),
        }
    }

    /// The ports of TCP or UDP above the innermost IP header, sender's first.
    pub fn ports(&self) -> Option<(u16, u16)> {
        self.above_ip().find_map(|layer| match layer {
            Layer::Tcp(tcp) => Some((tcp.source_port(), tcp.destination_port())),
            Layer::Other(other) => other.ports(),
            _ => None,
        })
    }

    /// The layers above the innermost IP header, from the inside out.
    fn above_ip(&self) -> impl Iterator<Item = &Layer<'a>> {
        let is_above = |layer: &&Layer<'_>| !matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_));
        self.layers.iter().rev().take_while(is_above)
    }

    /// Both ends of a TCP segment, sender first.
    pub fn endpoints(&self) -> Option<(Endpoint, Endpoint)> {
        let (ip, (source, destination)) = (self.ip()?, self.ports()?);
        Some((
            Endpoint::new(ip.source(), source),
            Endpoint::new(ip.destination(), destination),
        ))
    }

    /// The payload of TCP, as far as it was captured; empty for anything else.
    pub fn tcp_payload(&self) -> &'a [u8] {
        self.tcp()
            .and_then(|tcp| tcp.bytes().get(tcp.header_len().max(Tcp::MIN_LEN)..))
            .unwrap_or_default()
    }

    /// What the TCP checksum is worth; `None` if the segment is not TCP or was not captured whole.
    pub fn tcp_checksum(&self) -> Option<Checksum> {
        Checksum::of(self.tcp()?, &self.ip()?, self.transport_len)
    }
}

impl Checksum {
    /// What the checksum of a segment of this length is worth, over header, payload and pseudo-header (RFC 9293 §3.1); `None` if
    /// the segment was not captured whole.
    #[inline(always)]
    pub fn of(tcp: Tcp<'_>, ip: &Ip<'_>, segment_len: u32) -> Option<Checksum> {
        let segment = tcp.bytes().get(..segment_len as usize)?;
        let sent = tcp.checksum()?;
        let addresses = match ip {
            Ip::V4(ip) => little_endian_sum(ip.addresses()),
            Ip::V6(ip) => little_endian_sum(ip.addresses()),
        };
        let protocol_and_len = u64::from(segment_len).wrapping_add(6).swap_bytes();
        let pseudo_header = plus(addresses, protocol_and_len);
        Some(
            if fold(plus(pseudo_header, little_endian_sum(segment))) == 0xffff {
                Checksum::Right
            } else if sent == fold(pseudo_header).swap_bytes() {
                Checksum::Offloaded
            } else {
                Checksum::Wrong
            },
        )
    }
}
