//! The network layer: IPv4, IPv6 with its extension headers, and TCP above them.

use super::{Decoder, Step, stop};
use crate::analyzers::ipv4::Ipv4;
use crate::analyzers::ipv6::{Ipv6, Ipv6Extension};
use crate::analyzers::packet::{Layer, LayerName, Why};
use crate::analyzers::tcp::Tcp;

impl Decoder<'_, '_> {
    pub(super) fn ipv4(&mut self) -> Step {
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
            return self.fragment(LayerName::Ipv4);
        }
        self.ip_payload(ip.protocol())
    }

    pub(super) fn ipv6(&mut self) -> Step {
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
                return self.fragment(LayerName::Ipv6);
            }
            protocol = extension.next_header();
        }
        self.ip_payload(protocol)
    }

    /// A part of a datagram. What is left of the frame is kept for putting the datagram together.
    fn fragment(&mut self, layer: LayerName) -> Step {
        self.packet.transport_len = self.wire;
        self.packet.fragment = self.bytes;
        stop(layer, Why::Fragment)
    }

    pub(super) fn ip_payload(&mut self, protocol: u8) -> Step {
        self.packet.transport_len = self.wire;
        match protocol {
            6 => self.tcp(),
            _ => self.tunnel_or_other(protocol),
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
}
