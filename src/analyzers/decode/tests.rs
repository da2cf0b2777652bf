//! Stacks of headers, from every link type down to the innermost segment.

use super::*;
use crate::analyzers::LinkType;
use crate::analyzers::packet::MAX_LAYERS;
use crate::utils::time::Timestamp;
use etherparse::PacketBuilder;
use proptest::prelude::*;

fn frame(link: u32, bytes: &[u8]) -> Frame<'_> {
    Frame {
        number: 1,
        time: Timestamp::default(),
        link: LinkType(link),
        interface: 0,
        wire_len: bytes.len() as u32,
        bytes,
    }
}

/// An IPv4 packet with a segment of 5 bytes.
fn ipv4() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 64)
        .tcp(40000, 80, 1, 1)
        .write(&mut bytes, b"hello")
        .unwrap();
    bytes
}

fn ipv6() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64)
        .tcp(40000, 80, 1, 1)
        .write(&mut bytes, b"hello")
        .unwrap();
    bytes
}

fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&[2; 12][..], &ether_type.to_be_bytes(), payload].concat()
}

/// An outer IPv4 header of this protocol.
fn around(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = (20 + payload.len()) as u16;
    let mut bytes = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0];
    bytes[2..4].copy_from_slice(&length.to_be_bytes());
    bytes.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(payload);
    bytes
}

fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len()) as u16;
    let header = [50_000, port, length, 0].map(u16::to_be_bytes).concat();
    around(17, &[&header, payload].concat())
}

/// Reads a frame with a segment of 5 bytes of payload in it, at every length that may have been captured; returns its layers.
fn segment_in(link: u32, bytes: &[u8]) -> usize {
    for captured in 0..bytes.len() {
        let cut = decode(&Frame {
            wire_len: bytes.len() as u32,
            ..frame(link, &bytes[..captured])
        });
        assert!(
            cut.stop.is_none_or(|stop| stop.why != Why::Malformed),
            "{cut:?}"
        );
    }
    let packet = decode(&frame(link, bytes));
    assert_eq!(packet.stop, None, "{packet:?}");
    assert_eq!(packet.ports(), Some((40000, 80)), "{packet:?}");
    assert_eq!(packet.transport_len, 25);
    packet.layers.len()
}

const RAW: u32 = 101;

#[test]
fn every_link_type_leads_to_the_segment() {
    let snap = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0];
    let wireless = [&[0x08, 0x01][..], &[0; 22], &snap].concat();
    let radiotap = [&[0, 0, 9, 0, 2, 0, 0, 0, 0x10][..], &wireless].concat();
    let nflog = [2, 0, 0, 0, 49, 0, 9, 0];
    let links: [(u32, Vec<u8>); 14] = [
        (1, ethernet(0x0800, &[])),
        (9, vec![0xff, 3, 0, 0x21]),
        (9, vec![0x21]),
        (10, [&[0x50][..], &[2; 12], &snap].concat()),
        (12, vec![]),
        (14, vec![]),
        (50, vec![0xff, 3, 0, 0x21]),
        (50, vec![0x0f, 0, 8, 0]),
        (51, vec![0x11, 0, 0, 1, 0, 47, 0, 0x21]),
        (104, vec![0x0f, 0, 8, 0]),
        (105, wireless),
        (228, vec![]),
        (239, nflog.to_vec()),
        (242, [&[0; 40][..], &[8, 0, 0, 0]].concat()),
    ];
    for (link, header) in links {
        segment_in(link, &[header, ipv4()].concat());
    }
    // The checksum at the end is no payload.
    segment_in(127, &[radiotap, ipv4(), vec![0xee; 4]].concat());
    segment_in(229, &ipv6());
}

#[test]
fn tags_labels_and_sessions() {
    let tagged = [&[0, 5, 0x91, 0][..], &[0, 6, 0x92, 0], &[0, 7, 8, 0]].concat();
    let tagged = [&[0, 4, 0x81, 0][..], &tagged, &ipv4()].concat();
    assert_eq!(segment_in(1, &ethernet(0x88a8, &tagged)), 7);
    let session = [&[0x11, 0, 0, 9, 0, 67, 0, 0x57][..], &ipv6()].concat();
    assert_eq!(segment_in(1, &ethernet(0x8864, &session)), 5);
    let labels = [0, 1, 0, 64, 0, 2, 1, 64];
    for payload in [
        ipv4(),
        ipv6(),
        [vec![0; 4], ethernet(0x0800, &ipv4())].concat(),
        ethernet(0x86dd, &ipv6()),
    ] {
        segment_in(1, &ethernet(0x8847, &[&labels[..], &payload].concat()));
    }
}

#[test]
fn tunnels_are_followed_to_the_innermost_segment() {
    let inner = ethernet(0x0800, &ipv4());
    segment_in(RAW, &around(4, &ipv4()));
    segment_in(RAW, &around(41, &ipv6()));
    let gre = |flags: u16, protocol: u16, rest: &[u8]| {
        let fixed = [flags, protocol].map(u16::to_be_bytes).concat();
        around(47, &[&fixed[..], rest].concat())
    };
    segment_in(RAW, &gre(0, 0x0800, &ipv4()));
    segment_in(RAW, &gre(0xb000, 0x86dd, &[vec![0; 12], ipv6()].concat()));
    segment_in(
        RAW,
        &gre(0x2000, 0x6558, &[vec![0; 4], inner.clone()].concat()),
    );
    segment_in(RAW, &gre(0, 0x88be, &inner));
    segment_in(
        RAW,
        &gre(0x1000, 0x88be, &[vec![0; 12], inner.clone()].concat()),
    );
    segment_in(RAW, &gre(0, 0x22eb, &[vec![0; 12], inner.clone()].concat()));
    let platform = [&[0; 11][..], &[1], &[0; 8]].concat();
    segment_in(RAW, &gre(0, 0x22eb, &[platform, inner.clone()].concat()));
    let pptp = [&[0, 42, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x21][..], &ipv4()].concat();
    segment_in(RAW, &gre(0x3081, 0x880b, &pptp));
    for port in [4789, 8472] {
        let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0][..], &inner].concat();
        segment_in(RAW, &udp(port, &vxlan));
    }
    let geneve = [&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 1, 1, 0][..], &inner].concat();
    segment_in(RAW, &udp(6081, &geneve));
    let gtp = [&[0x30, 255, 0, 45, 0, 0, 0, 7][..], &ipv4()].concat();
    segment_in(RAW, &udp(2152, &gtp));
}

#[test]
fn what_only_uses_a_tunnels_port_stays_udp() {
    for port in [4789, 8472, 6081, 2152] {
        let bytes = udp(port, &[0xff; 40]);
        let packet = decode(&frame(RAW, &bytes));
        assert_eq!((packet.stop, packet.layers.len()), (None, 2));
        assert_eq!(packet.ports(), Some((50_000, port)));
    }
}

#[test]
fn encrypted_wireless_frames_are_not_read() {
    let mut bytes = [&[0x08, 0x41][..], &[0; 22], &[9; 60]].concat();
    let stop = |bytes: &[u8]| decode(&frame(105, bytes)).stop.map(|stop| stop.why);
    assert_eq!(stop(&bytes), Some(Why::Encrypted));
    bytes[1] = 0x05;
    assert_eq!(stop(&bytes), Some(Why::Fragment));
    bytes[0] = 0x80;
    assert_eq!(stop(&bytes), Some(Why::Unsupported));
}

#[test]
fn depth_is_bounded_and_said() {
    let mut bytes = ipv4();
    for _ in 0..40 {
        bytes = around(4, &bytes);
    }
    let packet = decode(&frame(RAW, &bytes));
    assert_eq!(packet.layers.len(), MAX_LAYERS);
    let too_deep = Stop {
        layer: LayerName::TooDeep,
        why: Why::Unsupported,
    };
    assert_eq!(packet.stop, Some(too_deep));
    assert_eq!(packet.tcp().map(|tcp| tcp.seq()), None);
}

#[test]
fn a_link_type_that_is_not_read_is_named() {
    let stop = decode(&frame(195, &[0; 40])).stop.unwrap();
    assert_eq!(stop.layer.to_string(), "IEEE 802.15.4");
    let stop = decode(&frame(9999, &[0; 40])).stop.unwrap();
    assert_eq!(stop.layer.to_string(), "link type 9999");
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_data(link in 0..300u32, start in 0..7usize, bytes in proptest::collection::vec(any::<u8>(), 0..200), more in 0..2000u32) {
        // What leads into tunnels and extension headers more often than chance does.
        let starts = [
            vec![],
            around(47, &[]),
            around(41, &[]),
            udp(4789, &[8]),
            udp(6081, &[]),
            udp(2152, &[0x36]),
            vec![0xff, 3],
        ];
        let bytes = [&starts[start][..], &bytes].concat();
        for link in [link, RAW] {
            let packet = decode(&Frame { wire_len: bytes.len() as u32 + more, ..frame(link, &bytes) });
            prop_assert!(packet.layers.len() <= MAX_LAYERS);
            let _ = (packet.endpoints(), packet.tcp_checksum(), packet.other().map(ToString::to_string));
        }
    }
}
