//! Whatever a file holds, reading it ends, and nothing panics, grows without bound or steers the terminal: every fixture cut at
//! every byte and with bytes changed, and the extremes that no network makes.

mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use support::Scratch;
use tcp_monitor::analyzers::decode;
use tcp_monitor::analyzers::icmp_error::IcmpError;
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::tracking::wireshark::WiresharkView;
use tcp_monitor::tracking::{ConnectionTracker, LOOK_AHEAD, Located};
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::onion::Onion;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;
use tcp_monitor::visualization::style::Style;
use tcp_monitor::visualization::{Output, Seen, Summary};

/// Reads a capture with every output that prints packets. Returns what was printed; a refusal is fine, too.
fn survive(path: &Path) -> Vec<u8> {
    let Ok(mut source) = PcapReader::open(path) else {
        return Vec::new();
    };
    let mut tracker = ConnectionTracker::new(64);
    let hasher = tracker.hasher();
    let mut summary = Summary {
        wireshark: Some(WiresharkView::default()),
        ..Summary::default()
    };
    let style = Style {
        color: false,
        width: Some(80),
    };
    let mut outputs: [(Box<dyn Output>, Vec<u8>); 4] = [
        (Box::new(JsonLines { packets: true }), Vec::new()),
        (Box::new(PacketLines { style }), Vec::new()),
        (Box::new(Onion { style }), Vec::new()),
        (Box::new(Report { style }), Vec::new()),
    ];
    loop {
        let frame = match source.next().expect("damage is an end, not an error") {
            Next::End(_) => break,
            Next::Frame(frame) => frame,
            Next::Interface(_) | Next::Comments(_) | Next::Idle => continue,
        };
        let packet = decode(&frame);
        summary.totals.add(&frame, &packet);
        let located = Located::of(&frame, &packet, &hasher);
        let ahead = tracker.look_ahead(located.iter());
        assert!(ahead.len() <= LOOK_AHEAD);
        let quotes = IcmpError::of(&packet)
            .and_then(|error| tracker.note_icmp_error(frame.number, frame.time, &error));
        if located.is_none() {
            summary.udp.observe(&frame, &packet);
        }
        let event = located.as_ref().map(|located| {
            let found = ahead.first().copied().flatten();
            tracker.observe_located(located, found, packet.tcp_payload())
        });
        let wireshark = summary
            .wireshark
            .as_mut()
            .zip(event.as_ref())
            .map(|(view, event)| view.observe(event));
        let seen = Seen {
            quotes,
            comments: &[],
            interface: None,
            interface_of_several: None,
            frame: &frame,
            packet: &packet,
            event: event.as_ref(),
            wireshark: wireshark.as_ref(),
            since_start: frame.time.since(summary.totals.first.unwrap_or_default()),
        };
        for (output, printed) in &mut outputs {
            output.packet(&seen, printed).expect("memory takes it");
        }
    }
    for (output, printed) in &mut outputs {
        output
            .finish(&tracker, &summary, printed)
            .expect("memory takes it");
        let text = std::str::from_utf8(printed).expect("UTF-8");
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{}: a control character was printed: {text:?}",
            path.display()
        );
    }
    let [(_, json), others @ ..] = outputs;
    for line in json.split(|&byte| byte == b'\n') {
        let is_object =
            serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|value| value.is_object());
        assert!(
            is_object || line.is_empty(),
            "{}: no JSON: {}",
            path.display(),
            String::from_utf8_lossy(line)
        );
    }
    others
        .into_iter()
        .fold(json, |all, (_, printed)| [all, printed].concat())
}

fn fixtures() -> Vec<Vec<u8>> {
    let mut files = Vec::new();
    for directory in ["", "built", "truth"] {
        for entry in std::fs::read_dir(support::fixture(directory)).expect("there are fixtures") {
            let path = entry.expect("readable").path();
            if path
                .extension()
                .is_some_and(|end| end != "json" && end != "md")
            {
                files.push(std::fs::read(&path).expect("readable"));
            }
        }
    }
    files.sort();
    files
}

/// A small generator of numbers: the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() as usize) % limit.max(1)
    }
}

/// How long the mutations of a build may take: CI is to end.
const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn every_fixture_cut_anywhere() {
    let (scratch, mut numbers) = (Scratch::new(), Numbers(2));
    let path = scratch.path("cut");
    let began = Instant::now();
    let files = fixtures();
    // Mostly within the first packets, one file after the other: in the order of places, time would be over within the first files.
    while began.elapsed() < PATIENCE {
        for bytes in &files {
            let within = [1500, bytes.len()][numbers.below(4) / 3].min(bytes.len());
            std::fs::write(&path, &bytes[..numbers.below(within)])
                .expect("the temporary directory can be written");
            survive(&path);
        }
    }
}

#[test]
fn every_fixture_with_bytes_changed() {
    let (scratch, mut numbers) = (Scratch::new(), Numbers(1));
    let path = scratch.path("changed");
    let began = Instant::now();
    let files: Vec<_> = fixtures()
        .into_iter()
        .filter(|bytes| bytes.len() > 24 && bytes.len() < 64_000)
        .collect();
    while began.elapsed() < PATIENCE {
        for original in &files {
            let mut bytes = original.clone();
            for _ in 0..=numbers.below(8) {
                let at = numbers.below(bytes.len());
                match numbers.below(4) {
                    0 => bytes[at] = numbers.next() as u8,
                    1 => bytes[at] ^= 1 << numbers.below(8),
                    2 => bytes[at] = [0, 0xff, 0x7f, 0x80][numbers.below(4)],
                    _ => {
                        let end = (at + 4).min(bytes.len());
                        bytes[at..end].fill([0, 0xff][numbers.below(2)]);
                    }
                }
            }
            std::fs::write(&path, &bytes).expect("the temporary directory can be written");
            survive(&path);
        }
    }
}

/// A classic file of Ethernet frames: seconds, bytes, and the length that is claimed for the wire.
fn classic<'a>(frames: impl IntoIterator<Item = (u32, &'a [u8], u32)>) -> Vec<u8> {
    let mut file: Vec<u8> = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    for (seconds, bytes, wire) in frames {
        for word in [seconds, 0, bytes.len() as u32, wire] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

/// A frame of a connection between two fixed hosts.
fn frame(port: u16, flags: u8, seq: u32, ack: u32, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = (40 + options.len() + payload.len()) as u16;
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    bytes.extend(total.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend(port.to_be_bytes());
    bytes.extend(80u16.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([
        ((5 + options.len() / 4) << 4) as u8,
        flags,
        0x10,
        0,
        0,
        0,
        0,
        0,
    ]);
    bytes.extend(options);
    bytes.extend(payload);
    bytes
}

const SYN: u8 = 2;
const ACK: u8 = 16;

fn survives(name: &str, bytes: &[u8]) -> String {
    let (scratch, began) = (Scratch::new(), Instant::now());
    let path = scratch.path("extreme");
    std::fs::File::create(&path)
        .and_then(|mut file| file.write_all(bytes))
        .expect("the temporary directory can be written");
    let printed = survive(&path);
    assert!(
        began.elapsed() < 10 * PATIENCE,
        "{name} took {:?}",
        began.elapsed()
    );
    String::from_utf8(printed).expect("UTF-8")
}

#[test]
fn extremes_of_single_packets() {
    let huge = vec![0xaa; 262_144];
    let data = frame(1, ACK, 1, 1, &[], b"x");
    let times = [0, 1, i32::MAX as u32, u32::MAX, 0, 7];
    survives("a packet of 256 KiB", &classic([(1, &huge[..], 262_144)]));
    survives(
        "snap length 1",
        &classic((0..99).map(|at| (at, &data[..1], 60))),
    );
    survives(
        "records without bytes",
        &classic((0..99).map(|at| (at, &[][..], 0))),
    );
    survives(
        "1970, 2106 and back",
        &classic(times.map(|at| (at, &data[..], 60))),
    );
    survives(
        "lengths beyond all wires",
        &classic([(1, &data[..], u32::MAX), (2, &data[..], 0)]),
    );
}

#[test]
fn extremes_of_sequence_numbers() {
    let jumps: Vec<_> = (0..20_000u32)
        .map(|at| {
            frame(
                1,
                ACK,
                at << 31 | at,
                at.wrapping_mul(0x4000_0001),
                &[],
                b"abc",
            )
        })
        .collect();
    let holes: Vec<_> = (0..20_000u32)
        .map(|at| frame(2, ACK, at * 20, 1, &[], b"abc"))
        .collect();
    let duplicates = frame(3, ACK, 1, 1, &[1, 1, 5, 10, 0, 0, 0, 9, 0, 0, 0, 99], &[]);
    let syns: Vec<_> = (0..=u16::MAX)
        .map(|port| {
            frame(
                port,
                SYN,
                u32::from(port),
                0,
                &[
                    2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7,
                ],
                &[],
            )
        })
        .collect();
    for (name, frames) in [
        ("jumps by half the space", jumps),
        ("a hole per segment", holes),
        ("a SYN per port", syns),
    ] {
        survives(
            name,
            &classic(
                frames
                    .iter()
                    .map(|bytes| (1, &bytes[..], bytes.len() as u32)),
            ),
        );
    }
    survives(
        "duplicate ACKs",
        &classic((0..100_000).map(|_| (1, &duplicates[..], 66))),
    );
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) + 12) as u32;
    let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
    bytes.extend(body);
    bytes.resize(length as usize - 4, 0);
    bytes.extend(length.to_le_bytes());
    bytes
}

fn section() -> Vec<u8> {
    block(
        0x0a0d_0d0a,
        &[
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    )
}

#[test]
fn extremes_of_pcapng() {
    let interface = block(1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    survives(
        "a million interfaces",
        &[section(), interface.repeat(1_000_000)].concat(),
    );
    for claim in [u32::MAX, u32::MAX - 3, 0x8000_0000, 13, 8, 0] {
        let mut bytes = [section(), interface.clone()].concat();
        bytes.extend(6u32.to_le_bytes());
        bytes.extend(claim.to_le_bytes());
        bytes.extend([0; 64]);
        survives("a block of 4 GiB", &bytes);
    }
}

#[test]
fn control_sequences_stay_off_the_terminal() {
    let evil = "\x1b[2J\x07\u{9b}31m\n{\"type\":\"forged\"}";
    let mut options = Vec::new();
    // Comment, name and description.
    for code in [1u16, 2, 3] {
        options.extend(code.to_le_bytes());
        options.extend((evil.len() as u16).to_le_bytes());
        options.extend(evil.as_bytes());
        options.resize(options.len().next_multiple_of(4), 0);
    }
    options.extend([0; 4]);
    let interface = block(1, &[&[1, 0, 0, 0, 0, 0, 0, 0][..], &options].concat());
    let data = frame(1, ACK, 1, 1, &[], evil.as_bytes());
    let mut packet = [0u32, 0, 0, data.len() as u32, data.len() as u32]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect::<Vec<_>>();
    packet.extend(&data);
    packet.resize(packet.len().next_multiple_of(4), 0);
    packet.extend(&options);
    let file = [section(), interface, block(6, &packet)].concat();
    let printed = survives("control sequences", &file);
    assert!(
        !printed
            .lines()
            .any(|line| line.starts_with("{\"type\":\"forged")),
        "{printed}"
    );
    // The whole program too, with the file's own name among what is printed.
    let scratch = Scratch::new();
    let path = scratch.path("a\x1b[31m\u{9b}b");
    std::fs::write(&path, &file).expect("the temporary directory can be written");
    for options in [&["-v"][..], &["-vv"], &["--json", "-v"], &[]] {
        let output = support::monitor(options)
            .arg("-f")
            .arg(&path)
            .output()
            .expect("it runs");
        let mut said = String::new();
        write!(
            said,
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
        .expect("memory");
        assert!(
            !said.chars().any(|c| c.is_control() && c != '\n'),
            "{said:?}"
        );
        if options.contains(&"--json") {
            for line in String::from_utf8_lossy(&output.stdout).lines() {
                let object: serde_json::Value = serde_json::from_str(line).expect(line);
                assert_ne!(object["type"], "forged", "{line}");
            }
        }
    }
}

/// What the file system lets a name hold stays inside `--output-dir`, in a name of plain characters.
#[test]
fn no_name_leads_out_of_the_output_directory() {
    let scratch = Scratch::new();
    let sources = scratch.path("sources");
    std::fs::create_dir(&sources).expect("the temporary directory can be written");
    let names = [
        "...pcap",
        "..",
        "..\\..\\up.pcap",
        "\x1b]0;title\x07\u{202e}.pcap",
        "-o",
        "a\nb.pcap",
        "%2e%2e%2fup.pcap",
        "nul",
        &"x".repeat(250),
    ];
    for (number, name) in names.iter().enumerate().filter(|(_, name)| **name != "..") {
        let (directory, from) = (scratch.path(&number.to_string()), sources.join(name));
        std::fs::copy(support::fixture("refused.pcap"), &from).expect("the name is allowed");
        let before = std::fs::read_dir(&sources).expect("readable").count();
        let output = support::monitor(["--sequence", "--graph", "--csv", "--plot-size", "400x300"])
            .arg("--output-dir")
            .arg(&directory)
            .arg("-f")
            .arg(&from)
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{name:?}: {output:#?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !said.chars().any(|c| c.is_control() && c != '\n'),
            "{said:?}"
        );
        let written: Vec<_> = std::fs::read_dir(&directory)
            .expect("it was made")
            .map(|entry| entry.expect("readable").file_name())
            .collect();
        assert!(written.len() >= 3, "{name:?}: {written:?}");
        for file in &written {
            let file = file.to_str().expect("plain characters");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            assert!(
                file.chars().all(plain) && !file.starts_with(['.', '-']),
                "{file:?}"
            );
        }
        assert_eq!(
            std::fs::read_dir(&sources).expect("readable").count(),
            before,
            "{name:?}: something was written beside the capture"
        );
    }
}
