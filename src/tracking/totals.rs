//! What was in the capture as a whole, whatever became of it: packets and bytes per protocol, and what could not be read.

use crate::analyzers::other::Other;
use crate::analyzers::{Frame, Layer, Packet, Stop};
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
    fn add(&mut self, frame: &Frame<'_>) {
        self.packets += 1;
        self.bytes += u64::from(frame.wire_len);
    }
}

/// The protocols that are counted, from the outside in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Ethernet.
    Ethernet,
    /// VLAN tags.
    Vlan,
    /// Linux cooked, either version.
    LinuxCooked,
    /// BSD loopback.
    Loopback,
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
    /// Everything whose innermost layer is none of TCP, UDP, ICMP, ICMPv6 and ARP.
    Other,
}

impl Protocol {
    /// All of them, from the outside in.
    pub const ALL: [Protocol; 12] = [
        Protocol::Ethernet,
        Protocol::Vlan,
        Protocol::LinuxCooked,
        Protocol::Loopback,
        Protocol::Arp,
        Protocol::Ipv4,
        Protocol::Ipv6,
        Protocol::Tcp,
        Protocol::Udp,
        Protocol::Icmp,
        Protocol::Icmpv6,
        Protocol::Other,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Ethernet => "Ethernet",
            Protocol::Vlan => "VLAN",
            Protocol::LinuxCooked => "Linux cooked",
            Protocol::Loopback => "BSD loopback",
            Protocol::Arp => "ARP",
            Protocol::Ipv4 => "IPv4",
            Protocol::Ipv6 => "IPv6",
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Icmp => "ICMP",
            Protocol::Icmpv6 => "ICMPv6",
            Protocol::Other => "other",
        }
    }

    /// Its key in JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Protocol::Ethernet => "ethernet",
            Protocol::Vlan => "vlan",
            Protocol::LinuxCooked => "linux_cooked",
            Protocol::Loopback => "loopback",
            Protocol::Arp => "arp",
            Protocol::Ipv4 => "ipv4",
            Protocol::Ipv6 => "ipv6",
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Icmp => "icmp",
            Protocol::Icmpv6 => "icmpv6",
            Protocol::Other => "other",
        }
    }

    fn of(layer: &Layer<'_>) -> Option<Protocol> {
        Some(match layer {
            Layer::Ethernet(_) => Protocol::Ethernet,
            Layer::Vlan(_) => Protocol::Vlan,
            Layer::LinuxCookedV1(_) | Layer::LinuxCookedV2(_) => Protocol::LinuxCooked,
            Layer::Loopback(_) => Protocol::Loopback,
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
    /// Headers with a wrong IPv4 checksum.
    pub wrong_ip_checksums: u64,
    layers: [Amount; Protocol::ALL.len()],
    previous: Option<Timestamp>,
}

impl Totals {
    /// Counts a packet.
    pub fn add(&mut self, frame: &Frame<'_>, packet: &Packet<'_>) {
        self.all.add(frame);
        self.first.get_or_insert(frame.time);
        self.last = self.last.max(Some(frame.time));
        self.backwards += u64::from(self.previous.is_some_and(|previous| frame.time < previous));
        self.previous = Some(frame.time);
        self.cut += u64::from(frame.bytes.len() < frame.wire_len as usize);
        let mut counted = 0u16;
        for layer in &packet.layers {
            if let Some(protocol) = Protocol::of(layer) {
                // A packet counts once per protocol, however many tags or tunnels it has.
                if counted & (1 << protocol as u16) == 0 {
                    self.layers[protocol as usize].add(frame);
                }
                counted |= 1 << protocol as u16;
            }
            if let Layer::Ipv4(ip) = layer {
                self.wrong_ip_checksums += u64::from(ip.checksum_ok() == Some(false));
            }
        }
        if !matches!(packet.layers.last(), Some(Layer::Tcp(_) | Layer::Other(_))) {
            self.layers[Protocol::Other as usize].add(frame);
        }
        if let Some(stop) = packet.stop {
            *self.stops.entry(stop).or_default() += 1;
        }
    }

    /// Counts a packet that the selection left out.
    pub fn leave_out(&mut self, frame: &Frame<'_>) {
        self.left_out.add(frame);
    }

    /// Packets and bytes of a protocol.
    pub fn layer(&self, protocol: Protocol) -> Amount {
        self.layers[protocol as usize]
    }

    /// Nanoseconds from the first packet to the last; 0 without packets.
    pub fn span(&self) -> i64 {
        self.last
            .zip(self.first)
            .map_or(0, |(last, first)| last.since(first).max(0))
    }
}
