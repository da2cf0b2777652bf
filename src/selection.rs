//! `-p` and `-i`: which decoded packets are wanted. They look at what was decoded, so that they find a connection inside VLAN
//! tags and tunnels, where a filter over bytes would not.
//!
//! Several values of one option mean any of them, both options mean both; either end of the packet may match.

use crate::analyzers::{Ip, Layer, Packet};
use ipnet::IpNet;
use std::net::IpAddr;
use std::str::FromStr;

/// One port, or a range with both ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PortRange {
    first: u16,
    last: u16,
}

impl PortRange {
    fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = String;

    /// `80` or `8000-8080`.
    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| {
            text.trim()
                .parse::<u16>()
                .map_err(|_| format!("'{text}' is not a port; ports go from 0 to 65535"))
        };
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(text)?, port(text)?),
        };
        if first > last {
            return Err(format!(
                "the range {first}-{last} is empty; did you mean {last}-{first}?"
            ));
        }
        Ok(Self { first, last })
    }
}

/// One address, or a network in CIDR notation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressPattern(IpNet);

impl FromStr for AddressPattern {
    type Err = String;

    /// `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let network = if text.contains('/') {
            text.parse::<IpNet>().ok()
        } else {
            text.parse::<IpAddr>().ok().map(IpNet::from)
        };
        network
            .map(Self)
            .ok_or_else(|| format!("'{text}' is not an address or a network; try 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32"))
    }
}

/// Which packets are wanted. The default wants all.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    ports: Vec<PortRange>,
    addresses: Vec<AddressPattern>,
}

impl Selection {
    /// Packets with any of these ports and any of these addresses; an empty list wants all.
    pub fn new(ports: Vec<PortRange>, addresses: Vec<AddressPattern>) -> Self {
        Self { ports, addresses }
    }

    /// Whether every packet is wanted.
    pub fn wants_all(&self) -> bool {
        self.ports.is_empty() && self.addresses.is_empty()
    }

    /// Whether a packet is wanted. One without ports, or without addresses, is not if any are asked for.
    pub fn wants(&self, packet: &Packet<'_>) -> bool {
        (self.ports.is_empty() || self.has_port(packet))
            && (self.addresses.is_empty() || self.has_address(packet))
    }

    fn has_port(&self, packet: &Packet<'_>) -> bool {
        let wanted = |port| self.ports.iter().any(|range| range.contains(port));
        packet
            .ports()
            .is_some_and(|(source, destination)| wanted(source) || wanted(destination))
    }

    fn has_address(&self, packet: &Packet<'_>) -> bool {
        let wanted = |address: IpAddr| {
            self.addresses
                .iter()
                .any(|pattern| pattern.0.contains(&address))
        };
        packet.layers.iter().any(|layer| match layer {
            Layer::Ipv4(ip) => wanted(Ip::V4(*ip).source()) || wanted(Ip::V4(*ip).destination()),
            Layer::Ipv6(ip) => wanted(Ip::V6(*ip).source()) || wanted(Ip::V6(*ip).destination()),
            Layer::Other(other) => other
                .arp_addresses()
                .is_some_and(|(sender, target)| wanted(sender.into()) || wanted(target.into())),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::{Frame, LinkType, decode};
    use crate::utils::time::Timestamp;
    use etherparse::PacketBuilder;

    fn wants(ports: &[&str], addresses: &[&str], bytes: &[u8]) -> bool {
        let selection = Selection::new(
            ports.iter().map(|text| text.parse().unwrap()).collect(),
            addresses.iter().map(|text| text.parse().unwrap()).collect(),
        );
        let frame = Frame {
            number: 1,
            time: Timestamp::default(),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        };
        selection.wants(&decode(&frame))
    }

    fn tagged() -> Vec<u8> {
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .single_vlan(7.try_into().unwrap())
            .ipv4([192, 0, 2, 1], [198, 51, 100, 2], 64)
            .tcp(40_000, 443, 1, 1000)
            .write(&mut bytes, b"x")
            .unwrap();
        bytes
    }

    #[test]
    fn either_end_matches_inside_a_tag() {
        assert!(wants(&["443"], &[], &tagged()) && wants(&["39999-40001"], &[], &tagged()));
        assert!(
            wants(&[], &["198.51.100.0/24"], &tagged()) && wants(&[], &["192.0.2.1"], &tagged())
        );
        assert!(wants(&["80", "443"], &["::1", "192.0.2.1"], &tagged()));
    }

    #[test]
    fn different_options_mean_all_of_them() {
        assert!(!wants(&["443"], &["192.0.2.9"], &tagged()));
        assert!(!wants(&["80"], &["192.0.2.1"], &tagged()));
        assert!(wants(&[], &[], b""));
        assert!(!wants(&["80"], &[], b""));
    }

    #[test]
    fn mistakes_are_explained() {
        assert!("90-80".parse::<PortRange>().unwrap_err().contains("80-90"));
        assert!("x".parse::<PortRange>().unwrap_err().contains("65535"));
        assert!(
            "1.2.3"
                .parse::<AddressPattern>()
                .unwrap_err()
                .contains("192.0.2.7")
        );
    }
}
