//! What is known beyond TCP, through the real binary: first words, names, turns, ICMP errors and UDP.

mod support;

use serde_json::Value;

/// The objects of this kind that `--json` writes.
fn objects(kind: &str, arguments: &str) -> Vec<Value> {
    let ran = support::run(&format!("--json {arguments}")).expect_code(0);
    ran.stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|object| object["type"] == kind)
        .collect()
}

/// Time to first byte and the client's think time of a connection: the shortest, the middle and the longest, in milliseconds.
fn waits(fixture: &str) -> [[f64; 3]; 2] {
    let connections = objects("connection", &format!("-f fixtures/{fixture}"));
    let turns = &connections[0]["turns"];
    assert_eq!(
        (&turns["requests"], &turns["answers"]),
        (&20.into(), &20.into())
    );
    ["time_to_first_byte_ms", "client_think_ms"]
        .map(|key| ["min", "p50", "max"].map(|figure| turns[key][figure].as_f64().unwrap()))
}

/// Recorded at both ends of a path of 20 ms, while one side thought for 60 ms each of 20 times.
#[test]
fn think_times_are_the_same_at_both_ends() {
    for (thinker, at) in [("server", 0), ("client", 1)] {
        let [near_client, near_server] =
            ["client", "server"].map(|end| waits(&format!("{thinker}-think-time.{end}.pcap")));
        for (kind, (a, b)) in near_client.iter().zip(&near_server).enumerate() {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 2.0, "{thinker} {kind}: {a} and {b} ms");
            }
        }
        for seen in [near_client, near_server] {
            let [shortest, middle, longest] = seen[at];
            assert!(shortest > 58.0 && longest < 63.0, "{thinker}: {seen:?}");
            assert!((middle - 60.0).abs() < 2.0, "{thinker}: {seen:?}");
        }
    }
}

#[test]
fn first_words() {
    let first = |fixture: &str| {
        let connections = objects("connection", &format!("-f fixtures/{fixture}"));
        connections[0]["first_bytes"].clone()
    };
    let http = first("http.pcap");
    assert_eq!(http["what"], "GET 10.77.0.2/ 200");
    assert_eq!(
        (&http["http_method"], &http["http_status"]),
        (&"GET".into(), &200.into())
    );
    let tls = first("https.pcap");
    assert_eq!(
        (&tls["tls_version"], &tls["tls_alpn"]),
        (&"TLS 1.2".into(), &"http/1.1".into())
    );
    assert_eq!(tls["tls_version_offered"], "TLS 1.3");
    assert_eq!(tls["tls_alpn_offered"].as_array().unwrap().len(), 2);
    let ssh = first("ssh.pcap");
    for side in ["ssh_client", "ssh_server"] {
        assert!(
            ssh[side].as_str().unwrap().starts_with("SSH-2.0-OpenSSH"),
            "{ssh}"
        );
    }
    assert_eq!(first("mixed.pcap")["dns_name"], "large.example.test");
    // Nobody said anything, or nothing of it was captured.
    for silent in ["refused.pcap", "http-headers-only.pcap", "closes.pcap"] {
        assert_eq!(first(silent), Value::Null, "{silent}");
    }
}

#[test]
fn names_come_from_the_capture_and_only_if_asked_for() {
    let named = |options: &str| {
        let connections = objects("connection", &format!("-f fixtures/mixed.pcap {options}"));
        connections[0]["server"]["name"].clone()
    };
    assert_eq!(named(""), Value::Null);
    assert_eq!(named("--names"), "large.example.test");
}

#[test]
fn icmp_errors_stand_with_the_connection_they_quote() {
    let packets = objects("packet", "-v -f fixtures/built/icmp-errors.pcap");
    let quotes: Vec<_> = packets
        .iter()
        .filter_map(|packet| packet["quotes_connection"].as_u64())
        .collect();
    assert_eq!(quotes, [0, 0, 0, 1, 2, 2]);
    let connections = objects("connection", "-f fixtures/built/icmp-errors.pcap");
    assert_eq!(connections.len(), 3, "errors take no number");
    assert_eq!(connections[0]["icmp_errors"]["least_mtu"], 1400);
    assert_eq!(connections[1]["icmp_errors"]["first"][0]["code"], 13);
    assert_eq!(connections[2]["icmp_errors"]["least_mtu"], 1280);
}

#[test]
fn udp_conversations() {
    let conversations = objects("udp", "-f fixtures/mixed.pcap");
    assert_eq!(conversations.len(), 2);
    assert_eq!(conversations[0]["service"], "domain");
    assert_eq!(conversations[0]["client_to_server"]["packets"], 2);
    let summary = objects("summary", "-f fixtures/mixed.pcap");
    assert_eq!(summary[0]["arp"]["requests"], 1);
    assert_eq!(summary[0]["udp"]["conversations"], 2);
}
