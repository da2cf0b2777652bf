//! Any text as the value of an option: it is taken or refused with a sentence that names the option, nothing panics, and nothing of
//! it steers the terminal.

mod support;

use clap::Parser;
use proptest::prelude::*;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use support::{Scratch, monitor};
use tcp_monitor::alerts::Thresholds;
use tcp_monitor::analyzers::{Frame, LinkType, decode};
use tcp_monitor::capture::bpf::Filter;
use tcp_monitor::cli::Arguments;
use tcp_monitor::selection::Selection;
use tcp_monitor::settings::Settings;
use tcp_monitor::utils::time::Timestamp;

/// Options whose value clap checks, so that its words quote what was typed.
const CHECKED: [&str; 15] = [
    "--port",
    "--ip",
    "--duration",
    "--count",
    "--top",
    "--sort",
    "--connection",
    "--fail-on",
    "--snaplen",
    "--buffer-size",
    "--max-connections",
    "--plot-size",
    "--plot-format",
    "--from",
    "--to",
];

/// Texts that no option of [`CHECKED`] takes: what steers terminals in seven and in eight bits, what ends a line or goes back in it,
/// bytes that are no UTF-8, marks that shells and formatting read, much of it.
fn nasty() -> Vec<OsString> {
    let long = "\u{9b}2J7".repeat(20_000);
    [
        &b"\x1b[2J\x1b[31mred"[..],
        b"\x1b]0;title\x07",
        b"\x1bP+q544e\x1b\\",
        b"80\x08\x08\r99",
        "\u{9b}31m\u{9d}0;title\u{9c}\u{85}".as_bytes(),
        b"\x7f\x0e\x0b\x0c",
        b"\xff\xfe\x1b[31m\xc2",
        b"\x9b2J",
        b"\n{\"type\":\"forged\"}\n",
        b"{}%s%n$(reboot)`'\"\\",
        long.as_bytes(),
    ]
    .map(|bytes| OsStr::from_bytes(bytes).to_owned())
    .to_vec()
}

/// Runs the binary with one more argument, with colours even though there is no terminal: without, whatever looks like a sequence
/// is taken out before it is printed. Returns the exit code and what was said without the colours.
fn said(options: &[&str], argument: &OsStr) -> (i32, String) {
    let output = monitor(options)
        .arg(argument)
        .env("CLICOLOR_FORCE", "1")
        .output()
        .expect("it runs");
    let all = [output.stdout, output.stderr].concat();
    let mut text = String::from_utf8(all).expect("UTF-8");
    for color in [0, 1, 4, 31, 32, 33] {
        text = text.replace(&format!("\x1b[{color}m"), "");
    }
    (output.status.code().expect("no signal"), text)
}

fn steers(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n')
}

fn with_value(option: &str, value: &OsStr) -> OsString {
    let mut argument = OsString::from(option);
    argument.push("=");
    argument.push(value);
    argument
}

#[test]
fn checked_options_refuse_nonsense_by_name() {
    let colored = monitor(["--nonsense"]).env("CLICOLOR_FORCE", "1").output();
    let colored = colored.expect("it runs").stderr;
    assert!(colored.contains(&0x1b), "sequences are not taken out");
    for option in CHECKED {
        for value in nasty() {
            let argument = with_value(option, &value);
            let (code, said) = said(&["-f", "fixtures/http.pcap"], &argument);
            assert_eq!(code, 2, "{argument:?}: {said}");
            assert!(!steers(&said), "{argument:?}: {said:?}");
            // What is no UTF-8 is refused before anyone knows what it was for.
            let is_named = said.contains(&format!("'{option} <"));
            assert!(is_named || value.to_str().is_none(), "{argument:?}: {said}");
        }
    }
}

#[test]
fn nonsense_in_place_of_an_option_is_refused() {
    for text in nasty() {
        let mut option = OsString::from("--");
        option.push(&text);
        let mut short = OsString::from("-");
        short.push(&text);
        for argument in [option, short] {
            let (code, said) = said(&["-f", "fixtures/http.pcap"], &argument);
            assert_eq!(code, 2, "{argument:?}: {said}");
            assert!(!steers(&said), "{argument:?}: {said:?}");
        }
    }
}

/// What only the run itself can judge.
#[test]
fn other_options_refuse_nonsense_with_a_sentence() {
    let file = &["-f", "fixtures/built/alerts.pcap"][..];
    for (option, options, names) in [
        ("--filter", file, "filter"),
        ("--alerts", file, "cannot read"),
        ("--output", file, "cannot be written"),
        ("--interface", &[], "interface"),
        ("--file", &[], ""),
    ] {
        for value in nasty() {
            // No name of a file that could be made.
            let mut place = OsString::from("/dev/null/");
            place.push(&value);
            let value = if option == "--output" { place } else { value };
            let argument = with_value(option, &value);
            let (code, said) = said(options, &argument);
            assert!(code == 1 || code == 2, "{argument:?}: {code}, {said}");
            assert!(!steers(&said), "{argument:?}: {said:?}");
            // Where it is no UTF-8, clap may have refused it.
            assert!(said.contains(names) || code == 2, "{argument:?}: {said}");
            assert!(!said.contains("\n{\"type"), "{argument:?}: {said:?}");
        }
    }
    // A command that cannot be run is a warning, since alerts are no part of what was asked of the capture.
    for value in nasty() {
        let (code, said) = said(file, &with_value("--on-alert", &value));
        assert!((0..=2).contains(&code), "{value:?}: {code}, {said}");
        assert!(!steers(&said), "{value:?}: {said:?}");
        assert!(
            said.contains("--on-alert") || code == 2,
            "{value:?}: {said}"
        );
    }
}

#[test]
fn a_file_of_thresholds_cannot_steer_the_terminal_either() {
    let scratch = Scratch::new();
    let path = scratch.path("alerts\x1b[2J.toml");
    for text in [
        "\"\\u001b[2J\\u009b\" = 1\n",
        "[\"\\u001b[2J\"]\na = 1\n",
        "[syn_flood]\n\"\\r\\u001b[2J\" = 1\n",
        "[syn_flood]\nmore = \x1b[2J\u{9b}\n",
        "[syn_flood]\r\nmore = \r\n",
    ] {
        std::fs::write(&path, text).expect("the temporary directory can be written");
        let file = &["-f", "fixtures/http.pcap"];
        let (code, said) = said(file, &with_value("--alerts", path.as_os_str()));
        assert_eq!(code, 1, "{text:?}: {said}");
        assert!(!steers(&said), "{text:?}: {said:?}");
        assert!(said.contains(".toml: "), "{text:?}: {said}");
    }
}

/// Any text, and texts that are nearly what is wanted.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[0-9]{1,6}([-,:/.x][0-9]{0,6}){0,4}",
        "[0-9a-f:./,% \t-]{0,40}",
        "[-+]?[0-9]{0,20}(\\.[0-9]{0,20})?(e[-+]?[0-9]{1,4})?",
        "(inf|nan|NaN|-0|0x10|1_000|٣|80-|-80|::|/|1/)",
    ]
}

/// A TCP segment over IPv4 over Ethernet.
fn frame() -> Vec<u8> {
    let mut bytes = Vec::new();
    etherparse::PacketBuilder::ethernet2([1; 6], [2; 6])
        .ipv4([10, 0, 0, 1], [192, 0, 2, 2], 64)
        .tcp(40_000, 80, 1, 1000)
        .write(&mut bytes, b"x")
        .expect("memory takes it");
    bytes
}

fn with_frame<T>(look: impl FnOnce(&Frame<'_>) -> T) -> T {
    let bytes = frame();
    look(&Frame {
        number: 1,
        time: Timestamp::default(),
        link: LinkType::ETHERNET,
        interface: 0,
        wire_len: bytes.len() as u32,
        bytes: &bytes,
    })
}

/// Words of the filter language, and whatever is none. No name that libpcap would ask the network for: letters stand in known words
/// alone, each with a blank beside it.
fn expression() -> impl Strategy<Value = String> {
    let known = "tcp|udp|ip6?|arp|vlan|host|net|port|portrange|src|dst|and|or|not|len|less|proto|ether|inbound|[0-9]{1,10}";
    let marks = "[()\\[\\]:&|+*/<>=!^%~,;'\"-]{1,3}";
    let others = "[^a-zA-Z0-9\\\\]{0,12}";
    let word = prop_oneof![6 => known, 3 => marks, 1 => others];
    proptest::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_taken_or_refused_by_name(option in proptest::sample::select(&CHECKED[..]), value in value()) {
        let argument = format!("{option}={value}");
        match Arguments::try_parse_from(["tcp-monitor", "-f", "x", "--graph", "--sequence", &argument]) {
            Err(error) => {
                let said = error.render().to_string();
                prop_assert!(said.contains(&format!("'{option} <")), "{}", said);
            }
            Ok(arguments) => {
                let settings = Settings::of(&arguments);
                prop_assert!(settings.wanted.duration_of_file.is_none_or(|nanos| nanos >= 0));
                let selection = Selection::new(arguments.port, arguments.ip);
                with_frame(|frame| selection.wants(&decode(frame)));
            }
        }
    }

    /// A range is taken if its ends are ports in order, and selects what lies within.
    #[test]
    fn ranges_of_ports_mean_what_they_say(first in 0u32..70_000, last in 0u32..70_000) {
        let argument = format!("--port={first}-{last}");
        let parsed = Arguments::try_parse_from(["tcp-monitor", "-f", "x", &argument]);
        prop_assert_eq!(parsed.is_ok(), first <= last && last <= 65_535);
        if let Ok(arguments) = parsed {
            let selection = Selection::new(arguments.port, Vec::new());
            let is_within = [80, 40_000].iter().any(|port| (first..=last).contains(port));
            prop_assert_eq!(with_frame(|frame| selection.wants(&decode(frame))), is_within);
        }
    }

    #[test]
    fn any_expression_filters_or_is_refused_by_name(expression in expression()) {
        for links in [&[][..], &[LinkType::ETHERNET], &[LinkType::RAW, LinkType(147)]] {
            match Filter::new(&expression, links) {
                Err(error) => {
                    let said = format!("{error:#}");
                    prop_assert!(said.starts_with("filter `") && !steers(&said), "{}", said);
                    prop_assert!(!said.contains('\n'), "{}", said);
                }
                Ok(mut filter) => {
                    let _ = with_frame(|frame| filter.matches(frame));
                    prop_assert!(!filter.problems().iter().any(|problem| steers(problem)));
                }
            }
        }
    }

    #[test]
    fn any_thresholds_are_read_or_refused(
        lines in proptest::collection::vec(
            prop_oneof![
                "\\[(syn_flood|port_scan|ttl_change|bad_flags|nonsense)\\]",
                "(enabled|seconds|half_open|completed_share|ports|stealth_ports|nonsense) = (true|false|-?[0-9]{1,20}|[0-9]{1,3}\\.[0-9]|\"x\"|\\[\\]|nan|inf)",
                any::<String>(),
            ],
            0..6,
        )
    ) {
        if let Err(said) = Thresholds::read(&lines.join("\n")) {
            prop_assert!(!said.is_empty());
        }
    }
}
