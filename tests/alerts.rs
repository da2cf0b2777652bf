//! Alerts through the real binary: what is raised on which capture, exit codes, files of thresholds, and the command.

mod support;

use support::{Scratch, run, run_with, wait_for};

/// The names of the alerts in the JSON of a capture, with the kind of a scan.
fn raised(arguments: &str) -> Vec<String> {
    let out = run(&format!("{arguments} --json")).expect_code(0).stdout;
    out.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|object| object["type"] == "alert" && object["state"] == "began")
        .map(|object| {
            let kind = object["kind"].as_str().unwrap_or_default();
            format!("{} {kind}", object["alert"].as_str().unwrap())
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn a_scan_is_named_and_each_of_its_kinds_with_lower_limits() {
    assert_eq!(
        raised("-f fixtures/scan.pcap"),
        ["port_scan SYN", "bad_flags", "port_scan Xmas"]
    );
    let scratch = Scratch::new();
    std::fs::write(
        scratch.path("alerts.toml"),
        "[port_scan]\nports = 3\n[bad_flags]\nenabled = false\n",
    )
    .unwrap();
    let all = raised(&format!(
        "-f fixtures/scan.pcap --alerts {}",
        scratch.text("alerts.toml")
    ));
    assert_eq!(
        all,
        ["port_scan SYN", "port_scan Xmas", "port_scan connect"]
    );
}

#[test]
fn every_rule_fires_once_on_what_it_is_for() {
    let expected = [
        "arp_conflict",
        "bad_flags",
        "port_scan connect",
        "host_sweep SYN",
        "ttl_change",
        "ack_storm",
        "zero_window_stall",
        "retransmission_storm",
        "rst_storm",
        "half_open",
        "syn_flood",
    ];
    assert_eq!(raised("-f fixtures/built/alerts.pcap"), expected);
    assert_eq!(raised("-f fixtures/built/alerts.pcap --no-alerts"), [""; 0]);
}

#[test]
fn ordinary_captures_raise_nothing() {
    let ordinary = [
        "http.pcap",
        "https.pcap",
        "http-ipv6.pcap",
        "http-vlan.pcap",
        "http-any-interface.pcap",
        "http-two-interfaces.pcapng",
        "http-loopback-offload.pcap",
        "http-headers-only.pcap",
        "ssh.pcap",
        "refused.pcap",
        "closes.pcap",
        "stalled-reader.pcap",
        "ecn-fast-open.pcap",
        "mixed.pcap",
        "built/many-connections.pcap",
        "truth/loss.client.pcap",
        "truth/iperf3-loss.server.pcap",
        "truth/reordering-and-loss.client.pcap",
        "truth/duplication.server.pcap",
    ];
    for file in ordinary {
        assert_eq!(raised(&format!("-f fixtures/{file}")), [""; 0], "{file}");
    }
}

#[test]
fn exit_codes_tell_scripts() {
    run("-f fixtures/scan.pcap --fail-on syn_flood,port_scan").expect_code(3);
    run("-f fixtures/scan.pcap --fail-on syn_flood").expect_code(0);
    let wrong = run("-f fixtures/scan.pcap --fail-on flood").expect_code(2);
    assert!(wrong.stderr.contains("the rules are syn_flood, half_open"));
    run("-f fixtures/scan.pcap --fail-on port_scan --no-alerts").expect_code(2);
    run("-f fixtures/missing.pcap --fail-on port_scan").expect_code(1);
}

#[test]
fn files_of_thresholds_are_checked_and_the_defaults_are_one() {
    let scratch = Scratch::new();
    let defaults = run("--explain-alerts").expect_code(0).stdout;
    std::fs::write(scratch.path("defaults.toml"), &defaults).unwrap();
    let with_them = raised(&format!(
        "-f fixtures/scan.pcap --alerts {}",
        scratch.text("defaults.toml")
    ));
    assert_eq!(with_them, raised("-f fixtures/scan.pcap"));
    std::fs::write(
        scratch.path("wrong.toml"),
        "[syn_flood]\nsyn_per_second = 5\n",
    )
    .unwrap();
    let wrong = run(&format!(
        "-f fixtures/http.pcap --alerts {}",
        scratch.text("wrong.toml")
    ))
    .expect_code(1);
    assert!(
        wrong.stderr.contains("wrong.toml") && wrong.stderr.contains("'syn_flood.syn_per_second'")
    );
    let missing = run(&format!(
        "-f fixtures/http.pcap --alerts {}",
        scratch.text("none.toml")
    ))
    .expect_code(1);
    assert!(missing.stderr.contains("none.toml"));
}

#[test]
fn the_command_gets_each_alert_and_no_shell_sees_it() {
    let scratch = Scratch::new();
    let told = scratch.text("told; touch x");
    let ran = run_with("-f fixtures/scan.pcap", |command| {
        command.arg("--on-alert").arg(format!("tee -a '{told}'"))
    })
    .expect_code(0);
    assert!(
        !ran.stdout.contains("\"type\""),
        "what the command prints goes to standard error"
    );
    let lines = wait_for("the command", || {
        std::fs::read_to_string(&told)
            .ok()
            .filter(|text| text.lines().count() == 3)
    });
    for line in lines.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (object["type"].as_str(), object["state"].as_str()),
            (Some("alert"), Some("began"))
        );
    }
    let ran = run_with("-f fixtures/scan.pcap", |command| {
        command.arg("--on-alert").arg("/no/such/program")
    })
    .expect_code(0);
    assert!(
        ran.stderr
            .contains("--on-alert cannot run '/no/such/program'")
    );
}
