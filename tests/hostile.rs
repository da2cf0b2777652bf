//! Whatever a file holds, reading it ends, and nothing panics, grows without bound or steers the terminal: every fixture cut at
//! every byte and with bytes changed, and the extremes that no network makes.

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "the fuzz targets are for another test")]
mod fuzz;
#[path = "support/mutations.rs"]
mod mutations;
mod support;

use fuzz::STYLE;
use fuzz::follow::follow;
use fuzz::json::is_object;
use mutations::Numbers;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};
use support::Scratch;
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::tracking::LOOK_AHEAD;
use tcp_monitor::visualization::Output;
use tcp_monitor::visualization::connection_detail::ConnectionDetail;
use tcp_monitor::visualization::connection_table::{ConnectionTable, Order};
use tcp_monitor::visualization::findings::Findings;
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::onion::Onion;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;
use tcp_monitor::visualization::udp_table::UdpTable;

/// Reads a capture as the program does, with reassembly, names, alerts and every output that prints; `most` is more than there are
/// frames and interfaces in it. Returns what was printed; a refusal is fine, too.
fn survive(path: &Path, most: usize) -> String {
    let Ok(source) = PcapReader::open(path) else {
        return String::new();
    };
    let style = STYLE;
    let outputs: Vec<Box<dyn Output>> = vec![
        Box::new(JsonLines { packets: true }),
        Box::new(PacketLines { style }),
        Box::new(Onion { style }),
        Box::new(Report { style }),
        Box::new(ConnectionTable {
            style,
            top: 20,
            order: Order::Bytes,
        }),
        Box::new(UdpTable { style, top: 20 }),
        Box::new(ConnectionDetail {
            style,
            ids: vec![0, 1],
        }),
        Box::new(Findings { style }),
    ];
    let printed = follow(source, most, 64, LOOK_AHEAD, outputs);
    for line in printed[0].lines() {
        assert!(is_object(line), "{}: no JSON: {line}", path.display());
    }
    printed.concat()
}

/// More than there are frames in any fixture.
const MOST: usize = 8192;

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
            survive(&path, MOST);
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
            std::fs::write(&path, numbers.damage(original))
                .expect("the temporary directory can be written");
            survive(&path, MOST);
        }
    }
}

/// Damage is done to captures in which there is something to find: fragments, names, alerts.
#[test]
fn fixtures_exercise_what_stands_beside_the_tracking() {
    let printed = |name| survive(&support::fixture(name), MOST);
    let mixed = printed("mixed.pcap");
    assert!(mixed.contains("2 datagrams put together"), "{mixed}");
    assert!(mixed.contains("large.example.test:53"), "{mixed}");
    let alerts = printed("built/alerts.pcap");
    let raised = |line: &&str| line.starts_with("{\"type\":\"alert\"");
    assert!(alerts.lines().filter(raised).count() > 10, "{alerts}");
}

/// What the program can be asked for. `DIR` stands for a directory that is there.
const WISHES: [&str; 10] = [
    "-vv --names --wireshark",
    "--json -v --names --max-connections 3",
    "--sequence --csv --xplot --plot-size 400x300 --output-dir DIR",
    "--graph --overview --plot-format svg --output-dir DIR",
    "--sequence --graph --overview --terminal",
    "--connection 0,1,2,3 --ladder --sort rtt",
    "-o DIR/saved.pcap -p 1-50000 -i 0.0.0.0/0,::/0",
    "-o DIR/saved.pcapng --annotate --wireshark",
    "--filter vlan||tcp||icmp6||udp --no-alerts --stats",
    "-v -d 1 -c 30 --fail-on port_scan",
];

/// The program itself, for as long as [`PATIENCE`] lasts: whatever is damaged, it ends with a report or one sentence, and what it
/// saved can be read.
#[test]
fn the_program_ends_with_a_report_or_a_sentence() {
    let (scratch, mut numbers) = (Scratch::new(), Numbers(4));
    let (first, second) = (scratch.path("first"), scratch.path("second"));
    let saved = ["saved.pcap", "saved.pcapng"].map(|name| scratch.path(name));
    let files: Vec<_> = fixtures()
        .into_iter()
        .filter(|bytes| bytes.len() < 64_000)
        .collect();
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let wish = WISHES[numbers.below(WISHES.len())];
        let damaged = [(); 2].map(|()| {
            let original = &files[numbers.below(files.len())];
            // Half of them keep the file's header, so that there is more than a refusal.
            let (header, rest) = original.split_at(original.len().min(numbers.below(2) * 24));
            [header, &numbers.damage(rest)].concat()
        });
        std::fs::write(&first, &damaged[0]).expect("the temporary directory can be written");
        std::fs::write(&second, &damaged[1]).expect("the temporary directory can be written");
        let mut command =
            support::monitor(wish.replace("DIR", &scratch.text(".")).split_whitespace());
        command.arg("-f").arg(&first);
        // One timeline of both, now and then.
        if numbers.below(3) == 0 {
            command.arg(&second);
        }
        let ran = support::Ran::from(command.output().expect("it runs"));
        let steers = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(
            !steers(&ran.stdout) && !steers(&ran.stderr),
            "{wish}: {ran:#?}"
        );
        match ran.code {
            Some(0) => assert!(!ran.stdout.is_empty(), "{wish}: {ran:#?}"),
            Some(1) => assert!(
                ran.stderr
                    .lines()
                    .any(|line| line.starts_with("tcp-monitor: ")),
                "{wish}: {ran:#?}"
            ),
            code => assert_eq!(
                (code, wish.contains("--fail-on")),
                (Some(3), true),
                "{wish}: {ran:#?}"
            ),
        }
        if wish.contains("--json") {
            assert!(ran.stdout.lines().all(is_object), "{wish}: {ran:#?}");
        }
        for path in saved.iter().filter(|path| path.exists()) {
            let again = support::run(&format!("-f {}", path.display())).expect_code(0);
            assert!(!again.stderr.contains("cut off"), "{wish}: {again:#?}");
            std::fs::remove_file(path).expect("it can be removed");
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
    let printed = survive(&path, 1 << 21);
    assert!(
        began.elapsed() < 10 * PATIENCE,
        "{name} took {:?}",
        began.elapsed()
    );
    printed
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

/// A single number in the middle of a connection that lies half the space away: what follows is not judged by it.
#[test]
fn numbers_half_the_space_away() {
    let (scratch, path) = (Scratch::new(), support::fixture("ssh.pcap"));
    let damaged = scratch.path("half");
    let bytes = std::fs::read(&path).expect("readable");
    let whole = survive(&path, MOST);
    assert!(!whole.contains("window_shrunk"), "{whole}");
    // The headers of file, record, Ethernet and IPv4.
    let (mut at, mut count) = (24, 0);
    while let Some(length) = bytes.get(at + 8..at + 12) {
        let length = u32::from_le_bytes(length.try_into().expect("four")) as usize;
        let ip = at + 16 + 14;
        if bytes.get(ip) == Some(&0x45) && bytes.get(ip + 9) == Some(&6) {
            for number in [4, 8] {
                let mut changed = bytes.clone();
                changed[ip + 20 + number] ^= 0x80;
                std::fs::write(&damaged, &changed).expect("the temporary directory can be written");
                let printed = survive(&damaged, MOST);
                assert!(!printed.contains("window_shrunk"), "{printed}");
                count += 1;
            }
        }
        at += 16 + length;
    }
    assert!(count > 60, "{count}");
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
