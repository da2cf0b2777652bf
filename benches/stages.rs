//! The stages of the line, each by itself and all together, over one capture that is made in memory: the same in every run.
//!
//! `cargo bench` prints a row per stage, with packets per second. Compare rows of one run only: machines differ, and so does one
//! machine from minute to minute. `benches/compare` holds the whole program against its peers.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use std::path::PathBuf;
use std::sync::LazyLock;
use tcp_monitor::analyzers::{Frame, decode};
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::tracking::{ConnectionTracker, LOOK_AHEAD, Located};

/// Connections that send by turns.
const CONNECTIONS: u32 = 4_000;
/// Packets of each: a handshake, requests with answers and acknowledgments.
const PACKETS: u32 = 50;
/// Octets of each request and answer.
const PAYLOAD: u32 = 100;

fn main() {
    divan::main();
}

/// The capture, in a file that is in memory where the system has such.
static CAPTURE: LazyLock<PathBuf> = LazyLock::new(|| {
    let shared = PathBuf::from("/dev/shm");
    let directory = if shared.is_dir() {
        shared
    } else {
        std::env::temp_dir()
    };
    let path = directory.join("tcp-monitor-stages.pcap");
    std::fs::write(&path, capture()).expect("the directory can be written");
    path
});

/// Its frames, and their segments, so that a later stage does not pay for an earlier one.
static FRAMES: LazyLock<Vec<(Frame<'static>, Located)>> = LazyLock::new(|| {
    let hasher = ConnectionTracker::new(1).hasher();
    let mut frames = Vec::new();
    each_frame(|frame| {
        let frame = Frame {
            bytes: frame.bytes.to_vec().leak(),
            ..*frame
        };
        let located = Located::of(&frame, &decode(&frame), &hasher);
        frames.push((frame, located.expect("all are TCP")));
    });
    frames
});

fn packets() -> ItemsCount {
    ItemsCount::new(CONNECTIONS * PACKETS)
}

fn capture() -> Vec<u8> {
    let words = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1];
    let mut file: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    // What the client and the server of each connection send next.
    let mut next = vec![[1_000u32, 9_000_000]; CONNECTIONS as usize];
    for step in 0..PACKETS {
        for (connection, next) in next.iter_mut().enumerate() {
            let micros = step * 10_000 + connection as u32;
            let (from, flags, payload) = match step {
                0 => (0, 0x02, 0),
                1 => (1, 0x12, 0),
                2 => (0, 0x10, 0),
                // Request, answer, acknowledgment.
                _ => [(0, 0x18, PAYLOAD), (1, 0x18, PAYLOAD), (0, 0x10, 0)][step as usize % 3],
            };
            let ack = if step == 0 { 0 } else { next[1 - from] };
            let bytes = frame(connection as u32, from, flags, next[from], ack, payload);
            let length = bytes.len() as u32;
            for word in [1_700_000_000, micros, length, length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(bytes);
            next[from] = next[from].wrapping_add(payload + u32::from(flags & 2 != 0));
        }
    }
    file
}

/// A frame of a connection from the client (0) or the server (1).
fn frame(connection: u32, from: usize, flags: u8, seq: u32, ack: u32, payload: u32) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    bytes.extend((40 + payload as u16).to_be_bytes());
    bytes.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    let hosts = [
        [10, 1, (connection >> 8) as u8, connection as u8],
        [10, 2, 0, 1],
    ];
    let ports = [40_000u16, 443];
    bytes.extend(hosts[from]);
    bytes.extend(hosts[1 - from]);
    bytes.extend(ports[from].to_be_bytes());
    bytes.extend(ports[1 - from].to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.resize(bytes.len() + payload as usize, 0);
    bytes
}

fn each_frame(mut take: impl FnMut(&Frame<'_>)) {
    let mut source = PcapReader::open(&CAPTURE).expect("it was just made");
    loop {
        match source.next().expect("it is whole") {
            Next::End(_) => break,
            Next::Frame(frame) => take(&frame),
            _ => {}
        }
    }
}

/// A tracker that knows all connections already, as it does most of the time.
fn filled() -> ConnectionTracker {
    let mut tracker = ConnectionTracker::new(CONNECTIONS as usize);
    let located: Vec<_> = FRAMES.iter().map(|(_, located)| *located).collect();
    for located in located.iter().take(CONNECTIONS as usize) {
        tracker.observe(located.sender, located.receiver, &located.segment);
    }
    tracker
}

/// Segments with the numbers by which this tracker finds them.
fn located_for(tracker: &ConnectionTracker) -> Vec<Located> {
    let hasher = tracker.hasher();
    let again = |located: &Located| Located {
        hash: hasher.hash(located.sender, located.receiver),
        ..*located
    };
    FRAMES.iter().map(|(_, located)| again(located)).collect()
}

/// File → frames.
#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    LazyLock::force(&CAPTURE);
    bencher.counter(packets()).bench(|| {
        let mut octets = 0;
        each_frame(|frame| octets += frame.bytes.len());
        octets
    });
}

/// Frames → packets and segments.
#[divan::bench(name = "decode")]
fn take_apart(bencher: Bencher<'_, '_>) {
    let hasher = ConnectionTracker::new(1).hasher();
    LazyLock::force(&FRAMES);
    bencher.counter(packets()).bench(|| {
        for (frame, _) in FRAMES.iter() {
            black_box(Located::of(frame, &decode(frame), &hasher));
        }
    });
}

/// Segments → where their connections are.
#[divan::bench]
fn look_up(bencher: Bencher<'_, '_>) {
    let tracker = filled();
    let all = located_for(&tracker);
    bencher.counter(packets()).bench(|| {
        for some in all.chunks(LOOK_AHEAD) {
            black_box(tracker.look_ahead(some.iter()));
        }
    });
}

/// Segments → events: look up, judge, record.
#[divan::bench]
fn judge_and_record(bencher: Bencher<'_, '_>) {
    LazyLock::force(&FRAMES);
    bencher
        .counter(packets())
        .with_inputs(|| {
            let tracker = ConnectionTracker::new(CONNECTIONS as usize);
            let all = located_for(&tracker);
            (tracker, all)
        })
        .bench_local_values(|(mut tracker, all)| {
            track(&mut tracker, &all);
            tracker
        });
}

fn track(tracker: &mut ConnectionTracker, all: &[Located]) {
    for some in all.chunks(LOOK_AHEAD) {
        let ahead = tracker.look_ahead(some.iter());
        for (located, found) in some.iter().zip(ahead) {
            black_box(tracker.observe_located(located, found, &[]));
        }
    }
}

/// File → events, on one thread.
#[divan::bench]
fn whole(bencher: Bencher<'_, '_>) {
    LazyLock::force(&CAPTURE);
    bencher.counter(packets()).bench_local(|| {
        let mut tracker = ConnectionTracker::new(CONNECTIONS as usize);
        let hasher = tracker.hasher();
        let mut batch = Vec::with_capacity(LOOK_AHEAD);
        each_frame(|frame| {
            batch.extend(Located::of(frame, &decode(frame), &hasher));
            if batch.len() == LOOK_AHEAD {
                track(&mut tracker, &batch);
                batch.clear();
            }
        });
        track(&mut tracker, &batch);
        tracker
    });
}
