//! Takes a frame apart. One table from link type to reader, one from EtherType, one from IP protocol; a new protocol is a new
//! file and an arm here.
//!
//! Two lengths go along: what was captured, and what was on the wire. Each header narrows both to what it claims, so that
//! padding is never payload, and a snap length cuts bytes but not lengths.

use super::ethernet::{EtherType, Ethernet, Next, VlanTag};
use super::ipv4::Ipv4;
use super::ipv6::{Ipv6, Ipv6Extension};
use super::linux_cooked_v1::LinuxCookedV1;
use super::linux_cooked_v2::LinuxCookedV2;
use super::loopback::Loopback;
use super::other::Other;
use super::packet::{Layer, LayerName, Packet, Stop, Why};
use super::tcp::Tcp;
use super::{Frame, LinkType, raw_ip};

/// Takes a frame apart, as far as it can be read.
pub fn decode<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let mut decoder = Decoder {
        packet: Packet::default(),
        bytes: frame.bytes,
        wire: frame.wire_len.max(frame.bytes.len() as u32),
    };
    if let Err(stop) = decoder.link(frame.link) {
        decoder.packet.stop = Some(stop);
    }
    decoder.packet
}

/// Where reading stands: the layers read so far, and what is left of the frame.
struct Decoder<'a> {
    packet: Packet<'a>,
    /// Captured bytes that are left.
    bytes: &'a [u8],
    /// Bytes that are left on the wire, at least as many as captured.
    wire: u32,
}

type Step = Result<(), Stop>;

fn stop<T>(layer: LayerName, why: Why) -> Result<T, Stop> {
    Err(Stop { layer, why })
}

impl<'a> Decoder<'a> {
    fn link(&mut self, link: LinkType) -> Step {
        match link {
            LinkType::ETHERNET => self.ethernet(),
            LinkType::LINUX_SLL => {
                let header = self.need(LinuxCookedV1::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::LinuxCookedV1(header), LinuxCookedV1::LEN)?;
                self.ether_type(header.protocol())
            }
            LinkType::LINUX_SLL2 => {
                let header = self.need(LinuxCookedV2::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::LinuxCookedV2(header), LinuxCookedV2::LEN)?;
                self.ether_type(header.protocol())
            }
            LinkType::NULL | LinkType::LOOP => {
                let header = self.need(Loopback::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::Loopback(header), Loopback::LEN)?;
                match header.protocol() {
                    Some(protocol) => self.ether_type(protocol),
                    None => stop(LayerName::Link(link.0), Why::Unsupported),
                }
            }
            LinkType::RAW | LinkType(12 | 14) => match raw_ip::protocol(self.bytes) {
                Some(protocol) => self.ether_type(protocol),
                None if self.bytes.is_empty() => stop(LayerName::Link(link.0), Why::Truncated),
                None => stop(LayerName::Link(link.0), Why::Malformed),
            },
            LinkType::IPV4 => self.ether_type(EtherType::IPV4),
            LinkType::IPV6 => self.ether_type(EtherType::IPV6),
            LinkType(number) => stop(LayerName::Link(number), Why::Unsupported),
        }
    }

    fn ethernet(&mut self) -> Step {
        let header = self.need(Ethernet::new(self.bytes), LayerName::Ethernet)?;
        let next = header.next();
        self.push(Layer::Ethernet(header), Ethernet::LEN)?;
        if let Some(length) = header.length() {
            self.claim(u32::from(length));
        }
        self.behind_ethernet(next, Ethernet::LEN)
    }

    /// Goes on behind an Ethernet header or a tag of `header` bytes.
    fn behind_ethernet(&mut self, next: Next, header: usize) -> Step {
        match next {
            Next::Protocol(protocol, start) => {
                self.skip(start - header);
                self.ether_type(protocol)
            }
            Next::Llc(sap) => stop(LayerName::Llc(sap), Why::Unsupported),
            Next::Truncated => stop(LayerName::Ethernet, Why::Truncated),
        }
    }

    fn ether_type(&mut self, protocol: EtherType) -> Step {
        match protocol {
            EtherType::IPV4 => self.ipv4(),
            EtherType::IPV6 => self.ipv6(),
            EtherType::ARP => {
                let arp = self.need(Other::arp(self.bytes), LayerName::Arp)?;
                self.push(Layer::Other(arp), 0)
            }
            tag if tag.is_vlan_tag() => {
                let tag = self.need(VlanTag::new(self.bytes), LayerName::Vlan)?;
                let next = tag.next();
                self.push(Layer::Vlan(tag), VlanTag::LEN)?;
                self.behind_ethernet(next, VlanTag::LEN)
            }
            EtherType(number) => stop(LayerName::EtherType(number), Why::Unsupported),
        }
    }

    fn ipv4(&mut self) -> Step {
        let ip = self.need(Ipv4::new(self.bytes), LayerName::Ipv4)?;
        let header = ip.header_len();
        if ip.version() != 4 || header < Ipv4::MIN_LEN || header as u32 > self.wire {
            return stop(LayerName::Ipv4, Why::Malformed);
        }
        match usize::from(ip.total_len()) {
            // Segmentation offload: the kernel had not cut the packet yet, the frame tells its length (ANALYSIS.md 10.2).
            0 => {}
            total if total < header => return stop(LayerName::Ipv4, Why::Malformed),
            total => self.claim(total as u32),
        }
        self.push(Layer::Ipv4(ip), header)?;
        if ip.is_fragment() {
            return stop(LayerName::Ipv4, Why::Fragment);
        }
        self.ip_payload(ip.protocol())
    }

    fn ipv6(&mut self) -> Step {
        let ip = self.need(Ipv6::new(self.bytes), LayerName::Ipv6)?;
        if ip.version() != 6 {
            return stop(LayerName::Ipv6, Why::Malformed);
        }
        self.push(Layer::Ipv6(ip), Ipv6::LEN)?;
        if ip.payload_len() > 0 {
            self.claim(u32::from(ip.payload_len()));
        }
        let mut protocol = ip.next_header();
        while Ipv6Extension::is_extension(protocol) {
            let extension = self.need(
                Ipv6Extension::new(protocol, self.bytes),
                LayerName::Ipv6Extension,
            )?;
            self.push(Layer::Ipv6Extension(extension), extension.bytes().len())?;
            if let Some((offset, more, _)) = extension.fragment()
                && (offset > 0 || more)
            {
                return stop(LayerName::Ipv6, Why::Fragment);
            }
            protocol = extension.next_header();
        }
        self.ip_payload(protocol)
    }

    fn ip_payload(&mut self, protocol: u8) -> Step {
        self.packet.transport_len = self.wire;
        match protocol {
            6 => self.tcp(),
            _ => match Other::of_ip(protocol, self.bytes) {
                Ok(other) => self.push(Layer::Other(other), 0),
                Err((layer, why)) => stop(layer, why),
            },
        }
    }

    /// TCP is the last layer. A header that was cut, or that contradicts itself, is kept and the reason noted beside it.
    fn tcp(&mut self) -> Step {
        let tcp = self.need(Tcp::new(self.bytes), LayerName::Tcp)?;
        self.push(Layer::Tcp(tcp), 0)?;
        let header = tcp.header_len();
        if header < Tcp::MIN_LEN || header as u32 > self.wire {
            return stop(LayerName::Tcp, Why::Malformed);
        }
        if !tcp.is_whole() {
            return stop(LayerName::Tcp, Why::Truncated);
        }
        Ok(())
    }

    /// A view that must be there; why it is not: too little captured, or too little even on the wire.
    fn need<T>(&self, view: Option<T>, layer: LayerName) -> Result<T, Stop> {
        match view {
            Some(view) => Ok(view),
            None if self.wire as usize > self.bytes.len() => stop(layer, Why::Truncated),
            None => stop(layer, Why::Malformed),
        }
    }

    /// Adds a layer and steps over its header.
    fn push(&mut self, layer: Layer<'a>, header: usize) -> Step {
        if self.packet.layers.try_push(layer).is_err() {
            return stop(LayerName::TooDeep, Why::Unsupported);
        }
        self.skip(header);
        Ok(())
    }

    /// Steps over bytes, of which fewer may have been captured.
    fn skip(&mut self, bytes: usize) {
        self.bytes = self.bytes.get(bytes..).unwrap_or(&[]);
        self.wire = self.wire.saturating_sub(bytes as u32);
    }

    /// Narrows what is left to a length that a header claims. A claim beyond the frame changes nothing: the wire cannot have
    /// carried it.
    fn claim(&mut self, length: u32) {
        self.wire = self.wire.min(length);
        self.bytes = &self.bytes[..self.bytes.len().min(length as usize)];
    }
}
