//! What is inside IP other than TCP: tunnels, which are followed to the innermost packet, and the rest through etherparse.
//!
//! Tunnels in UDP are known by their ports alone, which other programs may use, too: where the header does not look like it, the
//! datagram stays UDP.

use super::{Decoder, Step, stop};
use crate::analyzers::erspan::Erspan;
use crate::analyzers::ethernet::EtherType;
use crate::analyzers::geneve::Geneve;
use crate::analyzers::gre::Gre;
use crate::analyzers::gtp_u::GtpU;
use crate::analyzers::ipv6::Ipv6Extension;
use crate::analyzers::other::Other;
use crate::analyzers::packet::{Layer, LayerName, Why};
use crate::analyzers::raw_ip;
use crate::analyzers::vxlan::Vxlan;

/// IP protocol numbers (IANA).
mod protocol {
    pub const IPV4: u8 = 4;
    pub const IPV6: u8 = 41;
    pub const GRE: u8 = 47;
    pub const AUTHENTICATION: u8 = 51;
    pub const MPLS: u8 = 137;
}

/// Bytes of a UDP header.
const UDP_LEN: usize = 8;

impl Decoder<'_, '_> {
    pub(super) fn tunnel_or_other(&mut self, protocol: u8) -> Step {
        match protocol {
            protocol::IPV4 => self.ipv4(),
            protocol::IPV6 => self.ipv6(),
            protocol::GRE => self.gre(),
            protocol::MPLS => self.mpls(),
            // The same header behind IPv4 as behind IPv6 (RFC 4302).
            protocol::AUTHENTICATION => {
                let header = self.need(
                    Ipv6Extension::new(protocol, self.bytes),
                    LayerName::IpProtocol(protocol),
                )?;
                self.push(Layer::Ipv6Extension(header), header.bytes().len())?;
                self.ip_payload(header.next_header())
            }
            _ => match Other::of_ip(protocol, self.bytes) {
                Ok(other) => {
                    self.push(Layer::Other(other), 0)?;
                    match other.ports() {
                        Some(ports) => self.inside_udp(ports),
                        None => Ok(()),
                    }
                }
                Err((layer, why)) => stop(layer, why),
            },
        }
    }

    fn inside_udp(&mut self, (source, destination): (u16, u16)) -> Step {
        let is = |port| source == port || destination == port;
        let payload = self.bytes.get(UDP_LEN..).unwrap_or_default();
        if (is(Vxlan::PORT) || is(Vxlan::OLD_PORT)) && Vxlan::is_announced(payload) {
            self.skip(UDP_LEN);
            self.vxlan()
        } else if is(Geneve::PORT) && Geneve::is_announced(payload) {
            self.skip(UDP_LEN);
            self.geneve()
        } else if is(GtpU::PORT) && GtpU::is_announced(payload) {
            self.skip(UDP_LEN);
            self.gtp_u()
        } else {
            Ok(())
        }
    }

    fn vxlan(&mut self) -> Step {
        let header = self.need(Vxlan::new(self.bytes), LayerName::Vxlan)?;
        self.push(Layer::Vxlan(header), Vxlan::LEN)?;
        self.ethernet()
    }

    fn geneve(&mut self) -> Step {
        let header = self.need(Geneve::new(self.bytes), LayerName::Geneve)?;
        self.push(Layer::Geneve(header), header.bytes().len())?;
        self.ether_type(header.protocol())
    }

    fn gtp_u(&mut self) -> Step {
        let header = self.need(GtpU::new(self.bytes), LayerName::GtpU)?;
        self.claim(u32::from(header.length()).saturating_add(8));
        self.push(Layer::GtpU(header), header.bytes().len())?;
        if header.message() != GtpU::PACKET {
            // Signalling between the ends of the tunnel.
            return Ok(());
        }
        match raw_ip::protocol(self.bytes) {
            Some(protocol) => self.ether_type(protocol),
            None => stop(LayerName::GtpU, Why::Unsupported),
        }
    }

    fn gre(&mut self) -> Step {
        let header = self.need(Gre::new(self.bytes), LayerName::Gre)?;
        self.push(Layer::Gre(header), header.bytes().len())?;
        if header.has_routing() {
            return stop(LayerName::GreRouting, Why::Unsupported);
        }
        match header.protocol() {
            // A frame without sequence number is of type I, which has no header.
            EtherType::ERSPAN if header.sequence().is_none() => self.ethernet(),
            EtherType::ERSPAN => self.erspan(Erspan::second(self.bytes)),
            EtherType::ERSPAN_III => self.erspan(Erspan::third(self.bytes)),
            // An acknowledgment of PPTP without payload.
            EtherType::PPP if self.wire == 0 => Ok(()),
            protocol => self.ether_type(protocol),
        }
    }
}

impl<'a> Decoder<'_, 'a> {
    fn erspan(&mut self, header: Option<Erspan<'a>>) -> Step {
        let header = self.need(header, LayerName::Erspan)?;
        self.push(Layer::Erspan(header), header.bytes().len())?;
        self.ethernet()
    }
}
