//! Takes a frame apart. One table from link type to reader ([`link`]), one from EtherType (here), one from IP protocol
//! ([`network`]), one from tunnel to what is inside ([`tunnels`]); a new protocol is a new file and an arm.
//!
//! Two lengths go along: what was captured, and what was on the wire. Each header narrows both to what it claims, so that
//! padding is never payload, and a snap length cuts bytes but not lengths.

mod link;
mod network;
mod plain;
mod tunnels;

pub use plain::Plain;

use super::Frame;
use super::ethernet::EtherType;
use super::other::Other;
use super::packet::{Layer, LayerName, Packet, Stop, Why};

/// Takes a frame apart, as far as it can be read.
pub fn decode<'a>(frame: &Frame<'a>) -> Packet<'a> {
    let mut packet = Packet::default();
    decode_into(frame, &mut packet);
    packet
}

/// The same in place of what `packet` held before: a packet has room for many layers, and moving it costs more than reading one.
#[inline]
pub fn decode_into<'a>(frame: &Frame<'a>, packet: &mut Packet<'a>) {
    packet.clear();
    match Plain::of(frame) {
        Some(plain) => plain.put_into(packet),
        None => by_layers(frame, packet),
    }
}

/// Takes a frame apart layer by layer, each of which says what is next.
fn by_layers<'a>(frame: &Frame<'a>, packet: &mut Packet<'a>) {
    let mut decoder = Decoder {
        packet,
        bytes: frame.bytes,
        wire: frame.wire_len.max(frame.bytes.len() as u32),
    };
    if let Err(stop) = decoder.link(frame.link) {
        decoder.packet.stop = Some(stop);
    }
}

/// Takes a datagram apart that was put together from fragments, the last of which is `last`: the layers around its IP header,
/// then the datagram.
pub fn decode_reassembled<'a>(last: &Packet<'a>, datagram: &'a [u8]) -> Packet<'a> {
    let outside = last
        .layers
        .iter()
        .rposition(|layer| matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_)))
        .unwrap_or(0);
    let mut packet = Packet::default();
    packet
        .layers
        .extend(last.layers.iter().take(outside).copied());
    let mut decoder = Decoder {
        packet: &mut packet,
        bytes: datagram,
        wire: datagram.len() as u32,
    };
    let protocol = super::raw_ip::protocol(datagram).unwrap_or(EtherType::IPV4);
    if let Err(stop) = decoder.ether_type(protocol) {
        decoder.packet.stop = Some(stop);
    }
    packet
}

/// Where reading stands: the layers read so far, and what is left of the frame.
struct Decoder<'p, 'a> {
    packet: &'p mut Packet<'a>,
    /// Captured bytes that are left.
    bytes: &'a [u8],
    /// Bytes that are left on the wire, at least as many as captured.
    wire: u32,
}

type Step = Result<(), Stop>;

fn stop<T>(layer: LayerName, why: Why) -> Result<T, Stop> {
    Err(Stop { layer, why })
}

impl<'a> Decoder<'_, 'a> {
    fn ether_type(&mut self, protocol: EtherType) -> Step {
        match protocol {
            EtherType::IPV4 => self.ipv4(),
            EtherType::IPV6 => self.ipv6(),
            EtherType::ARP => {
                let arp = self.need(Other::arp(self.bytes), LayerName::Arp)?;
                self.push(Layer::Other(arp), 0)
            }
            tag if tag.is_vlan_tag() => self.vlan(),
            EtherType::MPLS | EtherType::MPLS_MULTICAST => self.mpls(),
            EtherType::PPPOE_SESSION | EtherType::PPPOE_DISCOVERY => self.pppoe(),
            EtherType::ETHERNET => self.ethernet(),
            EtherType::PPP => self.ppp(),
            EtherType(number) => stop(LayerName::EtherType(number), Why::Unsupported),
        }
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

#[cfg(test)]
mod tests;
