//! The command line's contract, through the real binary: exit codes, what goes to which stream, saving, pipes, selection.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use support::{Scratch, fixture, monitor, run, run_with, wait_for};

/// Frame numbers of the lines that `-v` printed.
fn frames(stdout: &str) -> Vec<u64> {
    let is_packet = |line: &&str| {
        line.split(' ')
            .nth(1)
            .is_some_and(|time| time.contains('.') && time.parse::<f64>().is_ok())
    };
    stdout
        .lines()
        .filter(is_packet)
        .map(|line| line.split(' ').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn exit_codes() {
    run("-f fixtures/http.pcap").expect_code(0);
    run("--help").expect_code(0);
    run("--version").expect_code(0);
    run("-f fixtures/no-such-file.pcap").expect_code(1);
    run("--no-such-option").expect_code(2);
    run("-f fixtures/http.pcap -p http").expect_code(2);
}

#[test]
fn neither_an_interface_nor_a_file_gets_a_hint() {
    let ran = run("").expect_code(2);
    assert_eq!(ran.stdout, "");
    for part in ["INTERFACE", "-f capture.pcap", "--help"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(
        ran.stderr.lines().count() <= 8,
        "a short hint: {}",
        ran.stderr
    );
}

#[test]
fn both_an_interface_and_a_file_are_refused() {
    for line in [
        "lo -f fixtures/http.pcap",
        "--interface lo -f fixtures/http.pcap",
        "lo --interface lo",
    ] {
        let ran = run(line).expect_code(2);
        assert!(ran.stderr.contains("cannot be used with"), "{}", ran.stderr);
    }
}

/// One sentence on standard error that names the file and what is wrong; nothing on standard output.
#[test]
fn what_cannot_be_read_is_named() {
    let scratch = Scratch::new();
    fs::write(scratch.path("empty.pcap"), b"").unwrap();
    fs::write(
        scratch.path("text.pcap"),
        b"this is not a capture, whatever its name says",
    )
    .unwrap();
    fs::write(
        scratch.path("short.pcap"),
        &fs::read(fixture("http.pcap")).unwrap()[..20],
    )
    .unwrap();
    let cases = [
        ("missing.pcap", "No such file"),
        (".", "directory"),
        ("empty.pcap", "empty"),
        ("text.pcap", "is text, not a pcap"),
        ("short.pcap", "ends within the file header"),
    ];
    for (name, wrong) in cases {
        let path = scratch.text(name);
        let ran = run(&format!("-f {path}")).expect_code(1);
        assert_eq!(ran.stdout, "", "{name}");
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(
            ran.stderr.starts_with("tcp-monitor: ") && ran.stderr.contains(&path),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.to_lowercase().contains(&wrong.to_lowercase()),
            "{name}: {}",
            ran.stderr
        );
    }
}

#[test]
fn a_file_without_permission_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let path = scratch.path("secret.pcap");
    fs::copy(fixture("http.pcap"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    let line = format!("-f {}", path.display());
    let ran = if support::is_root() {
        support::run_as_nobody(&scratch, &line)
    } else {
        run(&line)
    }
    .expect_code(1);
    assert!(
        ran.stderr.contains("no permission") && ran.stderr.contains("secret.pcap"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_cut_file_is_reported_up_to_there() {
    for (name, frames_before) in [
        ("cut-in-a-packet.pcap", 7),
        ("cut-in-a-record-header.pcap", 1),
        ("cut.pcapng", 5),
    ] {
        let ran = run(&format!("-f fixtures/built/{name} -v")).expect_code(0);
        assert_eq!(frames(&ran.stdout).len(), frames_before, "{name}");
        assert!(
            ran.stderr.contains("cut off") && ran.stderr.contains(name),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn no_escape_sequences_where_there_is_no_terminal() {
    for options in [
        "",
        "-v",
        "-vv -c 5",
        "--connection 9",
        "--json",
        "--no-color -v",
    ] {
        let ran = run(&format!("-f fixtures/closes.pcap {options}")).expect_code(0);
        assert!(
            !ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'),
            "{options}"
        );
    }
    let ran = run("-D").expect_code(0);
    assert!(
        !ran.stdout.contains('\x1b') && ran.stdout.contains("name"),
        "{}",
        ran.stdout
    );
}

/// Text that came from a capture may hold anything; it must not reach a terminal as it is.
#[test]
fn control_characters_are_escaped() {
    for options in ["", "-v", "-vv", "--json -v"] {
        let ran = run(&format!("-f fixtures/built/mixture.pcapng {options}")).expect_code(0);
        let raw = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
        assert!(!raw(&ran.stdout) && !raw(&ran.stderr), "{options}: {ran:?}");
    }
    let ran = run_with("-f", |command| command.arg("no\x1b[31msuch.pcap")).expect_code(1);
    assert!(
        !ran.stderr.contains('\x1b') && ran.stderr.contains("such.pcap"),
        "{:?}",
        ran.stderr
    );
}

/// Runs on a terminal of its own, made by script(1); `None` where there is none.
fn on_a_terminal(arguments: &str, variable: Option<(&str, &str)>) -> Option<String> {
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_tcp-monitor"));
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &line, "/dev/null"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    command
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .stdin(Stdio::null());
    command.envs(variable);
    match command.output() {
        Ok(output) => Some(String::from_utf8(output.stdout).unwrap()),
        Err(_) => {
            support::skip("there is no script(1) to make a terminal with");
            None
        }
    }
}

#[test]
fn colour_on_a_terminal_unless_refused() {
    let line = "-f fixtures/closes.pcap -v";
    let Some(coloured) = on_a_terminal(line, None) else {
        return;
    };
    assert!(coloured.contains("\x1b["), "{coloured}");
    let has_colour = |arguments: &str, variable| {
        on_a_terminal(arguments, variable)
            .unwrap()
            .contains("\x1b[3")
    };
    assert!(has_colour(line, None));
    assert!(
        has_colour(line, Some(("NO_COLOR", ""))),
        "an empty NO_COLOR means nothing (no-color.org)"
    );
    assert!(!has_colour(line, Some(("NO_COLOR", "1"))));
    assert!(!has_colour(&format!("{line} --no-color"), None));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    for options in ["-v", "-vv", "--json -v", "--top 0"] {
        let line = format!("-f fixtures/built/many-connections.pcap {options}");
        let mut child = monitor(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        drop(reader);
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert!(!first.is_empty() && said.is_empty(), "{options}: {said}");
        assert_eq!(child.wait().unwrap().code(), Some(0), "{options}");
    }
    // And a reader that never reads at all.
    let mut child = monitor(["-f", "fixtures/http.pcap"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// The packets of a capture without what belongs to its container: `-v` lines, with times since the start.
fn lines(path: &str) -> Vec<String> {
    let ran = run(&format!("-f {path} -v")).expect_code(0);
    let count = frames(&ran.stdout).len();
    // Frame numbers are the container's: pcapng numbers custom blocks, too.
    ran.stdout
        .lines()
        .take(count)
        .map(|line| line.split_once(' ').unwrap().1.to_owned())
        .collect()
}

#[test]
fn what_is_saved_is_what_was_read() {
    let scratch = Scratch::new();
    let saved = scratch.text("saved");
    let names = [
        "http.pcap",
        "http-nanoseconds.pcap",
        "http-any-interface.pcap",
        "http-headers-only.pcap",
        "http-two-interfaces.pcapng",
        "built/mixture.pcapng",
        "built/raw-ip.pcap",
        "built/big-endian-nanoseconds.pcap",
        "built/cut-frames.pcap",
        "built/cooked-v1.pcap",
        "built/no-packets.pcap",
    ];
    for name in names {
        let original = format!("fixtures/{name}");
        run(&format!("-f {original} -o {saved}")).expect_code(0);
        assert_eq!(lines(&original), lines(&saved), "{name}");
        // Once more: what it writes itself, it reads without a change.
        let again = scratch.text("again");
        run(&format!("-f {saved} -o {again}")).expect_code(0);
        assert_eq!(
            fs::read(&saved).unwrap(),
            fs::read(&again).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn only_what_passes_the_filters_is_saved() {
    let scratch = Scratch::new();
    let saved = scratch.text("saved.pcap");
    run(&format!(
        "-f fixtures/closes.pcap -p 9004 -i 10.77.0.1 -o {saved}"
    ))
    .expect_code(0);
    assert_eq!(frames(&run(&format!("-f {saved} -v")).stdout).len(), 38);
    run(&format!(
        "-f fixtures/closes.pcap --filter arp -c 1 -o {saved}"
    ))
    .expect_code(0);
    assert_eq!(
        frames(&run(&format!("-f {saved} -v")).stdout).len(),
        1,
        "an existing file is overwritten, and no rest of it remains"
    );
}

#[test]
fn saving_onto_the_input_is_refused_and_nothing_is_touched() {
    let scratch = Scratch::new();
    let (path, link) = (scratch.text("capture.pcap"), scratch.text("link.pcap"));
    fs::copy(fixture("http.pcap"), &path).unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for output in [&path, &link] {
        let ran = run(&format!("-f {path} -o {output}")).expect_code(1);
        assert!(
            ran.stderr.contains("capture.pcap") || ran.stderr.contains("link.pcap"),
            "{}",
            ran.stderr
        );
        assert_eq!(
            fs::read(&path).unwrap(),
            fs::read(fixture("http.pcap")).unwrap()
        );
    }
}

#[test]
fn the_capture_to_standard_output_and_the_report_to_standard_error() {
    let output = monitor(["-f", "fixtures/http.pcap", "-o", "-"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let report = String::from_utf8(output.stderr).unwrap();
    assert!(
        report.contains("TIME_WAIT") && report.contains("50 packets"),
        "{report}"
    );
    let scratch = Scratch::new();
    fs::write(scratch.path("saved.pcap"), &output.stdout).unwrap();
    assert_eq!(
        lines(&scratch.text("saved.pcap")),
        lines("fixtures/http.pcap")
    );
}

#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let ran = run("-f fixtures/http.pcap -o /dev/full").expect_code(1);
    assert!(
        ran.stderr.contains("/dev/full") && ran.stderr.contains("No space left"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stdout.contains("TIME_WAIT"),
        "the report is still wanted: {}",
        ran.stdout
    );
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = monitor(["-f", "fixtures/http.pcap", "-v"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("No space left")
    );
}

#[test]
fn a_place_where_nothing_can_be_written_is_named() {
    let ran = run("-f fixtures/http.pcap -o /no/such/directory/x.pcap").expect_code(1);
    assert!(
        ran.stderr.contains("/no/such/directory/x.pcap"),
        "{}",
        ran.stderr
    );
}

/// `tcpdump -U -w - | tcp-monitor -f - -v`: lines come while the pipe is still being written.
#[test]
fn a_pipe_that_is_still_being_written() {
    let capture = fs::read(fixture("http.pcap")).unwrap();
    let mut child = monitor(["-f", "-", "-v"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let (sender, lines) = std::sync::mpsc::channel();
    let stdout = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            if sender.send(line.unwrap()).is_err() {
                return;
            }
        }
    });
    // Half of the file, ending in the middle of a packet.
    let half = capture.len() / 2;
    pipe.write_all(&capture[..half]).unwrap();
    pipe.flush().unwrap();
    let first = wait_for("a line from a pipe that is not closed", || {
        lines.try_recv().ok()
    });
    assert!(first.starts_with("1 0.000000000 "), "{first}");
    pipe.write_all(&capture[half..]).unwrap();
    drop(pipe);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().unwrap();
    let rest: Vec<_> = lines.try_iter().collect();
    let all = [vec![first], rest].concat().join("\n");
    assert_eq!(frames(&all).len(), 50);
    assert!(all.contains("standard input: pcap, Ethernet"), "{all}");
}

#[test]
fn a_pipe_that_is_no_capture() {
    let mut child = monitor(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"nothing of the kind, though long enough to look at")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .contains("standard input")
    );
}

/// How many packets of `closes.pcap` pass.
fn passing(options: &str) -> usize {
    frames(
        &run(&format!("-f fixtures/closes.pcap -v {options}"))
            .expect_code(0)
            .stdout,
    )
    .len()
}

#[test]
fn ports_and_addresses() {
    assert_eq!(passing(""), 171);
    assert_eq!(passing("-p 9001"), 8);
    assert_eq!(passing("-p 9001,9002"), 16);
    assert_eq!(passing("-p 9001 -p 9002"), 16);
    assert_eq!(passing("-p 9001-9002"), 16);
    assert_eq!(passing("-p 65535"), 0);
    assert_eq!(passing("-i 10.77.0.1"), 165, "ARP has addresses, too");
    assert_eq!(passing("-i 10.77.0.0/24"), 165);
    assert_eq!(passing("-i 10.77.0.1 -p 9001"), 8);
    assert_eq!(passing("-i 192.0.2.1"), 0);
    assert_eq!(
        passing("-i 192.0.2.1 -p 9001"),
        0,
        "different options mean all of them"
    );
    assert_eq!(passing("-i ::/0"), 6);
    assert_eq!(passing("-i ::/0,10.77.0.2"), 171);
    for line in [
        "-p 70000",
        "-p 9-8",
        "-p x",
        "-i 10.77.0.300",
        "-i 10.77.0.0/33",
        "-i x",
    ] {
        let ran = run(&format!("-f fixtures/closes.pcap {line}")).expect_code(2);
        assert!(
            ran.stderr.contains(line.split(' ').next_back().unwrap()),
            "{}",
            ran.stderr
        );
    }
    // Inside a VLAN tag a filter expression without `vlan` finds nothing, but -p and -i do.
    let vlan = |options: &str| {
        frames(&run(&format!("-f fixtures/http-vlan.pcap -v {options}")).stdout).len()
    };
    assert_eq!(
        (
            vlan("-p 80 -i 10.77.0.2"),
            vlan("--filter tcp"),
            vlan("--filter vlan&&tcp")
        ),
        (14, 0, 14)
    );
}

#[test]
fn filter_expressions() {
    assert_eq!(passing("--filter arp"), 2);
    let filtered = |expression: &str| {
        let ran = run_with("-f fixtures/closes.pcap -v --filter", |command| {
            command.arg(expression)
        });
        frames(&ran.expect_code(0).stdout).len()
    };
    assert_eq!(filtered("tcp port 9001 or arp"), 10);
    assert_eq!(filtered("tcp[tcpflags] & tcp-rst != 0"), 3);
    let ran = run_with("-f fixtures/closes.pcap --filter", |command| {
        command.arg("port of call")
    })
    .expect_code(1);
    assert!(ran.stderr.contains("port of call"), "{}", ran.stderr);
}

#[test]
fn duration_and_count_of_a_file() {
    let last = |options: &str| {
        frames(
            &run(&format!("-f fixtures/closes.pcap -v {options}"))
                .expect_code(0)
                .stdout,
        )
        .last()
        .copied()
    };
    assert_eq!(passing("-c 5"), 5);
    assert_eq!(passing("-c 5 -p 9004"), 5, "those that pass count");
    assert_eq!(passing("-c 1000"), 171);
    assert_eq!(last("-d 0"), Some(171), "0 means all of it");
    assert_eq!(last("-d 1000"), Some(171));
    let within = passing("-d 1");
    assert!(
        (10..60).contains(&within),
        "{within} of the packets lie in the first second"
    );
    let ran = run("-f fixtures/closes.pcap -d 1 --json").expect_code(0);
    let summary: serde_json::Value =
        serde_json::from_str(ran.stdout.lines().last().unwrap()).unwrap();
    let span = summary["last_time"].as_f64().unwrap() - summary["first_time"].as_f64().unwrap();
    assert!(span <= 1.0, "{span}");
}

/// Every option of the documented contract and of ours says what it takes, what happens without it, and how it is written.
#[test]
fn help_says_unit_default_and_example() {
    let help = run("--help").expect_code(0).stdout;
    let options = [
        "--interface",
        "--file",
        "--duration",
        "--count",
        "--port",
        "--ip",
        "--filter",
        "--verbose",
        "--json",
        "--wireshark",
        "--output",
        "--no-color",
        "--graph",
        "--sequence",
        "--output-dir",
        "--top",
        "--sort",
        "--connection",
        "--list-interfaces",
        "--explain-verdicts",
        "--snaplen",
        "--buffer-size",
        "--no-promiscuous",
        "--max-connections",
        "--stats",
    ];
    for option in options {
        // From its own line up to the next option's; what is said of it stands further in.
        let is_option =
            |line: &str| line.trim_start().starts_with('-') && !line.starts_with("        ");
        let names = |line: &str| line.split([' ', ',', '.']).any(|word| word == option);
        let begin = help
            .lines()
            .position(|line| is_option(line) && names(line))
            .unwrap_or_else(|| panic!("{option} is not in the help"));
        let about: Vec<_> = help
            .lines()
            .skip(begin)
            .enumerate()
            .take_while(|&(n, line)| n == 0 || !is_option(line))
            .map(|(_, line)| line.trim())
            .collect();
        let about = about.join(" ");
        assert!(
            about.contains("[default: ") && about.contains("[example: "),
            "{option}: {about}"
        );
    }
    for (option, unit) in [
        ("--duration <SECONDS>", "Seconds"),
        ("--snaplen <BYTES>", "Bytes"),
        ("--buffer-size <MIB>", "MiB"),
    ] {
        assert!(help.contains(option) && help.contains(unit), "{option}");
    }
    for line in ["Exit codes: 0 done", "[default: 60]"] {
        assert!(help.contains(line), "{line}");
    }
}

/// Figures that can be true: they stand on standard error behind everything else, and standard output is the same without them.
#[test]
fn stats_say_what_it_cost() {
    let plain = run("-f fixtures/built/many-connections.pcap --max-connections 50").expect_code(0);
    let ran = run("-f fixtures/built/many-connections.pcap --max-connections 50 --stats");
    let ran = ran.expect_code(0);
    assert_eq!(ran.stdout, plain.stdout);
    let added = ran
        .stderr
        .strip_prefix(&plain.stderr)
        .expect("behind the rest");
    let lines: Vec<_> = added.lines().collect();
    let [connections, memory, time] = lines[..] else {
        panic!("{added}");
    };
    let number = |line: &str, before: &str| -> u64 {
        let (text, _) = line.split_once(before).unwrap_or_else(|| panic!("{line}"));
        let last = text.rsplit([' ', '(']).next().unwrap_or_default();
        last.parse().unwrap_or_else(|_| panic!("{line}"))
    };
    let kept = number(connections, " kept");
    assert_eq!((kept, number(connections, " at the peak")), (50, 50));
    assert_eq!(
        kept + number(connections, " evicted"),
        number(connections, " in all")
    );
    let each = number(memory, " bytes per kept connection");
    let itself = number(memory, " of itself");
    assert!(itself >= 100 && each >= itself && each < 4096, "{memory}");
    if cfg!(target_os = "linux") {
        assert!(
            memory.contains(" MiB at the peak of the whole process"),
            "{memory}"
        );
        assert!(!time.contains('?'), "{time}");
    }
    assert!(time.contains(" packets per second"), "{time}");
}

/// Every fixture, with every kind of output: an end without an error, the same number of packets in each, and the same report.
#[test]
fn every_fixture_with_every_output() {
    let mut count = 0;
    for directory in ["", "built", "truth"] {
        for entry in fs::read_dir(fixture(directory)).unwrap() {
            let path = entry.unwrap().path();
            if !path
                .extension()
                .is_some_and(|extension| extension == "pcap" || extension == "pcapng")
            {
                continue;
            }
            count += 1;
            let file = path.display();
            let shown = run(&format!("-f {file} -v")).expect_code(0).stdout;
            let lines = frames(&shown).len();
            // Nothing that is left out where no packet is shown stands in the report.
            let report = run(&format!("-f {file}")).expect_code(0).stdout;
            assert!(shown.ends_with(&report), "{file}");
            let json = run(&format!("-f {file} --json -v")).expect_code(0).stdout;
            let objects: Vec<serde_json::Value> = json
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            let packets = objects
                .iter()
                .filter(|object| object["type"] == "packet")
                .count();
            assert_eq!(objects.last().unwrap()["type"], "summary", "{file}");
            assert_eq!(objects.last().unwrap()["packets"], packets, "{file}");
            let onion = run(&format!("-f {file} -vv --wireshark"))
                .expect_code(0)
                .stdout;
            let onions = onion
                .lines()
                .filter(|line| line.starts_with("Frame "))
                .count();
            assert_eq!((lines, onions), (packets, packets), "{file}");
        }
    }
    assert!(count > 60, "{count} fixtures");
}

#[test]
fn packets_of_a_chosen_connection_alone() {
    const CAPTURE: &str = "-f fixtures/built/icmp-errors.pcap";
    let text = run(&format!("{CAPTURE} -v --connection 1")).stdout;
    // The SYN, and the ICMP error that quotes it.
    assert_eq!(frames(&text), [8, 9]);
    let json = run(&format!("{CAPTURE} --json -v --connection 1,2")).stdout;
    let of = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let id = object.get("connection").or(object.get("quotes_connection"));
        (object["type"] == "packet").then(|| id.and_then(serde_json::Value::as_u64))
    };
    let ids: std::collections::BTreeSet<_> = json.lines().filter_map(of).collect();
    assert_eq!(ids, [Some(1), Some(2)].into());
}
