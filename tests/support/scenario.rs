//! The notation of `tests/scenarios`: text into captures. What it means stands in `tests/scenarios.rs`.
#![allow(dead_code, reason = "each test file uses a part of it")]

use crate::support;
use serde_json::Value;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A scenario and the lines of its file that it takes up.
pub struct Scenario {
    pub name: String,
    pub lines: Vec<String>,
}

/// A line that stands for a segment.
#[derive(Debug, Default)]
struct Line {
    time: f64,
    from_client: bool,
    flags: u16,
    seq: i64,
    len: usize,
    ack: i64,
    window: u16,
    id: u16,
    conn: u16,
    ce: bool,
    options: Vec<u8>,
}

/// Initial sequence numbers of client and server.
type Isn = (u32, u32);

pub fn scenarios(path: &Path) -> Vec<Scenario> {
    let mut all: Vec<Scenario> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        if let Some(name) = line.strip_prefix("=== ") {
            all.push(Scenario {
                name: name.to_owned(),
                lines: Vec::new(),
            });
        }
        if let Some(scenario) = all.last_mut() {
            scenario.lines.push(line.to_owned());
        }
    }
    all
}

pub fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

pub fn is_segment(line: &str) -> bool {
    line.starts_with(|first: char| first.is_ascii_digit())
}

fn number<T: std::str::FromStr>(word: Option<&str>, line: &str) -> T {
    word.and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("a number is missing: {line}"))
}

fn parse(line: &str, isn: Isn) -> Line {
    let left = line
        .split(" ->")
        .next()
        .unwrap()
        .split(" |")
        .next()
        .unwrap();
    let (words, options) = match left
        .split_once('<')
        .filter(|_| left.contains('>') && left.trim_end().ends_with('>'))
    {
        Some((_, _)) => {
            let open = left.rfind('<').unwrap();
            (
                &left[..open],
                left[open + 1..].trim_end().trim_end_matches('>'),
            )
        }
        None => (left, ""),
    };
    let mut words = words.split_whitespace();
    let mut parsed = Line {
        time: number(words.next(), line),
        from_client: words.next() == Some(">"),
        window: 0,
        ..Line::default()
    };
    parsed.flags = flags(words.next().unwrap());
    let range = words.next().unwrap();
    let (seq, rest) = range.split_once(':').unwrap();
    parsed.seq = seq.parse().unwrap();
    let (end, len) = rest.trim_end_matches(')').split_once('(').unwrap();
    parsed.len = len.parse().unwrap();
    assert_eq!(
        parsed.seq + parsed.len as i64,
        end.parse::<i64>().unwrap(),
        "{line}"
    );
    while let Some(word) = words.next() {
        match word {
            "ack" => parsed.ack = number(words.next(), line),
            "win" => parsed.window = number(words.next(), line),
            "id" => parsed.id = number(words.next(), line),
            "conn" => parsed.conn = number(words.next(), line),
            "ce" => parsed.ce = true,
            _ => panic!("{word:?} is not known: {line}"),
        }
    }
    let peer = if parsed.from_client { isn.1 } else { isn.0 };
    parsed.options = option_bytes(options, peer);
    parsed
}

fn flags(letters: &str) -> u16 {
    letters
        .chars()
        .map(|letter| match letter {
            'F' => 0x001,
            'S' => 0x002,
            'R' => 0x004,
            'P' => 0x008,
            'A' => 0x010,
            'U' => 0x020,
            'E' => 0x040,
            'C' => 0x080,
            '-' => 0,
            _ => panic!("no flag {letter}"),
        })
        .sum()
}

fn option_bytes(text: &str, peer: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let raw = |relative: &str| peer.wrapping_add(relative.parse::<i64>().unwrap() as u32);
    let options = text.split(',').map(str::trim);
    for option in options.filter(|word| !word.is_empty()) {
        let mut words = option.split_whitespace();
        match (words.next().unwrap(), words.next()) {
            ("mss", size) => {
                bytes.extend([2, 4]);
                bytes.extend(number::<u16>(size, text).to_be_bytes());
            }
            ("wscale", shift) => bytes.extend([3, 3, number(shift, text), 1]),
            ("sackOK", _) => bytes.extend([4, 2, 1, 1]),
            ("sack", Some(first)) => {
                let blocks: Vec<&str> = std::iter::once(first).chain(words).collect();
                bytes.extend([1, 1, 5, 2 + 8 * blocks.len() as u8]);
                for block in blocks {
                    let (left, right) = block.split_once(':').unwrap();
                    bytes.extend(raw(left).to_be_bytes());
                    bytes.extend(raw(right).to_be_bytes());
                }
            }
            ("ts", value) => {
                bytes.extend([1, 1, 8, 10]);
                bytes.extend(number::<u32>(value, text).to_be_bytes());
                bytes.extend(number::<u32>(words.next(), text).to_be_bytes());
            }
            ("tfo", cookie) => {
                let cookie = cookie.unwrap_or_default().as_bytes();
                bytes.extend([34, 2 + cookie.len() as u8]);
                bytes.extend(cookie);
            }
            (word, _) => panic!("no option {word}"),
        }
    }
    while bytes.len() % 4 != 0 {
        bytes.push(1);
    }
    bytes
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let bytes: Vec<u8> = parts.concat();
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)))
        .sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// An Ethernet frame with all checksums right.
fn frame(line: &Line, isn: Isn) -> Vec<u8> {
    let client = (Ipv4Addr::new(10, 0, 0, 1), 40_000 + line.conn);
    let server = (Ipv4Addr::new(10, 0, 0, 2), 80);
    let ((source, own), (target, peer)) = if line.from_client {
        ((client, isn.0), (server, isn.1))
    } else {
        ((server, isn.1), (client, isn.0))
    };
    let seq = own.wrapping_add(line.seq as u32);
    let ack = if line.flags & 0x10 != 0 || line.ack != 0 {
        peer.wrapping_add(line.ack as u32)
    } else {
        0
    };
    let mut tcp = Vec::new();
    tcp.extend(source.1.to_be_bytes());
    tcp.extend(target.1.to_be_bytes());
    tcp.extend(seq.to_be_bytes());
    tcp.extend(ack.to_be_bytes());
    let words = 5 + line.options.len() as u16 / 4;
    tcp.extend((words << 12 | line.flags).to_be_bytes());
    tcp.extend(line.window.to_be_bytes());
    tcp.extend([0; 4]);
    tcp.extend(&line.options);
    tcp.extend((0..line.len).map(|at| at as u8));
    let addresses = [source.0.octets(), target.0.octets()].concat();
    let len = (tcp.len() as u16).to_be_bytes();
    let sum = checksum(&[&addresses, &[0, 6], &len, &tcp]);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut ip = vec![0x45, if line.ce { 3 } else { 0 }];
    ip.extend((20 + tcp.len() as u16).to_be_bytes());
    ip.extend(line.id.to_be_bytes());
    ip.extend([0, 0, 64, 6, 0, 0]);
    ip.extend(&addresses);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut bytes = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    bytes.extend(ip);
    bytes.extend(tcp);
    bytes
}

/// A capture file with nanoseconds.
fn capture(lines: &[Line], isn: Isn) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 262_144, 1] {
        bytes.extend(word.to_le_bytes());
    }
    for line in lines {
        let frame = frame(line, isn);
        let nanos = (line.time * 1e9).round() as u64 + 1_600_000_000_000_000_000;
        let len = frame.len() as u32;
        for word in [
            (nanos / 1_000_000_000) as u32,
            (nanos % 1_000_000_000) as u32,
            len,
            len,
        ] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(frame);
    }
    bytes
}

/// The program's JSON lines for a capture that it must read.
pub fn objects(capture: &[u8]) -> Vec<Value> {
    let objects = try_objects(capture);
    assert!(objects.iter().any(|object| object["type"] == "summary"));
    objects
}

/// The program's JSON lines for a capture; none, if it refuses it.
pub fn try_objects(capture: &[u8]) -> Vec<Value> {
    let mut child = support::monitor(["-f", "-", "--json", "-v", "--wireshark"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        // It may stop reading before the end.
        scope.spawn(move || stdin.write_all(capture).ok());
        child.wait_with_output().unwrap()
    });
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The capture that a scenario describes.
pub fn capture_of(scenario: &Scenario) -> Vec<u8> {
    let mut isn = (1000, 5000);
    let mut lines = Vec::new();
    for line in &scenario.lines {
        if let Some(numbers) = line.strip_prefix("isn ") {
            let mut words = numbers.split_whitespace();
            isn = (number(words.next(), line), number(words.next(), line));
        } else if is_segment(line) {
            lines.push(parse(line, isn));
        }
    }
    assert!(!lines.is_empty(), "{} has no segments", scenario.name);
    capture(&lines, isn)
}
