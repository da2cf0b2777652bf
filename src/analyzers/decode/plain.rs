//! The short way for what nearly every packet is: Ethernet, IPv4 or IPv6, and TCP, with nothing odd about any of them. It finds
//! exactly what the long way finds, and leaves everything else to that.

use crate::analyzers::ethernet::{EtherType, Ethernet};
use crate::analyzers::ipv4::Ipv4;
use crate::analyzers::ipv6::Ipv6;
use crate::analyzers::packet::{Layer, Packet};
use crate::analyzers::tcp::Tcp;
use crate::analyzers::{Frame, LinkType};

/// The protocol number of TCP.
const TCP: u8 = 6;

/// Reads a plain packet. Otherwise returns false and leaves `packet` as it is.
#[inline]
pub(super) fn read<'a>(frame: &Frame<'a>, packet: &mut Packet<'a>) -> bool {
    read_checked(frame, packet).is_some()
}

#[inline]
fn read_checked<'a>(frame: &Frame<'a>, packet: &mut Packet<'a>) -> Option<()> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let ethernet = Ethernet::new(frame.bytes)?;
    let bytes = frame.bytes.get(Ethernet::LEN..)?;
    let (ip, header, claimed) = match EtherType(ethernet.type_or_length()) {
        EtherType::IPV4 => ipv4(bytes)?,
        EtherType::IPV6 => ipv6(bytes)?,
        _ => return None,
    };
    // What padding stands behind the datagram is none of it.
    let wire = (frame.wire_len.max(frame.bytes.len() as u32))
        .saturating_sub(Ethernet::LEN as u32)
        .min(claimed);
    let end = bytes.len().min(claimed as usize);
    let segment = bytes.get(header..end)?;
    let transport_len = wire.checked_sub(header as u32)?;
    let tcp = Tcp::new(segment)?;
    if tcp.header_len() < Tcp::MIN_LEN || !tcp.is_whole() {
        return None;
    }
    packet.layers.push(Layer::Ethernet(ethernet));
    packet.layers.push(ip);
    packet.layers.push(Layer::Tcp(tcp));
    packet.transport_len = transport_len;
    Some(())
}

/// An IPv4 header without options in front of TCP, its length, and that of the whole datagram as claimed.
#[inline]
fn ipv4(bytes: &[u8]) -> Option<(Layer<'_>, usize, u32)> {
    let ip = Ipv4::new(bytes)?;
    let is_plain = ip.version() == 4
        && ip.header_len() == Ipv4::MIN_LEN
        && ip.protocol() == TCP
        && !ip.is_fragment();
    // A claim of less than the header is malformed, one of 0 is segmentation offload.
    (is_plain && usize::from(ip.total_len()) > Ipv4::MIN_LEN).then(|| {
        let claimed = u32::from(ip.total_len());
        (Layer::Ipv4(ip), Ipv4::MIN_LEN, claimed)
    })
}

/// The same for IPv6 without extension headers.
#[inline]
fn ipv6(bytes: &[u8]) -> Option<(Layer<'_>, usize, u32)> {
    let ip = Ipv6::new(bytes)?;
    let is_plain = ip.version() == 6 && ip.next_header() == TCP && ip.payload_len() > 0;
    is_plain.then(|| {
        let claimed = u32::from(ip.payload_len()).saturating_add(Ipv6::LEN as u32);
        (Layer::Ipv6(ip), Ipv6::LEN, claimed)
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
        let is_short = read(&frame, &mut short);
        if is_short {
            by_layers(&frame, &mut long);
            assert_eq!(format!("{short:?}"), format!("{long:?}"));
        } else {
            assert!(short.layers.is_empty());
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
