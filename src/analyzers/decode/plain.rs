//! The short way for what nearly every packet is: Ethernet, IPv4 or IPv6, and TCP, with nothing odd about any of them. It finds
//! exactly what the long way finds, and leaves everything else to that. Who needs no more than the two headers takes a [`Plain`] as
//! it is; for all others it becomes the layers of a [`Packet`].

use crate::analyzers::ethernet::{EtherType, Ethernet};
use crate::analyzers::ipv4::Ipv4;
use crate::analyzers::ipv6::Ipv6;
use crate::analyzers::packet::{Ip, Layer, Packet};
use crate::analyzers::tcp::Tcp;
use crate::analyzers::{Frame, LinkType};

/// The protocol number of TCP.
const TCP: u8 = 6;

/// The headers of a plain packet: an Ethernet II header, an IPv4 header without options or an IPv6 header without extension headers,
/// and a TCP header that was captured whole and claims no more than the IP payload has.
#[derive(Clone, Copy, Debug)]
pub struct Plain<'a> {
    ethernet: Ethernet<'a>,
    /// The IP header.
    pub ip: Ip<'a>,
    /// The TCP header, over as much of the segment as was captured.
    pub tcp: Tcp<'a>,
    /// Bytes of the IP payload as claimed, but never more than the frame had on the wire.
    pub transport_len: u32,
}

impl<'a> Plain<'a> {
    /// The headers of a frame; `None` if it is not a plain packet.
    #[inline(always)]
    pub fn of(frame: &Frame<'a>) -> Option<Self> {
        if frame.link != LinkType::ETHERNET {
            return None;
        }
        let ethernet = Ethernet::new(frame.bytes)?;
        let bytes = frame.bytes.get(Ethernet::LEN..)?;
        match EtherType(ethernet.type_or_length()) {
            EtherType::IPV4 => {
                let (ip, claimed) = ipv4(bytes)?;
                Self::above(frame, ethernet, Ip::V4(ip), Ipv4::MIN_LEN, claimed)
            }
            EtherType::IPV6 => {
                let (ip, claimed) = ipv6(bytes)?;
                Self::above(frame, ethernet, Ip::V6(ip), Ipv6::LEN, claimed)
            }
            _ => None,
        }
    }

    /// Adds the TCP header above an IP header of this length, in a datagram that claims to be so long.
    #[inline(always)]
    fn above(
        frame: &Frame<'a>,
        ethernet: Ethernet<'a>,
        ip: Ip<'a>,
        header: usize,
        claimed: u32,
    ) -> Option<Self> {
        let bytes = frame.bytes.get(Ethernet::LEN..)?;
        // What padding stands behind the datagram is none of it.
        let wire = (frame.wire_len.max(frame.bytes.len() as u32))
            .saturating_sub(Ethernet::LEN as u32)
            .min(claimed);
        let end = bytes.len().min(claimed as usize);
        let segment = bytes.get(header..end)?;
        let transport_len = wire.checked_sub(header as u32)?;
        let tcp = Tcp::new(segment)?;
        let is_whole = segment.len() >= Tcp::MIN_LEN && tcp.is_whole();
        (is_whole && tcp.header_len() >= Tcp::MIN_LEN).then_some(Self {
            ethernet,
            ip,
            tcp,
            transport_len,
        })
    }

    /// The same with its IP header told once more: behind a `match` on the version, what is compiled into each arm then knows it.
    #[inline(always)]
    pub fn over(self, ip: Ip<'a>) -> Self {
        Self { ip, ..self }
    }

    /// Makes these the layers of a packet that has none.
    #[inline]
    pub(super) fn put_into(self, packet: &mut Packet<'a>) {
        packet.layers.push(Layer::Ethernet(self.ethernet));
        packet.layers.push(match self.ip {
            Ip::V4(ip) => Layer::Ipv4(ip),
            Ip::V6(ip) => Layer::Ipv6(ip),
        });
        packet.layers.push(Layer::Tcp(self.tcp));
        packet.transport_len = self.transport_len;
    }
}

/// An IPv4 header without options in front of TCP, and the length of the whole datagram as claimed.
#[inline(always)]
fn ipv4(bytes: &[u8]) -> Option<(Ipv4<'_>, u32)> {
    let ip = Ipv4::new(bytes)?;
    let is_plain = ip.version() == 4
        && ip.header_len() == Ipv4::MIN_LEN
        && ip.protocol() == TCP
        && !ip.is_fragment();
    // A claim of less than the header is malformed, one of 0 is segmentation offload.
    (is_plain && usize::from(ip.total_len()) > Ipv4::MIN_LEN)
        .then(|| (ip, u32::from(ip.total_len())))
}

/// The same for IPv6 without extension headers.
#[inline(always)]
fn ipv6(bytes: &[u8]) -> Option<(Ipv6<'_>, u32)> {
    let ip = Ipv6::new(bytes)?;
    let is_plain = ip.version() == 6 && ip.next_header() == TCP && ip.payload_len() > 0;
    is_plain.then(|| {
        let claimed = u32::from(ip.payload_len()).saturating_add(Ipv6::LEN as u32);
        (ip, claimed)
    })
}

#[cfg(test)]
mod tests {
    use super::super::by_layers;
    use super::*;
    use crate::utils::time::Timestamp;
    use etherparse::PacketBuilder;

    /// Whether the short way was taken; what it finds is checked against the long way.
    fn is_short(bytes: &[u8], wire_len: u32) -> bool {
        let frame = Frame {
            number: 1,
            time: Timestamp::default(),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len,
            bytes,
        };
        let (mut short, mut long) = (Packet::default(), Packet::default());
        let plain = Plain::of(&frame);
        let is_short = plain.is_some();
        if let Some(plain) = plain {
            plain.put_into(&mut short);
            by_layers(&frame, &mut long);
            assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
        is_short
    }

    fn examples() -> [Vec<u8>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        let ethernet = || PacketBuilder::ethernet2([2; 6], [4; 6]);
        let payload = b"eight oct";
        let v4 = ethernet().ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64);
        v4.tcp(1, 2, 3, 4).write(&mut all[0], payload).unwrap();
        let v6 = ethernet().ipv6([1; 16], [2; 16], 64);
        v6.tcp(1, 2, 3, 4).write(&mut all[1], payload).unwrap();
        all
    }

    #[test]
    fn plain_packets_go_the_short_way() {
        for mut bytes in examples() {
            assert!(is_short(&bytes, bytes.len() as u32));
            // Padding, and a frame that was cut.
            bytes.extend([0; 7]);
            assert!(is_short(&bytes, bytes.len() as u32));
            assert!(is_short(&bytes[..bytes.len() - 12], bytes.len() as u32));
        }
    }

    #[test]
    fn cut_or_changed_anywhere_both_ways_find_the_same() {
        for bytes in examples() {
            for len in 0..bytes.len() {
                is_short(&bytes[..len], bytes.len() as u32);
                is_short(&bytes[..len], len as u32);
            }
            for at in 12..bytes.len() {
                for bit in 0..8 {
                    let mut changed = bytes.clone();
                    changed[at] ^= 1 << bit;
                    is_short(&changed, bytes.len() as u32);
                }
            }
        }
    }
}
