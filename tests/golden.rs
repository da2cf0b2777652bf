//! What people see, held word by word: one line per case, the expected text in `tests/golden/NAME.txt`. After a change that is
//! meant, `UPDATE_GOLDEN=1 cargo test --test golden` writes the files anew; every difference is then to be looked at.

mod support;

use std::fmt::Write;
use std::path::PathBuf;

/// Name, columns of the terminal (0: unlimited), fixture, options.
#[rustfmt::skip]
const CASES: &[(&str, u16, &str, &str)] = &[
    ("report-http-80", 80, "http.pcap", ""),
    ("report-http-160", 160, "http.pcap", ""),
    ("report-http-ipv6-80", 80, "http-ipv6.pcap", ""),
    ("report-closes-80", 80, "closes.pcap", "--top 0 --sort start"),
    ("report-closes-160", 160, "closes.pcap", "--top 0 --sort start"),
    ("report-scan-80", 80, "scan.pcap", "--top 6 --sort packets"),
    ("report-alerts-80", 80, "built/alerts.pcap", "--top 1"),
    ("report-many-connections-160", 160, "built/many-connections.pcap", "--top 4"),
    ("report-evicted-160", 160, "built/many-connections.pcap", "--top 2 --max-connections 50"),
    ("report-mixed-80", 80, "mixed.pcap", ""),
    ("report-mixed-names-160", 160, "mixed.pcap", "--names"),
    ("report-https-160", 160, "https.pcap", ""),
    ("report-offload-160", 160, "http-loopback-offload.pcap", ""),
    ("report-headers-only-80", 80, "http-headers-only.pcap", ""),
    ("report-any-interface-160", 160, "http-any-interface.pcap", ""),
    ("report-two-interfaces-160", 160, "http-two-interfaces.pcapng", ""),
    ("report-loss-160", 160, "truth/iperf3-loss.client.pcap", ""),
    ("report-malformed-80", 80, "built/malformed.pcap", ""),
    ("report-bad-checksums-160", 160, "built/bad-checksums.pcap", ""),
    ("report-no-packets-80", 80, "built/no-packets.pcap", ""),
    ("report-cut-80", 80, "built/cut-in-a-packet.pcap", ""),
    ("report-cut-pcapng-160", 160, "built/cut.pcapng", ""),
    ("report-unsupported-link-80", 80, "built/unsupported-link-type.pcap", ""),
    ("report-selection-160", 160, "closes.pcap", "-p 9001-9003,9008 -i 10.77.0.0/24"),
    ("report-nothing-selected-80", 80, "closes.pcap", "-p 1"),
    ("report-remarks-80", 80, "built/remarks.pcapng", ""),
    ("lines-remarks", 0, "built/remarks.pcapng", "-v"),
    ("lines-http", 0, "http.pcap", "-v"),
    ("lines-closes", 0, "closes.pcap", "-v"),
    ("lines-refused", 0, "refused.pcap", "-v"),
    ("lines-mixed", 0, "mixed.pcap", "-v"),
    ("lines-vlan", 0, "http-vlan.pcap", "-v"),
    ("lines-ecn-fast-open", 0, "ecn-fast-open.pcap", "-v"),
    ("lines-stalled-reader", 0, "stalled-reader.pcap", "-v -c 80"),
    ("lines-loss-client", 0, "truth/loss-short-answers.client.pcap", "-v"),
    ("lines-loss-server", 0, "truth/loss-short-answers.server.pcap", "-v"),
    ("lines-reordering", 0, "truth/reordering-and-loss.server.pcap", "-v -d 0.3"),
    ("lines-duplication", 0, "truth/duplication.server.pcap", "-v -c 120"),
    ("lines-sequence-wrap", 0, "built/sequence-wrap.pcap", "-v"),
    ("lines-tcp-flags", 0, "built/tcp-flags.pcap", "-v"),
    ("lines-tcp-options", 0, "built/tcp-options.pcap", "-v"),
    ("lines-fragments", 0, "built/fragments.pcap", "-v"),
    ("lines-extension-headers", 0, "built/ipv6-extension-headers.pcap", "-v"),
    ("lines-malformed", 0, "built/malformed.pcap", "-v"),
    ("lines-cut-frames", 0, "built/cut-frames.pcap", "-v"),
    ("lines-headers-only", 0, "http-headers-only.pcap", "-v -c 12"),
    ("lines-cut-pcapng", 0, "built/cut.pcapng", "-v"),
    ("lines-mixture", 0, "built/mixture.pcapng", "-v"),
    ("lines-llc-and-snap", 0, "built/llc-and-snap.pcap", "-v"),
    ("lines-raw-ip", 0, "built/raw-ip.pcap", "-v"),
    ("lines-loopback", 0, "built/bsd-loopback-big-endian.pcap", "-v"),
    ("lines-times-run-backwards", 0, "built/times-run-backwards.pcap", "-v"),
    ("lines-icmp-errors", 0, "built/icmp-errors.pcap", "-v"),
    ("lines-wireshark", 0, "stalled-reader.pcap", "-v -c 80 --wireshark"),
    ("lines-filter", 0, "closes.pcap", "-v --filter tcp[tcpflags]&tcp-rst!=0"),
    ("layers-refused-80", 80, "refused.pcap", "-vv"),
    ("layers-stacked-vlans-80", 80, "built/stacked-vlans.pcap", "-vv -c 1"),
    ("layers-any-interface-160", 160, "http-any-interface.pcap", "-vv -c 2"),
    ("layers-cooked-v1-80", 80, "built/cooked-v1.pcap", "-vv -c 1"),
    ("layers-loopback-80", 80, "built/bsd-loopback.pcap", "-vv -c 1"),
    ("layers-llc-and-snap-80", 80, "built/llc-and-snap.pcap", "-vv -c 2"),
    ("layers-extension-headers-80", 80, "built/ipv6-extension-headers.pcap", "-vv -c 2"),
    ("layers-tcp-options-160", 160, "built/tcp-options.pcap", "-vv -c 4"),
    ("layers-bad-checksums-80", 80, "built/bad-checksums.pcap", "-vv"),
    ("layers-malformed-80", 80, "built/malformed.pcap", "-vv -c 12"),
    ("layers-cut-frames-80", 80, "built/cut-frames.pcap", "-vv"),
    ("layers-mixed-160", 160, "mixed.pcap", "-vv --filter arp||icmp||icmp6||udp -c 12"),
    ("json-refused", 0, "refused.pcap", "--json -v"),
    ("json-mixed", 0, "mixed.pcap", "--json -v"),
    ("json-sequence-wrap", 0, "built/sequence-wrap.pcap", "--json -v --wireshark"),
    ("json-stalled-reader", 0, "stalled-reader.pcap", "--json -v -c 80"),
    ("json-loss", 0, "truth/loss-short-answers.server.pcap", "--json"),
    ("json-malformed", 0, "built/malformed.pcap", "--json -v"),
    ("json-scan", 0, "scan.pcap", "--json"),
    ("json-icmp-errors", 0, "built/icmp-errors.pcap", "--json -v"),
    ("json-cut", 0, "built/cut-in-a-packet.pcap", "--json"),
    ("json-no-packets", 0, "built/no-packets.pcap", "--json"),
    ("connection-loss-80", 80, "truth/iperf3-loss.client.pcap", "--connection 1"),
    ("connection-loss-160", 160, "truth/iperf3-loss.client.pcap", "--connection 1"),
    ("connection-simultaneous-open-80", 80, "closes.pcap", "--connection 9"),
    ("connection-stalled-reader-160", 160, "stalled-reader.pcap", "--connection 0 --wireshark"),
    ("connection-icmp-errors-80", 80, "built/icmp-errors.pcap", "--connection 0"),
    ("connection-https-80", 80, "https.pcap", "--connection 0"),
    ("connection-ssh-80", 80, "ssh.pcap", "--connection 0"),
    ("connection-think-time-80", 80, "server-think-time.client.pcap", "--connection 0"),
    ("connection-of-none-80", 80, "built/no-packets.pcap", "--connection 0"),
    ("connection-unknown-80", 80, "refused.pcap", "--connection 7"),
    ("ladder-close-with-reset-80", 80, "closes.pcap", "--ladder --connection 6 --top 1"),
    ("ladder-loss-ascii-100", 100, "truth/loss-short-answers.server.pcap", "--ladder --ascii"),
    ("terminal-sheet-80", 80, "http.pcap", "--sequence --terminal"),
    ("terminal-sheet-160", 160, "stalled-reader.pcap", "--sequence --terminal"),
    ("terminal-traffic-100", 100, "closes.pcap", "--graph --terminal --top 1"),
    ("terminal-overview-100", 100, "closes.pcap", "--overview --terminal --top 1"),
];

fn path(name: &str) -> PathBuf {
    let file = format!("tests/golden/{name}.txt");
    [env!("CARGO_MANIFEST_DIR"), &file].iter().collect()
}

/// What a case prints: standard output, and what went to standard error or wrong.
fn printed(columns: u16, fixture: &str, options: &str) -> String {
    let ran = support::run_with(&format!("-f fixtures/{fixture} {options}"), |command| {
        // No number is no limit.
        let columns = (columns > 0).then(|| columns.to_string());
        command.env("COLUMNS", columns.unwrap_or_default())
    });
    let mut text = ran.stdout;
    if !ran.stderr.is_empty() {
        let _ = write!(text, "-- standard error --\n{}", ran.stderr);
    }
    if ran.code != Some(0) {
        let _ = writeln!(text, "-- exit code {:?} --", ran.code);
    }
    text
}

fn first_difference(expected: &str, got: &str) -> String {
    let (mut expected, mut got) = (expected.lines(), got.lines());
    for number in 1.. {
        match (expected.next(), got.next()) {
            (None, None) => return "the ends of lines differ".to_owned(),
            (a, b) if a == b => {}
            (a, b) => {
                let show = |line: Option<&str>| line.unwrap_or("(nothing)").to_owned();
                return format!(
                    "line {number}\n  expected {}\n  got      {}",
                    show(a),
                    show(b)
                );
            }
        }
    }
    unreachable!()
}

#[test]
fn everything_looks_as_it_did() {
    let renew = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut complaints = Vec::new();
    for &(name, columns, fixture, options) in CASES {
        let got = printed(columns, fixture, options);
        let path = path(name);
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if got == expected {
            continue;
        }
        if renew {
            std::fs::write(&path, got).unwrap();
        } else {
            complaints.push(format!("{name}: {}", first_difference(&expected, &got)));
        }
    }
    assert!(
        complaints.is_empty(),
        "\n{}\nIf this is meant: UPDATE_GOLDEN=1 cargo test --test golden, and look at the differences.\n",
        complaints.join("\n")
    );
}

/// What holds of every case, whatever the golden files say: tables keep to the width, nothing escapes to the terminal, no case
/// fails.
#[test]
fn widths_and_characters() {
    for &(name, columns, fixture, options) in CASES {
        let text = printed(columns, fixture, options);
        assert!(!text.contains("-- exit code"), "{name}");
        for (number, line) in text.lines().enumerate() {
            assert!(!line.contains(|c: char| c.is_control()), "{name}: {line:?}");
            assert_eq!(line.trim_end(), line, "{name}: blanks at the end");
            let width = line.chars().count();
            // Sentences, the line with the file's name, and the fields of -vv with their meaning are as long as they are.
            let is_free = number == 0
                || line.ends_with('.')
                || line.starts_with("tcp-monitor:")
                || name.starts_with("layers-");
            assert!(
                columns == 0 || is_free || width <= columns.into(),
                "{name}: {width} columns: {line}"
            );
        }
    }
}

#[test]
fn no_golden_file_is_left_over() {
    for entry in std::fs::read_dir(path("x").parent().unwrap()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix(".txt").unwrap_or(&file).to_owned();
        let known = name == "state_table" || CASES.iter().any(|case| case.0 == name);
        assert!(known, "tests/golden/{file} belongs to no case");
    }
}
