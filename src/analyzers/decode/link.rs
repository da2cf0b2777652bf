//! From the link type of the capture down to the network layer: the link's own header, LLC, tags, labels and PPP.

use super::{Decoder, Step, stop};
use crate::analyzers::LinkType;
use crate::analyzers::cisco_hdlc::CiscoHdlc;
use crate::analyzers::ethernet::{EtherType, Ethernet, VlanTag};
use crate::analyzers::fddi::Fddi;
use crate::analyzers::ieee80211::{Ieee80211, Radiotap};
use crate::analyzers::infiniband::InfiniBand;
use crate::analyzers::linux_cooked_v1::LinuxCookedV1;
use crate::analyzers::linux_cooked_v2::LinuxCookedV2;
use crate::analyzers::llc::Llc;
use crate::analyzers::loopback::Loopback;
use crate::analyzers::mpls::{self, Mpls};
use crate::analyzers::nflog::{Nflog, NoPacket};
use crate::analyzers::packet::{Layer, LayerName, Why};
use crate::analyzers::ppp::Ppp;
use crate::analyzers::pppoe::Pppoe;
use crate::analyzers::raw_ip;

impl Decoder<'_, '_> {
    pub(super) fn link(&mut self, link: LinkType) -> Step {
        match link {
            LinkType::ETHERNET => self.ethernet(),
            LinkType::LINUX_SLL => {
                let header = self.need(LinuxCookedV1::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::LinuxCookedV1(header), LinuxCookedV1::LEN)?;
                self.cooked(header.protocol())
            }
            LinkType::LINUX_SLL2 => {
                let header = self.need(LinuxCookedV2::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::LinuxCookedV2(header), LinuxCookedV2::LEN)?;
                self.cooked(header.protocol())
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
            LinkType::CISCO_HDLC | LinkType::PPP_SERIAL if CiscoHdlc::is_announced(self.bytes) => {
                self.cisco_hdlc(link)
            }
            LinkType::PPP | LinkType::PPP_SERIAL => self.ppp(),
            // Some routers switch a line to PPP and back; address and control tell.
            LinkType::CISCO_HDLC if self.bytes.starts_with(&[0xff, 3]) => self.ppp(),
            LinkType::CISCO_HDLC => self.cisco_hdlc(link),
            LinkType::PPP_ETHER => self.pppoe(),
            LinkType::FDDI => self.fddi(link),
            LinkType::NFLOG => self.nflog(link),
            LinkType::INFINIBAND => {
                let header = self.need(InfiniBand::new(self.bytes), LayerName::Link(link.0))?;
                self.push(Layer::InfiniBand(header), InfiniBand::LEN)?;
                self.ether_type(header.protocol())
            }
            LinkType::IEEE802_11 => self.ieee80211(false),
            LinkType::RADIOTAP => self.radiotap(link),
            LinkType(number) => stop(LayerName::Link(number), Why::Unsupported),
        }
    }

    pub(super) fn ethernet(&mut self) -> Step {
        let header = self.need(Ethernet::new(self.bytes), LayerName::Ethernet)?;
        self.push(Layer::Ethernet(header), Ethernet::LEN)?;
        self.behind_ethernet(header.ether_type(), header.length())
    }

    pub(super) fn vlan(&mut self) -> Step {
        let tag = self.need(VlanTag::new(self.bytes), LayerName::Vlan)?;
        self.push(Layer::Vlan(tag), VlanTag::LEN)?;
        self.behind_ethernet(tag.ether_type(), tag.length())
    }

    /// Goes on behind an Ethernet header or a tag.
    fn behind_ethernet(&mut self, protocol: Option<EtherType>, length: Option<u16>) -> Step {
        match protocol {
            Some(protocol) => self.ether_type(protocol),
            None => {
                self.claim(u32::from(length.unwrap_or(0)));
                self.llc()
            }
        }
    }

    fn llc(&mut self) -> Step {
        let Some(header) = Llc::new(self.bytes) else {
            return stop(LayerName::Ethernet, Why::Truncated);
        };
        self.push(Layer::Llc(header), header.bytes().len())?;
        match header.snap() {
            Some(snap) => match snap.ether_type() {
                Some(protocol) => self.ether_type(protocol),
                None => stop(LayerName::Snap(snap.organisation), Why::Unsupported),
            },
            None => stop(LayerName::Llc(header.destination()), Why::Unsupported),
        }
    }

    /// What cooked headers call a protocol is an EtherType, but for the small numbers that Linux has of its own.
    fn cooked(&mut self, protocol: EtherType) -> Step {
        const LINUX_802_2: EtherType = EtherType(4);
        match protocol {
            LINUX_802_2 => self.llc(),
            protocol => self.ether_type(protocol),
        }
    }

    pub(super) fn mpls(&mut self) -> Step {
        let stack = self.need(Mpls::new(self.bytes), LayerName::Mpls)?;
        self.push(Layer::Mpls(stack), stack.bytes().len())?;
        let payload = self.need(Mpls::payload(self.bytes), LayerName::Mpls)?;
        match payload {
            mpls::Payload::Ip(protocol) => self.ether_type(protocol),
            mpls::Payload::ControlWord => {
                self.skip(Mpls::CONTROL_WORD);
                self.ethernet()
            }
            mpls::Payload::Ethernet => self.ethernet(),
        }
    }

    pub(super) fn pppoe(&mut self) -> Step {
        let header = self.need(Pppoe::new(self.bytes), LayerName::Pppoe)?;
        self.push(Layer::Pppoe(header), Pppoe::LEN)?;
        self.claim(u32::from(header.length()));
        // Discovery carries tags, no payload.
        if header.code() == 0 {
            self.ppp()
        } else {
            Ok(())
        }
    }

    pub(super) fn ppp(&mut self) -> Step {
        let header = self.need(Ppp::new(self.bytes), LayerName::Ppp)?;
        self.push(Layer::Ppp(header), header.bytes().len())?;
        match header.protocol().ether_type() {
            Some(protocol) => self.ether_type(protocol),
            None => stop(LayerName::PppProtocol(header.protocol()), Why::Unsupported),
        }
    }

    fn cisco_hdlc(&mut self, link: LinkType) -> Step {
        let header = self.need(CiscoHdlc::new(self.bytes), LayerName::Link(link.0))?;
        self.push(Layer::CiscoHdlc(header), CiscoHdlc::LEN)?;
        self.ether_type(header.protocol())
    }

    fn fddi(&mut self, link: LinkType) -> Step {
        let header = self.need(Fddi::new(self.bytes), LayerName::Link(link.0))?;
        self.push(Layer::Fddi(header), Fddi::LEN)?;
        if header.carries_llc() {
            self.llc()
        } else {
            stop(LayerName::Link(link.0), Why::Unsupported)
        }
    }

    fn nflog(&mut self, link: LinkType) -> Step {
        let layer = LayerName::Link(link.0);
        let header = match Nflog::new(self.bytes) {
            Ok(header) => header,
            Err(NoPacket::Truncated) => return self.need(None, layer),
            Err(NoPacket::Malformed) => return stop(layer, Why::Malformed),
        };
        self.push(Layer::Nflog(header), header.bytes().len())?;
        self.claim(u32::from(header.payload_len()));
        match header.protocol() {
            Some(protocol) => self.ether_type(protocol),
            None => stop(layer, Why::Unsupported),
        }
    }

    fn radiotap(&mut self, link: LinkType) -> Step {
        let header = self.need(Radiotap::new(self.bytes), LayerName::Link(link.0))?;
        self.push(Layer::Radiotap(header), header.bytes().len())?;
        if header.has_checksum() {
            self.claim(self.wire.saturating_sub(4));
        }
        self.ieee80211(header.is_padded())
    }

    fn ieee80211(&mut self, is_padded: bool) -> Step {
        let header = self.need(Ieee80211::new(self.bytes), LayerName::Ieee80211)?;
        let len = header.bytes().len();
        self.push(
            Layer::Ieee80211(header),
            if is_padded {
                len.next_multiple_of(4)
            } else {
                len
            },
        )?;
        if !header.has_payload() {
            return stop(LayerName::Ieee80211Signalling, Why::Unsupported);
        }
        if header.is_protected() {
            return stop(LayerName::Ieee80211, Why::Encrypted);
        }
        if header.is_fragment() {
            return stop(LayerName::Ieee80211, Why::Fragment);
        }
        if header.is_aggregate() {
            return stop(LayerName::Ieee80211Aggregate, Why::Unsupported);
        }
        self.llc()
    }
}
