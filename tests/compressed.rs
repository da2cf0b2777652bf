//! Compressed captures, whole and damaged: what comes out of a file is what went in, as far as it goes, and where that is not all,
//! it is said. `fixtures/compressed` holds what the four programs themselves write.

#[path = "support/mutations.rs"]
mod mutations;
mod support;

use mutations::Numbers;
use std::path::Path;
use support::{Scratch, fixture, monitor};
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{End, Next, Source};

/// A frame's time and bytes.
type Seen = (i64, Vec<u8>);

/// How reading a file ended.
enum Ended {
    /// With these frames and, if that may not be all, a sentence that says so.
    Read(Vec<Seen>, Option<String>),
    /// At once, with a sentence.
    Refused(String),
}

fn read(path: &Path) -> Ended {
    let mut source = match PcapReader::open(path) {
        Err(error) => return Ended::Refused(format!("{error:#}")),
        Ok(source) => source,
    };
    let mut frames = Vec::new();
    loop {
        match source.next().expect("damage is an end, not an error") {
            Next::Frame(frame) => frames.push((frame.time.nanos(), frame.bytes.to_vec())),
            Next::End(end) => {
                assert_eq!(end.warning().is_none(), end == End::Finished);
                return Ended::Read(frames, end.warning().map(ToOwned::to_owned));
            }
            Next::Interface(_) | Next::Comments(_) | Next::Idle => {}
        }
    }
}

/// Checks that a sentence is one, and names the file.
fn check_sentence(sentence: &str, path: &Path) {
    assert!(sentence.contains(path.to_str().unwrap()), "{sentence}");
    assert!(!sentence.chars().any(char::is_control), "{sentence:?}");
}

/// The fixtures: a name, the file's bytes, the frames inside.
fn compressed() -> Vec<(String, Vec<u8>, Vec<Seen>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(fixture("compressed")).expect("there are fixtures") {
        let path = entry.expect("readable").path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let plain = fixture(&format!("{}.pcap", name.split(['.', '-']).next().unwrap()));
        let Ended::Read(frames, None) = read(&plain) else {
            panic!("{name}: its original is whole");
        };
        all.push((name, std::fs::read(&path).expect("readable"), frames));
    }
    all.sort();
    assert_eq!(
        all.len(),
        9,
        "two captures in four forms, one in an old one"
    );
    all
}

#[test]
fn whole_ones_give_what_went_in() {
    for (name, _, frames) in compressed() {
        match read(&fixture("compressed").join(&name)) {
            Ended::Read(seen, None) => assert!(seen == frames, "{name}"),
            Ended::Read(_, Some(sentence)) | Ended::Refused(sentence) => {
                panic!("{name}: {sentence}")
            }
        }
    }
}

#[test]
fn cut_at_every_byte() {
    let scratch = Scratch::new();
    let path = scratch.path("cut");
    for (name, bytes, frames) in compressed() {
        let mut most = 0;
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length])
                .expect("the temporary directory can be written");
            match read(&path) {
                Ended::Refused(sentence) => check_sentence(&sentence, &path),
                Ended::Read(seen, said) => {
                    assert!(frames.starts_with(&seen), "{name}, {length} bytes");
                    most = most.max(seen.len());
                    match said {
                        Some(sentence) => check_sentence(&sentence, &path),
                        None => panic!(
                            "{name}, {length} bytes: {} frames are not all that there was",
                            seen.len()
                        ),
                    }
                }
            }
        }
        // The old form is one block without an end mark: as long as it is not whole, nothing of it can be read.
        let is_readable = !name.contains("legacy");
        assert_eq!(
            most > 0,
            is_readable,
            "{name}: what stands before a cut is read"
        );
    }
}

#[test]
fn with_bytes_changed() {
    let (scratch, mut numbers) = (Scratch::new(), Numbers(3));
    let path = scratch.path("changed");
    let (mut unharmed, mut harmed) = (0, 0);
    for (name, bytes, frames) in compressed() {
        for _ in 0..1000 {
            std::fs::write(&path, numbers.damage(&bytes))
                .expect("the temporary directory can be written");
            match read(&path) {
                Ended::Refused(sentence) => check_sentence(&sentence, &path),
                Ended::Read(seen, None) => {
                    unharmed += 1;
                    // All but the old form of LZ4 bring checksums along.
                    assert!(
                        seen == frames || name.contains("legacy"),
                        "{name}: {} frames",
                        seen.len()
                    );
                }
                Ended::Read(_, Some(sentence)) => {
                    harmed += 1;
                    check_sentence(&sentence, &path);
                }
            }
        }
    }
    assert!(unharmed > 0 && harmed > 1000, "{unharmed}, {harmed}");
}

/// Through the program itself, from a file and from a pipe.
#[test]
fn the_program_reports_as_far_as_it_goes() {
    let scratch = Scratch::new();
    let path = scratch.path("cut");
    for (name, bytes, _) in compressed() {
        for length in [0, 3, 20, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length])
                .expect("the temporary directory can be written");
            for from_pipe in [false, true] {
                let mut command = monitor(["--names", "-f"]);
                if from_pipe {
                    command
                        .arg("-")
                        .stdin(std::fs::File::open(&path).expect("it was written"));
                } else {
                    command.arg(&path);
                }
                let output = command.output().expect("it runs");
                let said = String::from_utf8(output.stderr).expect("UTF-8");
                let code = output.status.code();
                assert!(
                    code == Some(0) || code == Some(1),
                    "{name}, {length}: {code:?} {said}"
                );
                assert_eq!(
                    code == Some(1),
                    output.stdout.is_empty(),
                    "{name}, {length}: {said}"
                );
                assert_eq!(said.lines().count(), 1, "{name}, {length}: {said}");
                let source = if from_pipe {
                    "standard input"
                } else {
                    path.to_str().unwrap()
                };
                assert!(said.contains(source), "{name}, {length}: {said}");
            }
        }
    }
}
