//! Holds the walls of the house: which room may use which, and through which door each outside crate comes in. Read from the
//! source itself, so that nobody has to remember it.

#[path = "support/source_paths.rs"]
mod source_paths;

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use of the others: a room, or one name in it. A new room needs a row here.
///
/// utils ◄ analyzers ◄ (tracking, selection) ◄ (alerts, diagnosis) ◄ visualization ◄ run ◄ main
const ROOMS: &[(&str, &[&str])] = &[
    ("utils", &[]),
    ("exit", &[]),
    ("analyzers", &["utils"]),
    // Frames come from capture; what is in them is none of its business.
    (
        "capture",
        &["utils", "analyzers::Frame", "analyzers::LinkType"],
    ),
    ("progress", &["utils"]),
    ("reassembly", &["utils", "analyzers"]),
    ("tracking", &["utils", "analyzers"]),
    ("selection", &["utils", "analyzers"]),
    ("alerts", &["utils", "analyzers", "tracking", "selection"]),
    (
        "diagnosis",
        &["utils", "analyzers", "tracking", "selection"],
    ),
    (
        "visualization",
        &[
            "utils",
            "analyzers",
            "reassembly",
            "tracking",
            "selection",
            "alerts",
            "diagnosis",
        ],
    ),
    // What was typed needs to know what can be meant.
    (
        "cli",
        &["alerts::Rule", "selection", "visualization::chart"],
    ),
    ("on_alert", &["utils"]),
    (
        "watch",
        &[
            "utils",
            "analyzers",
            "tracking",
            "alerts",
            "visualization",
            "cli",
            "on_alert",
        ],
    ),
    ("resolve", &["utils"]),
    ("settings", &["utils", "cli", "visualization"]),
    ("interfaces", &["utils", "capture", "visualization"]),
    ("privileges", &["utils"]),
    ("stats", &["utils", "tracking::connection_tracker"]),
    // The first half of the loop.
    (
        "feed",
        &[
            "utils",
            "analyzers",
            "capture",
            "reassembly",
            "tracking",
            "selection",
            "settings",
        ],
    ),
    (
        "run",
        &[
            "utils",
            "analyzers",
            "capture",
            "feed",
            "reassembly",
            "tracking",
            "selection",
            "alerts",
            "diagnosis",
            "visualization",
            "resolve",
            "cli",
            "settings",
            "progress",
            "privileges",
            "watch",
            "stats",
            "exit",
        ],
    ),
];

/// The files that only put the others together.
const ROOF: &[&str] = &["lib.rs", "main.rs"];

/// The chart kit and what is drawn with it.
const GRAPHS: &[&str] = &[
    "visualization/chart/",
    "visualization/time_sequence/",
    "visualization/traffic_graph/",
    "visualization/overview/",
    "visualization/ladder/drawing.rs",
];

/// Outside crates, and where each may be named: a folder or a file under src/. Test modules are free to use what they like.
const DOORS: &[(&str, &[&str])] = &[
    ("anyhow", &[""]),
    ("dns_lookup", &["resolve.rs"]),
    ("httparse", &["analyzers/application/"]),
    ("simple_dns", &["analyzers/application/"]),
    ("tls_parser", &["analyzers/application/"]),
    ("arrayvec", &["analyzers/", "tracking/"]),
    ("clap", &["cli.rs", "main.rs"]),
    (
        "comfy_table",
        &[
            "visualization/style.rs",
            "visualization/report.rs",
            "visualization/connection_table.rs",
            "visualization/udp_table.rs",
        ],
    ),
    ("csv", &["visualization/series_csv.rs"]),
    ("etherparse", &["analyzers/other.rs"]),
    ("flate2", &["capture/compressed.rs"]),
    ("foldhash", &["alerts/distinct.rs"]),
    ("hashbrown", &["alerts/table.rs", "tracking/"]),
    ("indicatif", &["progress.rs"]),
    ("ipnet", &["selection.rs"]),
    ("lz4_flex", &["capture/compressed.rs"]),
    ("lzma_rust2", &["capture/compressed.rs"]),
    (
        "owo_colors",
        &[
            "visualization/style.rs",
            "visualization/report.rs",
            "visualization/findings.rs",
            "visualization/packet_lines.rs",
            "visualization/onion/",
            "visualization/connection_detail.rs",
            "visualization/ladder/text.rs",
            "visualization/chart/braille.rs",
        ],
    ),
    ("pcap", &["capture/"]),
    ("plotters", GRAPHS),
    ("plotters_backend", GRAPHS),
    ("png", &["visualization/chart/file.rs"]),
    ("rustix", &["capture/", "privileges.rs"]),
    ("ruzstd", &["capture/compressed.rs"]),
    (
        "serde",
        &["alerts/thresholds.rs", "visualization/json_lines/"],
    ),
    ("serde_json", &["visualization/json_lines/"]),
    ("shlex", &["on_alert.rs"]),
    ("signal_hook", &["run.rs"]),
    ("sketches_ddsketch", &["tracking/rtt.rs"]),
    ("terminal_size", &["settings.rs"]),
    ("time", &["utils/", "visualization/"]),
    ("toml", &["alerts/thresholds.rs"]),
    ("ttf_noto_sans", &["visualization/chart/sheet.rs"]),
];

/// What is wrong with a file, in sentences.
fn complaints(file: &str, source: &str, crates: &[String]) -> Vec<String> {
    let module = module_of(file);
    let paths = source_paths::read(source, &module, crates);
    let mut complaints = Vec::new();
    if !ROOF.contains(&file) {
        let room = module.first().copied().unwrap_or_default();
        match ROOMS.iter().find(|(name, _)| *name == room) {
            None => complaints.push(format!(
                "{file}: the room '{room}' has no row in ROOMS (tests/architecture.rs)"
            )),
            Some((_, allowed)) => {
                for path in &paths.inside {
                    if !is_allowed(path, room, allowed) {
                        complaints.push(format!(
                            "{file}: '{room}' may not use '{}'",
                            path.join("::")
                        ));
                    }
                }
            }
        }
    }
    for name in &paths.outside {
        match DOORS.iter().find(|(door, _)| door == name) {
            None => complaints.push(format!(
                "{file}: the crate '{name}' has no door in DOORS (tests/architecture.rs)"
            )),
            Some((_, places)) if !places.iter().any(|place| file.starts_with(place)) => {
                complaints.push(format!(
                    "{file}: the crate '{name}' may be named in {} only",
                    places.join(", ")
                ));
            }
            Some(_) => {}
        }
    }
    complaints
}

fn is_allowed(path: &[String], room: &str, allowed: &[&str]) -> bool {
    match path.first() {
        // The crate's root as a whole would hide what is used.
        None => false,
        Some(first) if first == room => true,
        Some(first) => allowed.iter().any(|entry| match entry.split_once("::") {
            None => first == entry,
            Some((other, name)) => {
                first == other && path.get(1).is_some_and(|segment| segment == name)
            }
        }),
    }
}

/// `capture/mod.rs` is `capture`, `capture/bpf.rs` is `capture::bpf`, `run.rs` is `run`.
fn module_of(file: &str) -> Vec<&str> {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if ROOF.contains(&file) {
        Vec::new()
    } else {
        stem.split('/').collect()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The dependencies of Cargo.toml, as code spells them.
fn dependencies() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| Some(line.split_once('=')?.0.trim().replace('-', "_")))
        .collect()
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            // A test module in a file of its own is as free as one inside another.
            && path.file_name().is_some_and(|name| name != "tests.rs")
        {
            found.push(path);
        }
    }
}

#[test]
fn rooms_and_doors() {
    let src = root().join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files.sort();
    assert!(files.len() > 50, "the sources are not where they were");
    let crates = dependencies();
    assert!(crates.contains(&"serde_json".to_owned()), "{crates:?}");
    let complaints: Vec<_> = files
        .iter()
        .flat_map(|path| {
            let file = path.strip_prefix(&src).unwrap().to_str().unwrap();
            complaints(file, &fs::read_to_string(path).unwrap(), &crates)
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_dependency_has_a_door() {
    for name in dependencies() {
        assert!(
            DOORS.iter().any(|(door, _)| *door == name),
            "{name} has no row in DOORS (tests/architecture.rs)"
        );
    }
}

/// The checker must be able to fail: code that breaks a rule, and how often.
#[test]
fn what_is_forbidden_is_found() {
    let crates = dependencies();
    let forbidden: &[(&str, &str, usize)] = &[
        ("analyzers/tcp.rs", "use crate::tracking::Connection;", 1),
        (
            "analyzers/tcp.rs",
            "use crate::{utils::seq::Seq, tracking::{Connection, flow::Flow}};",
            2,
        ),
        (
            "analyzers/tcp.rs",
            "use super::super::tracking::Connection;",
            1,
        ),
        ("analyzers/mod.rs", "use super::tracking;", 1),
        (
            "analyzers/tcp.rs",
            "fn f() -> crate::capture::Source { todo!() }",
            1,
        ),
        (
            "analyzers/tcp.rs",
            "mod inner { use super::super::super::visualization::Output; }",
            1,
        ),
        (
            "analyzers/tcp.rs",
            "mod a { mod b {} use super::super::super::run::run; } use super::packet::Packet;",
            1,
        ),
        (
            "analyzers/tcp.rs",
            "#[cfg(test)] mod tests { use crate::run::run; }",
            1,
        ),
        ("analyzers/tcp.rs", "use crate::*;", 1),
        ("analyzers/tcp.rs", "use super::super as everything;", 1),
        ("analyzers/tcp.rs", "use crate as everything;", 1),
        (
            "capture/bpf.rs",
            "use crate::analyzers::{Frame, Packet};",
            1,
        ),
        ("capture/bpf.rs", "use crate::analyzers;", 1),
        ("visualization/report.rs", "use crate::capture::Source;", 1),
        ("newcomer.rs", "", 1),
        ("newcomer/mod.rs", "", 1),
        ("run.rs", "use pcap::Capture;", 1),
        ("run.rs", "fn f() { let x = pcap::Capture::from_file; }", 1),
        ("run.rs", "use {std::io, serde::Serialize};", 1),
        (
            "run.rs",
            "fn f() { println!(\"{}\", serde_json::json!(1)); }",
            1,
        ),
        (
            "run.rs",
            "/* use x; */ const A: &str = r#\"\"#; const B: char = '\"'; use clap::Parser; // \"",
            1,
        ),
        ("run.rs", "extern crate x; use etherparse as e;", 1),
        ("analyzers/ipv4.rs", "use etherparse::PacketBuilder;", 1),
    ];
    for (file, source, number) in forbidden {
        let found = complaints(file, source, &crates);
        assert_eq!(found.len(), *number, "{file}: {source}: {found:?}");
    }
}

/// And it must not cry wolf.
#[test]
fn what_is_allowed_is_left_alone() {
    let crates = dependencies();
    for (file, source) in [
        (
            "analyzers/tcp.rs",
            "use super::packet::{self, Packet}; use crate::utils::{seq::Seq, time::Timestamp};",
        ),
        (
            "analyzers/tcp.rs",
            "// use crate::tracking::X;\nconst A: &str = \"crate::tracking::X\"; fn f<'a>(x: &'a str) -> char { '\\'' }",
        ),
        (
            "analyzers/tcp.rs",
            "pub(crate) fn f() {} pub(in crate::analyzers) fn g() {} pub(super) fn h() {}",
        ),
        (
            "analyzers/tcp.rs",
            "#[cfg(test)]\nmod tests { use super::*; use etherparse::PacketBuilder; }",
        ),
        ("analyzers/other.rs", "use etherparse::SlicedPacket;"),
        (
            "tracking/rtt.rs",
            "use crate::utils::{seq, time}; fn f() { time::seconds(1); std::time::Duration::ZERO; }",
        ),
        (
            "capture/bpf.rs",
            "use crate::analyzers::{Frame, LinkType}; use pcap::BpfProgram;",
        ),
        (
            "lib.rs",
            "pub mod run; use run::run; use visualization::Output;",
        ),
        ("main.rs", "use clap::Parser; use tcp_monitor::run::run;"),
    ] {
        assert_eq!(
            complaints(file, source, &crates),
            Vec::<String>::new(),
            "{file}: {source}"
        );
    }
}
