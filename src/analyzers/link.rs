//! What a capture hands to the decoder: a frame, and which link layer its first byte belongs to.

use crate::utils::time::Timestamp;
use std::fmt;

/// A link-layer type by its number in capture files (the `LINKTYPE_` registry of tcpdump.org).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: four bytes of address family in the byte order of the capturing host.
    pub const NULL: LinkType = LinkType(0);
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// PPP, with or without address and control.
    pub const PPP: LinkType = LinkType(9);
    /// FDDI.
    pub const FDDI: LinkType = LinkType(10);
    /// PPP in HDLC-like framing, or Cisco HDLC.
    pub const PPP_SERIAL: LinkType = LinkType(50);
    /// PPP over Ethernet, without the Ethernet.
    pub const PPP_ETHER: LinkType = LinkType(51);
    /// Cisco HDLC.
    pub const CISCO_HDLC: LinkType = LinkType(104);
    /// IEEE 802.11.
    pub const IEEE802_11: LinkType = LinkType(105);
    /// IEEE 802.11 behind a radiotap header.
    pub const RADIOTAP: LinkType = LinkType(127);
    /// Linux netfilter log.
    pub const NFLOG: LinkType = LinkType(239);
    /// IP over InfiniBand.
    pub const INFINIBAND: LinkType = LinkType(242);
    /// Raw IP, the version nibble decides.
    pub const RAW: LinkType = LinkType(101);
    /// OpenBSD loopback: the address family in network byte order.
    pub const LOOP: LinkType = LinkType(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// Raw IPv4.
    pub const IPV4: LinkType = LinkType(228);
    /// Raw IPv6.
    pub const IPV6: LinkType = LinkType(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: LinkType = LinkType(276);

    /// The name people know it by, or `None` for a number that this program has no name for.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            6 => "Token Ring",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "raw IP",
            50 => "PPP serial",
            51 => "PPPoE",
            100 => "ATM (RFC 1483)",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            107 => "Frame Relay",
            108 => "OpenBSD loopback",
            113 => "Linux cooked v1",
            119 => "IEEE 802.11 with Prism header",
            127 => "IEEE 802.11 with radiotap",
            147..=162 => "user-defined",
            163 => "IEEE 802.11 with AVS header",
            187 | 201 => "Bluetooth HCI",
            189 => "USB (Linux)",
            192 => "PPI",
            195 | 230 => "IEEE 802.15.4",
            220 => "USB (Linux, padded)",
            227 => "CAN (SocketCAN)",
            228 => "raw IPv4",
            229 => "raw IPv6",
            231 => "D-Bus",
            239 => "NFLOG",
            242 => "IP over InfiniBand",
            247 => "InfiniBand",
            249 => "USB (Windows)",
            251 => "Bluetooth LE",
            253 => "Netlink",
            276 => "Linux cooked v2",
            _ => return None,
        })
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "link type {}", self.0),
        }
    }
}

/// One frame as the capture holds it. Borrowed: nothing is copied on the way from the source to the verdict.
///
/// In this order on purpose: number and time, which a segment takes over side by side, do not stand side by side here. The compiler
/// would copy both at once, and the processor then waits until what was written in two halves is in the cache, and everything that
/// was written before it: a quarter of the time of a frame.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Frame<'a> {
    /// The frame's number in its capture, from 1, as Wireshark counts: frames that a filter leaves out count too.
    pub number: u64,
    /// What was captured of it, at most the snap length.
    pub bytes: &'a [u8],
    /// When it was captured.
    pub time: Timestamp,
    /// What its first byte belongs to.
    pub link: LinkType,
    /// The capture's interface, from 0 in the order in which the capture names them.
    pub interface: u32,
    /// Its length on the wire in bytes; never less than what was captured.
    pub wire_len: u32,
}
