//! When the world outside fails: full disks, closed pipes, directories that may not be written, files that change while they are
//! read. What was read before is reported, the sentence says what went wrong, and the exit code that something did.

#![cfg(unix)]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use support::Scratch;

#[test]
fn faults_are_said_in_a_sentence() {
    let file = support::fixture("http.pcap");
    let file = file.to_str().expect("a path of letters");
    // A full disk, under the saved packets and under the report.
    let full = support::run(&format!("-f {file} -o /dev/full"));
    assert_eq!(full.code, Some(1), "{full:#?}");
    assert!(
        full.stdout.contains("TCP") && full.stderr.contains("/dev/full"),
        "{full:#?}"
    );
    let report = support::run_with(&format!("-f {file}"), |command| {
        command.stdout(
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .expect("it is there"),
        )
    });
    assert_eq!(report.code, Some(1), "{report:#?}");
    // A pipe that nobody reads any more.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let closed = support::run_with(&format!("-f {file} -v"), |command| command.stdout(writer));
    assert_eq!((closed.code, closed.stderr.as_str()), (Some(0), ""));
}

/// A disk of 16 KiB, in a mount namespace of its own: no graph fits, and none is left behind in part.
#[test]
#[cfg(target_os = "linux")]
fn graphs_on_a_full_disk() {
    let scratch = Scratch::new();
    let disk = scratch.path("disk");
    std::fs::create_dir(&disk).expect("the temporary directory can be written");
    let script = r#"mount -t tmpfs -o size=16k none "$1" || exit 77
        disk=$1; shift; "$@"; code=$?; ls -A "$disk" | sed 's/^/left: /' >&2; exit $code"#;
    let ran = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
        ])
        .arg(&disk)
        .arg(env!("CARGO_BIN_EXE_tcp-monitor"))
        .arg("-f")
        .arg(support::fixture("http.pcap"))
        .args(["--sequence", "--graph", "--output-dir"])
        .arg(&disk)
        .output()
        .map(support::Ran::from);
    let ran = match ran {
        Ok(ran) if ran.code != Some(77) && !ran.stderr.starts_with("unshare:") => ran,
        other => {
            eprintln!("SKIPPED: no file system can be mounted here: {other:?}");
            return;
        }
    };
    let ran = ran.expect_code(1);
    assert!(ran.stdout.contains("TCP"), "no report: {ran:#?}");
    assert!(
        ran.stderr.contains("cannot write") && ran.stderr.contains("No space left"),
        "{ran:#?}"
    );
    assert!(!ran.stderr.contains("left: "), "{ran:#?}");
}

/// The directory for graphs may not be written: the report is complete, the sentence names the directory.
#[test]
fn an_output_directory_without_permission() {
    let scratch = Scratch::new();
    let directory = scratch.path("closed");
    std::fs::create_dir(&directory).expect("the temporary directory can be written");
    std::fs::set_permissions(&directory, PermissionsExt::from_mode(0o555)).expect("it is ours");
    let capture = scratch.path("http.pcap");
    std::fs::copy(support::fixture("http.pcap"), &capture).expect("a copy");
    for inside in [directory.clone(), directory.join("new")] {
        let mut command = support::monitor(["--graph", "--output-dir"]);
        command
            .arg(&inside)
            .arg("-f")
            .arg(&capture)
            .current_dir("/");
        // Nothing is closed to root.
        if is_root() {
            command.uid(65_534).gid(65_534);
        }
        let ran = match command.output() {
            Ok(output) => support::Ran::from(output).expect_code(1),
            Err(error) => {
                eprintln!("SKIPPED: nobody may not run the binary: {error}");
                return;
            }
        };
        assert!(ran.stdout.contains("TCP"), "no report: {ran:#?}");
        assert!(
            ran.stderr.contains("closed") && ran.stderr.contains("Permission denied"),
            "{ran:#?}"
        );
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Octets of one record of [`records`].
const RECORD: usize = 16 + 254;

/// So many records of a classic file, of data that follow each other.
fn records(first: u32, number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for at in first..first + number {
        for word in [at / 1000, at % 1000, 254, 254] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 240]);
        bytes.extend([0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend([0x10, 0, 0, 80]);
        bytes.extend((at * 200).to_be_bytes());
        bytes.extend([0, 0, 0, 1, 0x50, 16, 16, 0, 0, 0, 0, 0]);
        bytes.resize(bytes.len() + 200, 0);
    }
    bytes
}

/// More than all buffers hold: whoever does not read the output keeps the program from reading the file to its end.
const MANY: u32 = 40_000;

/// Reads a file and changes it while that goes on. Returns how many packets were printed, and what was said.
fn read_while(change: impl FnOnce(&mut std::fs::File)) -> (usize, String) {
    let scratch = Scratch::new();
    let path = scratch.path("changing.pcap");
    let mut file = std::fs::File::create(&path).expect("the temporary directory can be written");
    let header = [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1];
    let header: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    file.write_all(&header).expect("there is room");
    file.write_all(&records(0, MANY)).expect("there is room");
    let mut child = support::monitor(["--json", "-v", "-f"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut packets = 0;
    let mut count = |line: std::io::Result<String>| {
        let line = line.expect("UTF-8");
        serde_json::from_str::<serde_json::Value>(&line).expect("each line is JSON");
        packets += usize::from(line.starts_with(r#"{"type":"packet""#));
    };
    lines.by_ref().take(10).for_each(&mut count);
    change(&mut file);
    lines.for_each(&mut count);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    (packets, said)
}

#[test]
fn a_file_that_is_truncated_while_it_is_read() {
    let half = MANY / 2;
    let (packets, said) = read_while(|file| {
        file.set_len(24 + u64::from(half) * RECORD as u64 + 7)
            .expect("it can be cut");
    });
    assert_eq!(packets, half as usize, "{said}");
    assert!(said.contains("changing.pcap"), "the cut is told of: {said}");
}

#[test]
fn a_file_that_grows_while_it_is_read() {
    let more = 1000;
    let (packets, said) = read_while(|file| {
        file.write_all(&records(MANY, more)).expect("there is room");
    });
    assert_eq!(packets, (MANY + more) as usize, "{said}");
    assert_eq!(said, "");
}
