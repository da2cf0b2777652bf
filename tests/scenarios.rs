//! Conversations as text: what each segment is called, by us and by Wireshark, and what becomes of the connection.
//!
//! A scenario begins with `=== name`, says in comments what it teaches, and then has one segment a line:
//!
//! ```text
//! === fast-retransmission
//! # Three duplicate ACKs make the sender repeat the segment that is missing (RFC 5681 §3.2).
//! isn 1000 5000
//! 0.0300 > A 1:101(100) ack 1 win 1000 id 7 <ts 10 20> -> retransmission(fast) | wireshark: retransmission
//! = client_to_server.retransmitted_bytes 100
//! ```
//!
//! Time in seconds; `>` from the client, `<` from the server; the flags by their letters (`-` for none); first and next octet
//! and length; then in any order `ack`, `win`, `id` (IP identification), `conn` (another connection), `ce` (congestion
//! experienced) and the options. Numbers count from each side's initial sequence number, which `isn` sets. Behind `->` stands
//! what we say, with the cause of a retransmission in parentheses, and `proves N` where a segment shows that frame N was a
//! needless repeat; behind `| wireshark:` what tshark 4.0 says. `= KEY VALUE` is a line of the connection's JSON object.
//!
//! `UPDATE_SCENARIOS=1 cargo test --test scenarios` writes what we say into the files; every difference is then to be looked at.

#[path = "support/scenario.rs"]
mod scenario;
mod support;

use scenario::{Scenario, capture_of, files, is_segment, objects, scenarios};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use tcp_monitor::tracking::verdict::{Cause, RULES};

fn names(list: &Value) -> Vec<&str> {
    list.as_array()
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

/// What we say of a packet, as it stands in a scenario.
fn said(packet: &Value) -> String {
    let evidence = &packet["evidence"];
    let mut words: Vec<String> = names(&packet["verdicts"])
        .into_iter()
        .map(|name| match evidence["cause"].as_str() {
            Some(cause) if name == "retransmission" => format!("{name}({cause})"),
            _ => name.to_owned(),
        })
        .collect();
    if let Some(frame) = evidence["proves_spurious"].as_u64() {
        words.push(format!("proves {frame}"));
    }
    words.join(", ")
}

fn wireshark(packet: &Value) -> String {
    names(&packet["wireshark"]).join(", ")
}

/// A line of a scenario with what was said of its segment.
fn told(line: &str, packet: &Value) -> String {
    let left = line
        .split(" ->")
        .next()
        .unwrap()
        .split(" |")
        .next()
        .unwrap()
        .trim_end();
    let mut text = left.to_owned();
    let (ours, theirs) = (said(packet), wireshark(packet));
    if !ours.is_empty() {
        let _ = write!(text, " -> {ours}");
    }
    if !theirs.is_empty() {
        let _ = write!(text, " | wireshark: {theirs}");
    }
    text
}

/// The value of a key like `client_to_server.rtt_ms.count` in words.
fn value_of(connection: &Value, key: &str) -> String {
    let value = key.split('.').fold(connection, |value, part| &value[part]);
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Runs a scenario; returns its lines as the program would write them.
fn play(scenario: &Scenario) -> (Vec<String>, Vec<Value>) {
    let objects = objects(&capture_of(scenario));
    let mut packets = objects.iter().filter(|object| object["type"] == "packet");
    let connections: Vec<&Value> = objects
        .iter()
        .filter(|object| object["type"] == "connection")
        .collect();
    let mut result = Vec::new();
    for line in &scenario.lines {
        result.push(if is_segment(line) {
            told(line, packets.next().unwrap())
        } else if let Some(rest) = line.strip_prefix('=').filter(|_| !line.starts_with("===")) {
            let mut words = rest.split_whitespace();
            let mut key = words.next().unwrap();
            let mut at = 0;
            if let Ok(id) = key.parse() {
                (at, key) = (id, words.next().unwrap());
            }
            let head = if rest.starts_with(' ') {
                "=".to_owned()
            } else {
                format!("={at}")
            };
            format!("{head} {key} {}", value_of(connections[at], key))
        } else {
            line.clone()
        });
    }
    (result, objects)
}

#[test]
fn every_segment_is_called_what_it_is() {
    let update = std::env::var_os("UPDATE_SCENARIOS").is_some();
    let mut wrong = String::new();
    let mut number = 0;
    for file in files() {
        let mut text = String::new();
        for line in std::fs::read_to_string(&file).unwrap().lines() {
            if line.starts_with("=== ") {
                break;
            }
            let _ = writeln!(text, "{line}");
        }
        for scenario in scenarios(&file) {
            number += 1;
            let (told, _) = play(&scenario);
            for (expected, got) in scenario.lines.iter().zip(&told) {
                if expected.split_whitespace().ne(got.split_whitespace()) {
                    let _ = writeln!(
                        wrong,
                        "{}:\n  expected {expected}\n  got      {got}",
                        scenario.name
                    );
                }
                let _ = writeln!(text, "{got}");
            }
        }
        if update {
            std::fs::write(&file, text).unwrap();
        }
    }
    assert!(number > 100, "there are only {number} scenarios");
    assert!(update || wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_verdict_cause_and_code_occurs() {
    let (mut verdicts, mut causes, mut codes) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for scenario in files().iter().flat_map(|file| scenarios(file)) {
        let (_, objects) = play(&scenario);
        for object in &objects {
            verdicts.extend(names(&object["verdicts"]).into_iter().map(str::to_owned));
            causes.extend(object["evidence"]["cause"].as_str().map(str::to_owned));
            codes.extend(object["conn_state"].as_str().map(str::to_owned));
        }
    }
    let missing: Vec<&str> = RULES
        .iter()
        .map(|rule| rule.name)
        .filter(|name| !verdicts.contains(*name))
        .chain(
            Cause::ALL
                .iter()
                .map(|cause| cause.name())
                .filter(|name| !causes.contains(*name)),
        )
        .chain(
            tcp_monitor::tracking::zeek::CODES
                .iter()
                .map(|(code, _)| *code)
                .filter(|code| !codes.contains(*code)),
        )
        .collect();
    assert!(missing.is_empty(), "in no scenario: {missing:?}");
}

#[test]
fn names_of_scenarios_are_unique() {
    let mut names = BTreeSet::new();
    for scenario in files().iter().flat_map(|file| scenarios(file)) {
        assert!(
            names.insert(scenario.name.clone()),
            "{} stands twice",
            scenario.name
        );
        assert!(
            scenario
                .lines
                .get(1)
                .is_some_and(|line| line.starts_with("# ")),
            "{} does not say what it teaches",
            scenario.name
        );
    }
}
