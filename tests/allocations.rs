//! From a frame to its verdict nothing is allocated for a known connection: memory follows connections, never packets.
//!
//! One test in a program of its own, because it counts what the whole program allocates.

use etherparse::{PacketBuilder, TcpOptionElement};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};
use tcp_monitor::alerts::{Alerts, Thresholds};
use tcp_monitor::analyzers::{Frame, LinkType, Packet, decode_into};
use tcp_monitor::tracking::{ConnectionTracker, Located};
use tcp_monitor::utils::time::{NANOS_PER_MILLI, Timestamp};

/// The system's allocator, and how often it was asked.
struct Counting;

static ASKED: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is left to the system's allocator.
#[allow(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ASKED.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Requests of 200 octets and answers of 1000, each acknowledged; a handshake before.
fn conversation(turns: u32) -> Vec<Vec<u8>> {
    let (client, server) = ([192, 0, 2, 1], [192, 0, 2, 2]);
    let mut next = [1000u32, 5_000_000];
    let mut frames = Vec::new();
    let mut send = |from: usize, syn: bool, ack: bool, len: usize, clock: u32| {
        let (source, destination) = if from == 0 {
            (client, server)
        } else {
            (server, client)
        };
        let ports = if from == 0 {
            (40_000, 80)
        } else {
            (80, 40_000)
        };
        let mut tcp = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4(source, destination, 64)
            .tcp(ports.0, ports.1, next[from], 5000)
            .options(&[TcpOptionElement::Timestamp(clock, clock)])
            .expect("there is room for one option");
        if syn {
            tcp = tcp.syn();
        }
        if ack {
            tcp = tcp.ack(next[1 - from]);
        }
        let mut bytes = Vec::new();
        tcp.write(&mut bytes, &vec![7; len])
            .expect("a vector takes everything");
        frames.push(bytes);
        next[from] = next[from].wrapping_add(len as u32 + u32::from(syn));
    };
    send(0, true, false, 0, 1);
    send(1, true, true, 0, 1);
    send(0, false, true, 0, 1);
    for turn in 2..turns + 2 {
        send(0, false, true, 200, turn);
        send(1, false, true, 0, turn);
        send(1, false, true, 1000, turn);
        send(0, false, true, 0, turn);
    }
    frames
}

#[test]
fn a_known_connection_allocates_nothing_for_its_packets() {
    // In the first half the log of what was acknowledged grows to its full size.
    let frames = conversation(40_000);
    let mut tracker = ConnectionTracker::new(10);
    let mut alerts = Alerts::new(Thresholds::default());
    let hasher = tracker.hasher();
    let mut time = Timestamp::from_nanos(0);
    let mut asked_before = 0;
    for (at, bytes) in frames.iter().enumerate() {
        // Delays that come again and again, so that no step of a distribution is new after a while.
        time = time.plus([3, 5, 11, 7, 20][at % 5] * NANOS_PER_MILLI);
        let frame = Frame {
            number: at as u64 + 1,
            time,
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: bytes.len() as u32,
            bytes,
        };
        let mut packet = Packet::default();
        decode_into(&frame, &mut packet);
        let located = Located::of(&frame, &packet, &hasher).expect("it is TCP");
        let ahead = tracker.look_ahead([&located].into_iter())[0];
        let event = tracker.observe_located(&located, ahead, packet.tcp_payload());
        assert!(event.judgement.verdicts.is_empty());
        alerts.segment(&event);
        if at == frames.len() / 2 {
            asked_before = ASKED.load(Ordering::Relaxed);
            // That the count counts.
            drop(std::hint::black_box(Box::new(at)));
            assert_eq!(ASKED.load(Ordering::Relaxed), asked_before + 1);
        }
    }
    let more = ASKED.load(Ordering::Relaxed) - asked_before - 1;
    assert_eq!(more, 0, "allocations for {} packets", frames.len() / 2);
}
