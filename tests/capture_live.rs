//! Capturing live on the loopback interface. Needs the permission to capture (root); without it the tests say so and pass.

mod support;

use std::net::UdpSocket;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tcp_monitor::capture::packet_capture::{LiveOptions, PacketCapture, list_interfaces};
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::pcap_writer::PcapWriter;
use tcp_monitor::capture::{Next, Resolution, Source};

const PATIENCE: Duration = Duration::from_secs(5);

/// Captures on an interface what this socket sends to itself; `None` without the permission.
fn open(name: &str, socket: &UdpSocket, immediate: bool) -> Option<PacketCapture> {
    let filter = format!("udp dst port {}", socket.local_addr().unwrap().port());
    match PacketCapture::open(
        name,
        &LiveOptions {
            filter: Some(filter),
            immediate,
            ..LiveOptions::default()
        },
    ) {
        Ok(capture) => Some(capture),
        Err(error) if error.to_string().contains("no permission") => {
            support::skip(&format!("{error}"));
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(socket.local_addr().unwrap()).unwrap();
    socket
}

/// The payload octets of the frames until there are `count`: the last byte of each.
fn receive(capture: &mut PacketCapture, count: usize) -> Vec<u8> {
    let (mut got, start) = (Vec::new(), Instant::now());
    while got.len() < count && start.elapsed() < PATIENCE {
        match capture.next().unwrap() {
            Next::Frame(frame) => {
                assert_eq!(frame.number, got.len() as u64 + 1);
                assert!(frame.wire_len as usize >= frame.bytes.len());
                got.extend(frame.bytes.last());
            }
            Next::Interface(interface) => assert_eq!(interface.resolution, Resolution::NANOSECONDS),
            Next::Idle | Next::Comments(_) => {}
            Next::End(end) => panic!("{end:?}"),
        }
    }
    got
}

#[test]
fn frames_arrive_in_order_on_lo_and_any() {
    for (name, immediate) in [("lo", false), ("lo", true), ("any", false)] {
        let socket = socket();
        let Some(mut capture) = open(name, &socket, immediate) else {
            return;
        };
        for number in 0..20 {
            socket.send(&[number]).unwrap();
        }
        let mut got = receive(&mut capture, 20);
        // A cooked capture may show a loopback frame in both directions.
        got.dedup();
        assert!(
            (0..20).take(got.len()).eq(got.iter().copied()) && got.len() >= 10,
            "{name}: {got:?}"
        );
        assert_eq!(capture.drops().kernel, 0);
    }
}

#[test]
fn a_quiet_interface_gives_the_word_back() {
    let Some(mut capture) = open("lo", &socket(), false) else {
        return;
    };
    assert!(matches!(capture.next().unwrap(), Next::Interface(_)));
    let start = Instant::now();
    for _ in 0..3 {
        assert!(matches!(capture.next().unwrap(), Next::Idle));
    }
    assert!(
        start.elapsed() < Duration::from_millis(1000),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn what_is_saved_is_what_was_captured() {
    let socket = socket();
    let Some(mut capture) = open("lo", &socket, false) else {
        return;
    };
    let path: PathBuf =
        std::env::temp_dir().join(format!("tcp-monitor-live-{}.pcap", std::process::id()));
    let mut writer = PcapWriter::create(&path, capture.describe(), false).unwrap();
    for number in 0..5 {
        socket.send(&[number; 100]).unwrap();
    }
    let (mut live, start) = (Vec::new(), Instant::now());
    while live.len() < 5 && start.elapsed() < PATIENCE {
        match capture.next().unwrap() {
            Next::Frame(frame) => {
                writer.write(&frame, &[]).unwrap();
                live.push((
                    frame.number,
                    frame.time,
                    frame.wire_len,
                    frame.bytes.to_vec(),
                ));
            }
            Next::Interface(interface) => writer.add_interface(interface).unwrap(),
            _ => {}
        }
    }
    assert_eq!(writer.finish().unwrap(), 5);
    let mut reader = PcapReader::open(&path).unwrap();
    let mut saved = Vec::new();
    loop {
        match reader.next().unwrap() {
            Next::Frame(frame) => saved.push((
                frame.number,
                frame.time,
                frame.wire_len,
                frame.bytes.to_vec(),
            )),
            Next::End(_) => break,
            _ => {}
        }
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(live, saved);
}

#[test]
fn interfaces_are_listed_without_permission() {
    let interfaces = list_interfaces().unwrap();
    if let Some(lo) = interfaces.iter().find(|interface| interface.name == "lo") {
        assert!(lo.is_loopback);
    }
}
