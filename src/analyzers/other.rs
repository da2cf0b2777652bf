//! Protocols that are not what this project exists for, read through the etherparse crate: UDP, ICMP, ICMPv6 and ARP, enough
//! for a line and for the summary.

use super::packet::{LayerName, Why};
use crate::utils::addressing::MacAddress;
use etherparse::{
    ArpPacketSlice, Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type, UdpHeaderSlice,
};
use std::fmt;
use std::net::Ipv4Addr;

/// A header read by etherparse.
#[derive(Clone, Copy, Debug)]
pub enum Other<'a> {
    /// User Datagram Protocol (RFC 768), with the bytes of header and payload as captured.
    Udp(&'a [u8]),
    /// Internet Control Message Protocol (RFC 792).
    Icmp(&'a [u8]),
    /// Internet Control Message Protocol for IPv6 (RFC 4443).
    Icmpv6(&'a [u8]),
    /// Address Resolution Protocol (RFC 826).
    Arp(&'a [u8]),
}

impl<'a> Other<'a> {
    /// The header of this IP protocol at the start of `bytes`; otherwise which layer could not be read and why.
    pub fn of_ip(protocol: u8, bytes: &'a [u8]) -> Result<Self, (LayerName, Why)> {
        let cut = |layer, ok: bool| {
            if ok {
                Ok(())
            } else {
                Err((layer, Why::Truncated))
            }
        };
        match protocol {
            1 => {
                cut(LayerName::Icmp, Icmpv4Slice::from_slice(bytes).is_ok())?;
                Ok(Other::Icmp(bytes))
            }
            17 => {
                cut(LayerName::Udp, UdpHeaderSlice::from_slice(bytes).is_ok())?;
                Ok(Other::Udp(bytes))
            }
            58 => {
                cut(LayerName::Icmpv6, Icmpv6Slice::from_slice(bytes).is_ok())?;
                Ok(Other::Icmpv6(bytes))
            }
            _ => Err((LayerName::IpProtocol(protocol), Why::Unsupported)),
        }
    }

    /// An ARP packet; `None` if it was not captured whole.
    pub fn arp(bytes: &'a [u8]) -> Option<Self> {
        ArpPacketSlice::from_slice(bytes)
            .ok()
            .map(|_| Other::Arp(bytes))
    }

    /// The protocol's name.
    pub fn name(&self) -> &'static str {
        match self {
            Other::Udp(_) => "UDP",
            Other::Icmp(_) => "ICMP",
            Other::Icmpv6(_) => "ICMPv6",
            Other::Arp(_) => "ARP",
        }
    }

    /// The ports of UDP, sender's first.
    pub fn ports(&self) -> Option<(u16, u16)> {
        let Other::Udp(bytes) = self else { return None };
        let udp = UdpHeaderSlice::from_slice(bytes).ok()?;
        Some((udp.source_port(), udp.destination_port()))
    }

    /// What an ARP packet is: 1 a request, 2 a reply.
    pub fn arp_operation(&self) -> Option<u16> {
        let Other::Arp(bytes) = self else { return None };
        let arp = ArpPacketSlice::from_slice(bytes).ok()?;
        Some(arp.operation().0)
    }

    /// The payload of UDP, as captured.
    pub fn udp_payload(&self) -> Option<&[u8]> {
        match self {
            Other::Udp(bytes) => bytes.get(8..),
            _ => None,
        }
    }

    /// The sender's and the target's protocol addresses of ARP for IPv4.
    pub fn arp_addresses(&self) -> Option<(Ipv4Addr, Ipv4Addr)> {
        let Other::Arp(bytes) = self else { return None };
        let arp = ArpPacketSlice::from_slice(bytes).ok()?;
        let address = |bytes: &[u8]| Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?));
        Some((
            address(arp.sender_protocol_addr())?,
            address(arp.target_protocol_addr())?,
        ))
    }
}

impl Other<'_> {
    /// For ARP over Ethernet and IPv4: the sender's station, and the address it claims (RFC 826).
    pub fn arp_claim(&self) -> Option<(MacAddress, Ipv4Addr)> {
        let Other::Arp(bytes) = self else { return None };
        let arp = ArpPacketSlice::from_slice(bytes).ok()?;
        let station = <[u8; 6]>::try_from(arp.sender_hw_addr()).ok()?;
        Some((MacAddress(station), self.arp_addresses()?.0))
    }
}

impl fmt::Display for Other<'_> {
    /// What the packet says, in a few words behind the protocol's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Other::Udp(bytes) => match UdpHeaderSlice::from_slice(bytes) {
                Ok(udp) => write!(f, "len={}", udp.length().saturating_sub(8)),
                Err(_) => Ok(()),
            },
            Other::Icmp(bytes) => match Icmpv4Slice::from_slice(bytes) {
                Ok(icmp) => icmpv4(f, &icmp),
                Err(_) => Ok(()),
            },
            Other::Icmpv6(bytes) => match Icmpv6Slice::from_slice(bytes) {
                Ok(icmp) => icmpv6(f, &icmp),
                Err(_) => Ok(()),
            },
            Other::Arp(bytes) => arp(f, self, bytes),
        }
    }
}

fn icmpv4(f: &mut fmt::Formatter<'_>, icmp: &Icmpv4Slice<'_>) -> fmt::Result {
    match icmp.icmp_type() {
        Icmpv4Type::EchoRequest(echo) => write!(f, "echo request id={} seq={}", echo.id, echo.seq),
        Icmpv4Type::EchoReply(echo) => write!(f, "echo reply id={} seq={}", echo.id, echo.seq),
        Icmpv4Type::DestinationUnreachable(header) => {
            use etherparse::icmpv4::DestUnreachableHeader as Unreachable;
            match header {
                Unreachable::FragmentationNeeded { next_hop_mtu } => {
                    write!(f, "fragmentation needed mtu={next_hop_mtu}")
                }
                Unreachable::Port => f.write_str("port unreachable"),
                Unreachable::Host => f.write_str("host unreachable"),
                Unreachable::Network => f.write_str("network unreachable"),
                other => write!(f, "destination unreachable code={}", other.code_u8()),
            }
        }
        Icmpv4Type::TimeExceeded(_) => f.write_str("time exceeded"),
        Icmpv4Type::Redirect(_) => f.write_str("redirect"),
        _ => write!(f, "type={} code={}", icmp.type_u8(), icmp.code_u8()),
    }
}

fn icmpv6(f: &mut fmt::Formatter<'_>, icmp: &Icmpv6Slice<'_>) -> fmt::Result {
    match icmp.icmp_type() {
        Icmpv6Type::EchoRequest(echo) => write!(f, "echo request id={} seq={}", echo.id, echo.seq),
        Icmpv6Type::EchoReply(echo) => write!(f, "echo reply id={} seq={}", echo.id, echo.seq),
        Icmpv6Type::PacketTooBig { mtu } => write!(f, "packet too big mtu={mtu}"),
        Icmpv6Type::TimeExceeded(_) => f.write_str("time exceeded"),
        Icmpv6Type::DestinationUnreachable(header) => {
            write!(f, "destination unreachable code={}", header.code_u8())
        }
        _ => match icmp.type_u8() {
            130 => f.write_str("multicast listener query"),
            133 => f.write_str("router solicitation"),
            134 => f.write_str("router advertisement"),
            135 => f.write_str("neighbor solicitation"),
            136 => f.write_str("neighbor advertisement"),
            143 => f.write_str("multicast listener report"),
            number => write!(f, "type={number} code={}", icmp.code_u8()),
        },
    }
}

fn arp(f: &mut fmt::Formatter<'_>, packet: &Other<'_>, bytes: &[u8]) -> fmt::Result {
    let operation = ArpPacketSlice::from_slice(bytes).map_or(0, |arp| arp.operation().0);
    match (operation, packet.arp_addresses()) {
        (1, Some((sender, target))) => write!(f, "who has {target}, tell {sender}"),
        (2, Some((sender, _))) => write!(f, "{sender} is here"),
        _ => write!(f, "operation={operation}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn udp_ports_and_length() {
        let udp = Other::of_ip(17, &[0, 53, 0x9c, 0x40, 0, 12, 0, 0, 1, 2, 3, 4]).unwrap();
        assert_eq!(udp.ports(), Some((53, 40000)));
        assert_eq!(udp.to_string(), "len=4");
        assert_eq!(
            Other::of_ip(17, &[0; 7]).unwrap_err(),
            (LayerName::Udp, Why::Truncated)
        );
    }

    #[test]
    fn icmp_says_what_happened() {
        let needed = Other::of_ip(1, &[3, 4, 0, 0, 0, 0, 5, 0x78]).unwrap();
        assert_eq!(needed.to_string(), "fragmentation needed mtu=1400");
        let too_big = Other::of_ip(58, &[2, 0, 0, 0, 0, 0, 5, 0]).unwrap();
        assert_eq!(too_big.to_string(), "packet too big mtu=1280");
    }

    #[test]
    fn arp_names_both_sides() {
        let mut bytes = [0u8; 28];
        bytes[..8].copy_from_slice(&[0, 1, 8, 0, 6, 4, 0, 1]);
        bytes[14..18].copy_from_slice(&[192, 0, 2, 1]);
        bytes[24..28].copy_from_slice(&[192, 0, 2, 9]);
        assert_eq!(
            Other::arp(&bytes).unwrap().to_string(),
            "who has 192.0.2.9, tell 192.0.2.1"
        );
        assert!(Other::arp(&bytes[..27]).is_none());
    }

    #[test]
    fn any_other_protocol_is_named() {
        assert_eq!(
            Other::of_ip(132, &[]).unwrap_err(),
            (LayerName::IpProtocol(132), Why::Unsupported)
        );
    }
}
