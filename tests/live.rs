//! Live capture through the real binary, between network namespaces made for each test. Needs root and `ip`; without them every
//! test says so on standard error and passes.

#[path = "support/network.rs"]
mod network;
mod support;

use network::{ANSWER, Network, QUESTION, ip};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Guarded, Ran, Scratch, run, wait_for};

/// The objects of `--json` of one type.
fn objects(stdout: &str, kind: &str) -> Vec<Value> {
    stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|object| object["type"] == kind)
        .collect()
}

/// Waits until a file that is being written holds at least this much, and no more comes.
fn settled(path: &Path, at_least: u64) {
    let mut last = (0, Instant::now());
    wait_for("the packets to be saved", || {
        let length = fs::metadata(path).map_or(0, |metadata| metadata.len());
        if length != last.0 {
            last = (length, Instant::now());
        }
        (length >= at_least && last.1.elapsed() > Duration::from_millis(400)).then_some(())
    });
}

/// Captures an exchange until this signal; returns what was printed with `--json -v`, and checks the saved file against it.
fn exchange_until(signal: Signal) -> Option<Ran> {
    let network = Network::new()?;
    let scratch = Scratch::new();
    let (path, file) = (scratch.path("saved.pcap"), scratch.text("saved.pcap"));
    let mut monitor = network.monitor(&format!("wire0 -d 0 --json -v -o {file}"));
    network.exchange();
    settled(&path, (QUESTION + ANSWER) as u64);
    monitor.signal(signal);
    let live = monitor.end().expect_code(0);
    let saved = run(&format!("-f {file} --json -v")).expect_code(0);
    let exact = |ran: &Ran| {
        [
            objects(&ran.stdout, "packet"),
            objects(&ran.stdout, "connection"),
        ]
        .concat()
    };
    assert_eq!(exact(&live), exact(&saved));
    assert!(!saved.stderr.contains("cut off"), "{}", saved.stderr);
    Some(live)
}

#[test]
fn a_real_exchange_until_ctrl_c() {
    let Some(live) = exchange_until(Signal::INT) else {
        return;
    };
    let connections = objects(&live.stdout, "connection");
    assert_eq!(connections.len(), 1, "{}", live.stdout);
    let connection = &connections[0];
    assert_eq!(connection["server"]["address"], "10.78.0.2");
    assert_eq!(connection["server"]["port"], 7000);
    assert_eq!(connection["client"]["address"], "10.78.0.1");
    assert_eq!(connection["client_state"], "TIME_WAIT");
    assert_eq!(connection["client_to_server"]["unique_bytes"], QUESTION);
    assert_eq!(connection["server_to_client"]["unique_bytes"], ANSWER);
    assert!(connection["initial_rtt_ms"].as_f64().unwrap() > 0.0);
    let summary = &objects(&live.stdout, "summary")[0];
    assert_eq!(summary["packets"], objects(&live.stdout, "packet").len());
    assert_eq!(summary["dropped"]["by_kernel"], 0);
    // Nothing but what became of root's rights.
    assert_eq!(live.stderr, "tcp-monitor: gave up all capabilities\n");
}

#[test]
fn sigterm_completes_everything_too() {
    let Some(live) = exchange_until(Signal::TERM) else {
        return;
    };
    assert_eq!(objects(&live.stdout, "connection").len(), 1);
    assert_eq!(objects(&live.stdout, "summary").len(), 1);
}

/// What tcpdump records at the same time has the same packets.
#[test]
fn the_same_packets_as_tcpdump() {
    let Some(network) = Network::new() else {
        return;
    };
    let scratch = Scratch::new();
    let (theirs, ours) = (scratch.path("theirs.pcap"), scratch.path("ours.pcap"));
    let tcpdump = "tcpdump -i wire0 -U --immediate-mode -Z root -w";
    let spawned = Command::new("ip")
        .args(["netns", "exec", &network.client])
        .args(tcpdump.split(' '))
        .arg(&theirs)
        .stderr(Stdio::null())
        .spawn();
    let mut tcpdump = Guarded(spawned.unwrap());
    // Its header stands in the file once it captures.
    let has_header = || fs::metadata(&theirs).is_ok_and(|metadata| metadata.len() >= 24);
    let is_capturing = wait_for("tcpdump to begin", || {
        let is_over = tcpdump.0.try_wait().unwrap().is_some();
        (is_over || has_header()).then_some(!is_over)
    });
    if !is_capturing {
        return support::skip("there is no tcpdump to compare with");
    }
    let mut monitor = network.monitor(&format!("wire0 -d 0 -o {}", ours.display()));
    network.exchange();
    for path in [&theirs, &ours] {
        settled(path, (QUESTION + ANSWER) as u64);
    }
    monitor.signal(Signal::INT);
    monitor.end().expect_code(0);
    drop(tcpdump);
    // All but times, and verdicts that rest on them: tcpdump records microseconds.
    let keys = [
        "frame",
        "bytes",
        "protocol",
        "connection",
        "from",
        "seq",
        "ack",
        "len",
        "flags",
        "window",
    ];
    let packets = |path: &Path| {
        let ran = run(&format!("-f {} --json -v", path.display())).expect_code(0);
        let packets = objects(&ran.stdout, "packet");
        let facts = packets
            .iter()
            .map(|packet| keys.map(|key| packet[key].clone()));
        facts.collect::<Vec<_>>()
    };
    assert!(packets(&ours).len() > 10);
    assert_eq!(packets(&ours), packets(&theirs));
}

#[test]
fn the_duration_holds_where_nothing_happens() {
    let Some(network) = Network::new() else {
        return;
    };
    // A machine that is busy may be late once, but not three times in a row.
    let took: Vec<_> = (0..3)
        .map(|_| {
            let mut monitor = network.monitor("wire0 -d 1");
            let ran = monitor.end().expect_code(0);
            assert!(ran.stdout.contains("No packets"), "{}", ran.stdout);
            monitor.began.elapsed()
        })
        .take_while(|took| !(700..1500).contains(&took.as_millis()))
        .collect();
    assert!(took.len() < 3, "{took:?}");
}

#[test]
fn a_count_ends_it() {
    let Some(network) = Network::new() else {
        return;
    };
    let mut monitor = network.monitor("wire0 -d 0 -c 5 --json -v -p 7000");
    network.exchange();
    let ran = monitor.end().expect_code(0);
    assert_eq!(objects(&ran.stdout, "packet").len(), 5);
    assert_eq!(objects(&ran.stdout, "summary")[0]["packets"], 5);
}

#[test]
fn filters_apply_and_any_works() {
    let Some(network) = Network::new() else {
        return;
    };
    let mut monitor = network.monitor("any -d 0 -c 3 -v --filter tcp");
    network.exchange();
    let ran = monitor.end().expect_code(0);
    assert!(
        ran.stdout.contains("Linux cooked") && ran.stdout.contains("[SYN] "),
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains(" ARP "), "{}", ran.stdout);
}

#[test]
fn a_line_appears_at_once_even_when_piped() {
    let Some(network) = Network::new() else {
        return;
    };
    let mut monitor = network.monitor("wire0 -d 0 -v -p 7000");
    network.exchange();
    let first = monitor.line();
    assert!(
        first.contains(" TCP [SYN] ") && first.contains("10.78.0.2:7000"),
        "{first}"
    );
    assert!(monitor.is_running(), "the line came while it was capturing");
    monitor.signal(Signal::INT);
    monitor.end().expect_code(0);
}

#[test]
fn an_interface_that_goes_down_or_away_ends_it_with_a_report() {
    for change in ["link set wire0 down", "link del wire0"] {
        let Some(network) = Network::new() else {
            return;
        };
        let mut monitor = network.monitor("wire0 -d 0 -v -p 7000");
        network.exchange();
        monitor.line();
        ip(&format!("-n {} {change}", network.client)).unwrap();
        let ran = monitor.end().expect_code(0);
        assert!(
            ran.stdout.contains("10.78.0.2:7000") && ran.stdout.contains("TIME_WAIT"),
            "{change}: {}",
            ran.stdout
        );
        assert!(
            ran.stderr.contains("warning") && ran.stderr.contains("wire0"),
            "{change}: {}",
            ran.stderr
        );
    }
}

#[test]
fn without_permission_it_says_what_to_do() {
    if !support::is_root() {
        return support::skip(
            "only root can become nobody, and others may have been given the permission",
        );
    }
    let ran = support::run_as_nobody(&Scratch::new(), "lo -d 1").expect_code(1);
    assert_eq!(ran.stdout, "");
    for part in ["lo", "sudo", "setcap cap_net_raw,cap_net_admin=eip /"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
}

#[test]
fn an_interface_that_is_not_there_is_told_from_those_that_are() {
    let ran = run("no-such-if0 -d 1").expect_code(1);
    assert!(
        ran.stderr.contains("no interface no-such-if0") && ran.stderr.contains("lo"),
        "{}",
        ran.stderr
    );
}
