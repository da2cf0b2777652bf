//! What was in the capture as a whole, whatever became of it: packets and bytes per protocol, and what could not be read.

use crate::analyzers::other::Other;
use crate::analyzers::{Frame, Ip, Layer, Packet, Stop};
use crate::utils::time::Timestamp;
use std::collections::BTreeMap;

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Packets.
    pub packets: u64,
    /// Octets on the wire.
    pub bytes: u64,
}

impl Amount {
    /// Counts a packet.
    pub(super) fn add(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        self.bytes += u64::from(frame.wire_len);
    }

    /// Both together.
    fn plus(self, other: Amount) -> Amount {
        Amount {
            packets: self.packets + other.packets,
            bytes: self.bytes + other.bytes,
        }
    }
}

/// The protocols that are counted: links, what stands around IP, and IP with what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Ethernet.
    Ethernet,
    /// Linux cooked, either version.
    LinuxCooked,
    /// BSD loopback.
    Loopback,
    /// PPP.
    Ppp,
    /// Cisco HDLC.
    CiscoHdlc,
    /// FDDI.
    Fddi,
    /// IEEE 802.11.
    Ieee80211,
    /// IP over InfiniBand.
    InfiniBand,
    /// Linux netfilter log.
    Nflog,
    /// IEEE 802.2 LLC.
    Llc,
    /// VLAN tags.
    Vlan,
    /// PPP over Ethernet.
    Pppoe,
    /// MPLS labels.
    Mpls,
    /// GRE.
    Gre,
    /// ERSPAN.
    Erspan,
    /// VXLAN.
    Vxlan,
    /// Geneve.
    Geneve,
    /// GTP-U.
    GtpU,
    /// ARP.
    Arp,
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP.
    Icmp,
    /// ICMPv6.
    Icmpv6,
    /// Everything that is none of TCP, UDP, ICMP, ICMPv6 and ARP.
    Other,
}

impl Protocol {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Protocol; 26] = [
        Protocol::Ethernet,
        Protocol::LinuxCooked,
        Protocol::Loopback,
        Protocol::Ppp,
        Protocol::CiscoHdlc,
        Protocol::Fddi,
        Protocol::Ieee80211,
        Protocol::InfiniBand,
        Protocol::Nflog,
        Protocol::Llc,
        Protocol::Vlan,
        Protocol::Pppoe,
        Protocol::Mpls,
        Protocol::Gre,
        Protocol::Erspan,
        Protocol::Vxlan,
        Protocol::Geneve,
        Protocol::GtpU,
        Protocol::Arp,
        Protocol::Ipv4,
        Protocol::Ipv6,
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Icmp,
        Protocol::Icmpv6,
        Protocol::Other,
    ];

    /// Its name for people and its key in JSON.
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Protocol::Ethernet => ("Ethernet", "ethernet"),
            Protocol::LinuxCooked => ("Linux cooked", "linux_cooked"),
            Protocol::Loopback => ("BSD loopback", "loopback"),
            Protocol::Ppp => ("PPP", "ppp"),
            Protocol::CiscoHdlc => ("Cisco HDLC", "cisco_hdlc"),
            Protocol::Fddi => ("FDDI", "fddi"),
            Protocol::Ieee80211 => ("IEEE 802.11", "ieee80211"),
            Protocol::InfiniBand => ("InfiniBand", "infiniband"),
            Protocol::Nflog => ("NFLOG", "nflog"),
            Protocol::Llc => ("802.2 LLC", "llc"),
            Protocol::Vlan => ("VLAN", "vlan"),
            Protocol::Pppoe => ("PPPoE", "pppoe"),
            Protocol::Mpls => ("MPLS", "mpls"),
            Protocol::Gre => ("GRE", "gre"),
            Protocol::Erspan => ("ERSPAN", "erspan"),
            Protocol::Vxlan => ("VXLAN", "vxlan"),
            Protocol::Geneve => ("Geneve", "geneve"),
            Protocol::GtpU => ("GTP-U", "gtp_u"),
            Protocol::Arp => ("ARP", "arp"),
            Protocol::Ipv4 => ("IPv4", "ipv4"),
            Protocol::Ipv6 => ("IPv6", "ipv6"),
            Protocol::Tcp => ("TCP", "tcp"),
            Protocol::Udp => ("UDP", "udp"),
            Protocol::Icmp => ("ICMP", "icmp"),
            Protocol::Icmpv6 => ("ICMPv6", "icmpv6"),
            Protocol::Other => ("other", "other"),
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        self.names().0
    }

    /// Its key in JSON.
    pub const fn key(self) -> &'static str {
        self.names().1
    }

    /// The protocol of a layer; `None` for those that are counted with another one.
    pub fn of(layer: &Layer<'_>) -> Option<Protocol> {
        Some(match layer {
            Layer::Ethernet(_) => Protocol::Ethernet,
            Layer::Vlan(_) => Protocol::Vlan,
            Layer::LinuxCookedV1(_) | Layer::LinuxCookedV2(_) => Protocol::LinuxCooked,
            Layer::Loopback(_) => Protocol::Loopback,
            Layer::Llc(_) => Protocol::Llc,
            Layer::Ppp(_) => Protocol::Ppp,
            Layer::CiscoHdlc(_) => Protocol::CiscoHdlc,
            Layer::Pppoe(_) => Protocol::Pppoe,
            Layer::Fddi(_) => Protocol::Fddi,
            Layer::Nflog(_) => Protocol::Nflog,
            Layer::InfiniBand(_) => Protocol::InfiniBand,
            Layer::Radiotap(_) => return None,
            Layer::Ieee80211(_) => Protocol::Ieee80211,
            Layer::Mpls(_) => Protocol::Mpls,
            Layer::Gre(_) => Protocol::Gre,
            Layer::Erspan(_) => Protocol::Erspan,
            Layer::Vxlan(_) => Protocol::Vxlan,
            Layer::Geneve(_) => Protocol::Geneve,
            Layer::GtpU(_) => Protocol::GtpU,
            Layer::Ipv4(_) => Protocol::Ipv4,
            Layer::Ipv6(_) => Protocol::Ipv6,
            Layer::Ipv6Extension(_) => return None,
            Layer::Tcp(_) => Protocol::Tcp,
            Layer::Other(Other::Udp(_)) => Protocol::Udp,
            Layer::Other(Other::Icmp(_)) => Protocol::Icmp,
            Layer::Other(Other::Icmpv6(_)) => Protocol::Icmpv6,
            Layer::Other(Other::Arp(_)) => Protocol::Arp,
        })
    }
}

/// ARP packets by what they are (RFC 826).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArpCounts {
    /// Who has an address?
    pub requests: u64,
    /// I have it.
    pub replies: u64,
    /// Anything else: RARP, inverse ARP.
    pub other: u64,
}

impl ArpCounts {
    fn add(&mut self, packet: &Packet<'_>) {
        match packet.other().and_then(Other::arp_operation) {
            Some(1) => self.requests += 1,
            Some(2) => self.replies += 1,
            _ => self.other += 1,
        }
    }
}

/// The capture as a whole.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Packets and bytes that passed the selection.
    pub all: Amount,
    /// Packets and bytes that did not.
    pub left_out: Amount,
    /// Time of the first packet.
    pub first: Option<Timestamp>,
    /// The latest time of any packet.
    pub last: Option<Timestamp>,
    /// Packets that were captured before the one before them.
    pub backwards: u64,
    /// Packets of which fewer bytes were captured than were on the wire.
    pub cut: u64,
    /// Reasons why packets could not be read to the end.
    pub stops: BTreeMap<Stop, u64>,
    /// ARP packets by what they are.
    pub arp: ArpCounts,
    /// Headers with a wrong IPv4 checksum.
    pub wrong_ip_checksums: u64,
    layers: [Amount; Protocol::ALL.len()],
    /// Packets of Ethernet, IP and TCP alone, of IPv4 and of IPv6: nearly all are, and are counted here and not in `layers`.
    plain: [Amount; 2],
    previous: Option<Timestamp>,
}

impl Totals {
    /// Counts a packet.
    #[inline]
    pub fn add(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        self.add_frame(frame);
        match packet.layers.as_slice() {
            [Layer::Ethernet(_), Layer::Ipv4(ip), Layer::Tcp(_)] => {
                self.add_plain_layers(frame, &Ip::V4(*ip));
            }
            [Layer::Ethernet(_), Layer::Ipv6(ip), Layer::Tcp(_)] => {
                self.add_plain_layers(frame, &Ip::V6(*ip));
            }
            _ => self.add_layers(frame, packet),
        }
        if let Some(stop) = packet.stop {
            *self.stops.entry(stop).or_default() += 1;
        }
    }

    /// The same for a plain packet.
    #[inline(always)]
    pub fn add_plain(&mut self, frame: &Frame<'_>, ip: &Ip<'_>) {
        self.add_plain_layers(frame, ip);
        self.add_frame(frame);
    }

    #[inline(always)]
    fn add_plain_layers(&mut self, frame: &Frame<'_>, ip: &Ip<'_>) {
        match ip {
            Ip::V4(ip) => {
                self.wrong_ip_checksums += u64::from(ip.checksum_ok() == Some(false));
                self.plain[0].add(frame);
            }
            Ip::V6(_) => self.plain[1].add(frame),
        }
    }

    /// Counts what every packet has.
    #[inline(always)]
    fn add_frame(&mut self, frame: &Frame<'_>) {
        self.all.add(frame);
        self.cut += u64::from(frame.bytes.len() < frame.wire_len as usize);
        // In order, as nearly every packet is: the one before is not later than the latest.
        if self.last.is_some_and(|last| frame.time >= last) {
            (self.previous, self.last) = (Some(frame.time), Some(frame.time));
        } else {
            self.add_time(frame.time);
        }
    }

    #[cold]
    fn add_time(&mut self, time: Timestamp) {
        self.first.get_or_insert(time);
        self.last = self.last.max(Some(time));
        self.backwards += u64::from(self.previous.is_some_and(|previous| time < previous));
        self.previous = Some(time);
    }

    /// Counts each protocol of a packet.
    fn add_layers(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        let mut counted = 0u32;
        for layer in &packet.layers {
            if let Some(protocol) = Protocol::of(layer) {
                // A packet counts once per protocol, however many tags or tunnels it has.
                if counted & (1 << protocol as u32) == 0 {
                    self.layers[protocol as usize].add(frame);
                }
                counted |= 1 << protocol as u32;
            }
            if let Layer::Other(Other::Arp(_)) = layer {
                self.arp.add(packet);
            }
            if let Layer::Ipv4(ip) = layer {
                self.wrong_ip_checksums += u64::from(ip.checksum_ok() == Some(false));
            }
        }
        if packet.tcp().is_none() && packet.other().is_none() {
            self.layers[Protocol::Other as usize].add(frame);
        }
    }

    /// Counts a packet that the selection left out.
    pub fn leave_out(&mut self, frame: &Frame<'_>) {
        self.left_out.add(frame);
    }

    /// Packets and bytes of a protocol.
    pub fn layer(&self, protocol: Protocol) -> Amount {
        let [v4, v6] = self.plain;
        let amount = self.layers[protocol as usize];
        match protocol {
            Protocol::Ethernet | Protocol::Tcp => amount.plus(v4).plus(v6),
            Protocol::Ipv4 => amount.plus(v4),
            Protocol::Ipv6 => amount.plus(v6),
            _ => amount,
        }
    }

    /// Nanoseconds from the first packet to the last; 0 without packets.
    pub fn span(&self) -> i64 {
        self.last
            .zip(self.first)
            .map_or(0, |(last, first)| last.since(first).max(0))
    }
}
