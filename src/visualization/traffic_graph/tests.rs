//! The traffic graph by value and as a picture, from one packet to a day.

use super::*;
use crate::analyzers::{Frame, LinkType, decode};
use crate::tracking::Segment;
use crate::visualization::chart::file::{Drawing, png, svg};
use crate::visualization::chart::sheet::{Sheet, Size, check};
use etherparse::PacketBuilder;
use plotters::backend::SVGBackend;

/// The traffic of so many packets, so many milliseconds apart, over so many connections.
fn traffic(packets: u64, apart: i64, connections: u64) -> TrafficGraph {
    let mut graph = TrafficGraph::new(Place::default(), None, (None, None));
    let mut tracker = ConnectionTracker::new(10_000);
    for at in 0..packets {
        let mut bytes = Vec::new();
        let port = 10_000 + (at % connections) as u16;
        PacketBuilder::ethernet2([1; 6], [2; 6])
            .ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64)
            .tcp(port, 443, at as u32, 1000)
            .write(&mut bytes, &[0; 100])
            .unwrap();
        let time = Timestamp::from_nanos(at as i64 * apart * 1_000_000);
        let frame = Frame {
            number: at + 1,
            time,
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes: &bytes,
        };
        let packet = decode(&frame);
        let (sender, receiver, segment) = Segment::of(&frame, &packet).unwrap();
        let event = tracker.observe(sender, receiver, &segment);
        let seen = Seen {
            frame: &frame,
            packet: &packet,
            event: Some(&event),
            quotes: None,
            wireshark: None,
            comments: &[],
            interface: None,
            interface_of_several: None,
            since_start: time.nanos(),
        };
        graph.packet(&seen, &mut std::io::sink()).unwrap();
    }
    graph
}

fn drawing(graph: &TrafficGraph) -> TrafficDrawing<'_> {
    TrafficDrawing {
        traffic: graph.traffic.as_ref().unwrap(),
        source: "test.pcap",
        dropped: 7,
    }
}

#[test]
fn readable_from_one_packet_to_a_day() {
    for (packets, apart) in [
        (1, 0),
        (2, 0),
        (100, 10),
        (500, 172_800),
        (20, 1_000_000_000),
    ] {
        let graph = traffic(packets, apart, 9);
        for (width, height) in [(400, 300), (1600, 1000), (3000, 1200)] {
            let mut text = String::new();
            let mut sheet =
                Sheet::new(SVGBackend::with_string(&mut text, (width, height))).unwrap();
            drawing(&graph).draw(&mut sheet).unwrap();
            check::texts_are_readable(&sheet);
        }
    }
}

#[test]
fn the_largest_are_named_and_the_rest_is_grey() {
    let graph = traffic(1000, 5, 20);
    let text = svg(Size::default(), &drawing(&graph)).unwrap();
    assert!(text.contains("everything else") && text.contains("0: 10.0.0.1:10000 → 10.0.0.2:443"));
    assert!(text.contains("1 000 packets") && text.contains("the kernel dropped 7 more"));
    assert!(text.contains("20 new connections"));
}

#[test]
fn one_connection_alone_leaves_no_rest() {
    let text = svg(Size::default(), &drawing(&traffic(5000, 3, 1))).unwrap();
    assert!(!text.contains("everything else"));
}

#[test]
fn memory_is_bounded_however_many_connections() {
    let graph = traffic(5000, 1, 5000);
    assert!(graph.traffic.as_ref().unwrap().shares.len() <= MOST_CONNECTIONS);
}

#[test]
fn a_png_opens_and_is_not_blank() {
    let bytes = png(
        Size {
            width: 640,
            height: 480,
        },
        &drawing(&traffic(300, 10, 3)),
    )
    .unwrap();
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut pixels).unwrap();
    assert!(pixels.iter().filter(|&&value| value < 0xc0).count() > 5000);
}

#[test]
fn drops_are_marked_where_they_were_learned() {
    let mut graph = traffic(100, 10, 1);
    graph.dropped(Timestamp::from_nanos(500_000_000), 12);
    let text = svg(Size::default(), &drawing(&graph)).unwrap();
    assert!(text.contains("the kernel dropped packets (1 time)"));
}
