//! Ethernet II, IEEE 802.3 (whose LLC is in `llc`), and the IEEE 802.1Q tags between the addresses and the payload.
//!
//! Destination (6 bytes), source (6), then two bytes that are an EtherType from 0x0600 upward (Ethernet II) and a length up to
//! 1500 (802.3), which an LLC header follows. A tag is an EtherType of its own: two bytes of priority and VLAN, then the next
//! EtherType; tags may stack (802.1ad).

use crate::utils::addressing::MacAddress;

/// A number that says which protocol the following bytes belong to (IEEE 802 EtherType registry).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EtherType(pub u16);

impl EtherType {
    /// Internet Protocol version 4.
    pub const IPV4: EtherType = EtherType(0x0800);
    /// Address Resolution Protocol.
    pub const ARP: EtherType = EtherType(0x0806);
    /// An Ethernet frame (transparent Ethernet bridging), in tunnels.
    pub const ETHERNET: EtherType = EtherType(0x6558);
    /// Internet Protocol version 6.
    pub const IPV6: EtherType = EtherType(0x86dd);
    /// PPP, in GRE.
    pub const PPP: EtherType = EtherType(0x880b);
    /// A stack of MPLS labels.
    pub const MPLS: EtherType = EtherType(0x8847);
    /// A stack of MPLS labels for a group, or labels that the receiver assigned (RFC 5332).
    pub const MPLS_MULTICAST: EtherType = EtherType(0x8848);
    /// PPP over Ethernet, finding an access concentrator.
    pub const PPPOE_DISCOVERY: EtherType = EtherType(0x8863);
    /// PPP over Ethernet, the session.
    pub const PPPOE_SESSION: EtherType = EtherType(0x8864);
    /// ERSPAN type I or II, in GRE.
    pub const ERSPAN: EtherType = EtherType(0x88be);
    /// ERSPAN type III, in GRE.
    pub const ERSPAN_III: EtherType = EtherType(0x22eb);

    /// Whether an 802.1Q tag follows, by any of the four EtherTypes in use (ANALYSIS.md 10.7).
    pub const fn is_vlan_tag(self) -> bool {
        matches!(self.0, 0x8100 | 0x88a8 | 0x9100 | 0x9200)
    }

    /// The protocol's name, or `None` for one that has none here.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x0800 => "IPv4",
            0x0806 => "ARP",
            0x0842 => "Wake-on-LAN",
            0x2000 => "Cisco discovery (CDP)",
            0x22eb => "ERSPAN III",
            0x22f0 => "AVTP",
            0x6558 => "Transparent Ethernet Bridging",
            0x8035 => "RARP",
            0x8100 => "802.1Q VLAN",
            0x86dd => "IPv6",
            0x8808 => "Ethernet flow control",
            0x8809 => "Slow protocols (LACP)",
            0x880b => "PPP",
            0x8847 => "MPLS",
            0x8848 => "MPLS multicast",
            0x8863 => "PPPoE discovery",
            0x8864 => "PPPoE session",
            0x888e => "802.1X authentication",
            0x88a8 => "802.1ad provider VLAN",
            0x88be => "ERSPAN",
            0x88cc => "LLDP",
            0x88e5 => "MACsec",
            0x88e7 => "802.1ah backbone tag",
            0x88f7 => "PTP",
            0x8902 => "802.1ag fault management",
            0x9000 => "Loopback test",
            0x9100 | 0x9200 => "stacked VLAN (before 802.1ad)",
            _ => return None,
        })
    }
}

/// An Ethernet header over the bytes of a frame.
#[derive(Clone, Copy, Debug)]
pub struct Ethernet<'a>(&'a [u8]);

mod field {
    use std::ops::Range;
    pub const DESTINATION: Range<usize> = 0..6;
    pub const SOURCE: Range<usize> = 6..12;
    pub const TYPE_OR_LENGTH: Range<usize> = 12..14;
}

impl<'a> Ethernet<'a> {
    /// Bytes of the header without tags.
    pub const LEN: usize = 14;

    /// The header at the start of `bytes`; `None` if they are fewer than 14.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// The station (or group) the frame is for.
    pub fn destination(&self) -> MacAddress {
        MacAddress(array(&self.0[field::DESTINATION]))
    }

    /// The station that sent it.
    pub fn source(&self) -> MacAddress {
        MacAddress(array(&self.0[field::SOURCE]))
    }

    /// The two bytes behind the addresses, whatever they mean.
    pub fn type_or_length(&self) -> u16 {
        u16::from_be_bytes(array(&self.0[field::TYPE_OR_LENGTH]))
    }

    /// The length of an 802.3 payload in bytes; `None` for Ethernet II.
    pub fn length(&self) -> Option<u16> {
        Some(self.type_or_length()).filter(|&value| value <= 1500)
    }

    /// What the payload is; `None` if a length stands in its place and LLC follows.
    pub fn ether_type(&self) -> Option<EtherType> {
        Some(EtherType(self.type_or_length())).filter(|_| self.length().is_none())
    }

    /// The bytes of the header alone.
    pub fn bytes(&self) -> &'a [u8] {
        &self.0[..Self::LEN]
    }
}

/// An IEEE 802.1Q tag, without the EtherType that announced it: two bytes of tag control, two of the next EtherType.
#[derive(Clone, Copy, Debug)]
pub struct VlanTag<'a>(&'a [u8]);

impl<'a> VlanTag<'a> {
    /// Bytes of a tag.
    pub const LEN: usize = 4;

    /// The tag at the start of `bytes`; `None` if they are fewer than 4.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= Self::LEN).then_some(Self(bytes))
    }

    /// Priority code point, 0 to 7 (IEEE 802.1Q §6.9.3).
    pub fn priority(&self) -> u8 {
        self.0[0] >> 5
    }

    /// Drop eligible indicator: may be dropped first under congestion.
    pub fn drop_eligible(&self) -> bool {
        self.0[0] & 0x10 != 0
    }

    /// VLAN identifier, 0 to 4095; 0 means priority only, 4095 is reserved.
    pub fn vlan(&self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]]) & 0x0fff
    }

    /// The two bytes behind the tag, whatever they mean.
    pub fn type_or_length(&self) -> u16 {
        u16::from_be_bytes([self.0[2], self.0[3]])
    }

    /// The length of an 802.3 payload in bytes; `None` for Ethernet II.
    pub fn length(&self) -> Option<u16> {
        Some(self.type_or_length()).filter(|&value| value <= 1500)
    }

    /// What the payload is; `None` if a length stands in its place and LLC follows.
    pub fn ether_type(&self) -> Option<EtherType> {
        Some(EtherType(self.type_or_length())).filter(|_| self.length().is_none())
    }

    /// The bytes of the tag alone.
    pub fn bytes(&self) -> &'a [u8] {
        &self.0[..Self::LEN]
    }
}

/// The first `N` bytes of a slice that is known to have them; zeros for what it lacks.
pub(super) fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: [u8; 14] = [1, 0, 0x5e, 0, 0, 0xfb, 2, 0, 0, 0, 0, 9, 0x08, 0x00];

    #[test]
    fn fields_of_an_ethernet_ii_header() {
        let ethernet = Ethernet::new(&FRAME).unwrap();
        assert_eq!(ethernet.destination().to_string(), "01:00:5e:00:00:fb");
        assert!(ethernet.destination().is_group() && !ethernet.source().is_group());
        assert_eq!(ethernet.length(), None);
        assert_eq!(ethernet.ether_type(), Some(EtherType::IPV4));
    }

    #[test]
    fn every_shorter_length_is_refused() {
        for n in 0..FRAME.len() {
            assert!(Ethernet::new(&FRAME[..n]).is_none());
        }
        for n in 0..VlanTag::LEN {
            assert!(VlanTag::new(&FRAME[..n]).is_none());
        }
    }

    #[test]
    fn ieee_802_3_has_a_length() {
        let mut frame = FRAME;
        frame[12..].copy_from_slice(&[0, 46]);
        let ethernet = Ethernet::new(&frame).unwrap();
        assert_eq!((ethernet.length(), ethernet.ether_type()), (Some(46), None));
        let tag = VlanTag::new(&[0, 1, 0, 46]).unwrap();
        assert_eq!((tag.length(), tag.ether_type()), (Some(46), None));
    }

    #[test]
    fn a_tag_is_priority_drop_eligible_and_vlan() {
        let tag = VlanTag::new(&[0xb0, 0x64, 0x08, 0x06]).unwrap();
        assert_eq!(
            (tag.priority(), tag.drop_eligible(), tag.vlan()),
            (5, true, 100)
        );
        assert_eq!(tag.ether_type(), Some(EtherType::ARP));
    }
}
