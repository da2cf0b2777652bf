//! The fuzz targets without the fuzzer: each takes the fixtures, or what they are made of, as they are and damaged. A short run, the
//! same on every machine; `fuzz/run` makes long ones.

#[path = "../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "some of it is for the fuzzer alone")]
mod fuzz;
#[path = "support/mutations.rs"]
mod mutations;
mod support;

use arbitrary::{Arbitrary, Unstructured};
use fuzz::targets::{compressed, decode, files, filters, json, tracker};
use mutations::Numbers;
use std::time::{Duration, Instant};

/// How long each target is given damaged inputs: CI is to end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Files of these directories of fixtures that are small, in the order of their names.
fn small(directories: &[&str]) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for directory in directories {
        for entry in std::fs::read_dir(support::fixture(directory)).expect("there are fixtures") {
            paths.push(entry.expect("readable").path());
        }
    }
    paths.retain(|path| {
        let is_capture = path
            .extension()
            .is_some_and(|end| end != "json" && end != "md");
        is_capture && path.metadata().is_ok_and(|about| about.len() <= 16_384)
    });
    paths.sort();
    let read = |path| std::fs::read(path).expect("readable");
    paths.iter().map(read).collect()
}

/// The first so many frames of each small capture.
fn first_frames(number: usize) -> Vec<Vec<u8>> {
    let captures = small(&["", "built"]);
    let of_each = captures
        .iter()
        .flat_map(|capture| fuzz::frames(capture).into_iter().take(number));
    of_each.collect()
}

/// Gives a target each input of its corpus, then damaged ones and those cut short.
fn exercise(corpus: &[Vec<u8>], seed: u64, mut target: impl FnMut(&[u8])) {
    assert!(corpus.len() > 5, "{}", corpus.len());
    for input in corpus {
        target(input);
    }
    let (mut numbers, began) = (Numbers(seed), Instant::now());
    while began.elapsed() < PATIENCE {
        let chosen = &corpus[numbers.below(corpus.len())];
        let mut input = numbers.damage(chosen);
        if numbers.below(4) == 0 {
            input.truncate(numbers.below(input.len()));
        }
        target(&input);
    }
}

/// Gives a target inputs that were made up.
fn make_up(seed: u64, mut target: impl FnMut(&mut Numbers)) {
    let (mut numbers, began) = (Numbers(seed), Instant::now());
    while began.elapsed() < PATIENCE {
        target(&mut numbers);
    }
}

/// Anything of a type. Bytes of its own for each, since the first list would use up those of all.
fn anything<T: for<'a> Arbitrary<'a>>(numbers: &mut Numbers) -> T {
    T::arbitrary(&mut Unstructured::new(&numbers.bytes(96)))
        .expect("where bytes end, zeroes follow")
}

#[test]
fn frames_are_taken_apart() {
    let frames = first_frames(40);
    assert!(frames.len() > 300, "{}", frames.len());
    exercise(&frames, 11, decode::run);
    // The same bytes as every other link type.
    for frame in frames.iter().step_by(7) {
        for link in 0..fuzz::LINKS.len() {
            decode::run(&[&[link as u8], &frame[1..]].concat());
        }
    }
}

#[test]
fn files_are_read() {
    exercise(
        &small(&["", "built", "truth", "compressed"]),
        12,
        files::run,
    );
}

#[test]
fn compressed_files_are_read() {
    exercise(&small(&["compressed"]), 13, compressed::run);
    // Nothing but a beginning and noise.
    make_up(14, |numbers| {
        let length = numbers.below(600);
        compressed::run(&numbers.bytes(length));
    });
}

#[test]
fn files_become_json() {
    exercise(&small(&["", "built", "compressed"]), 15, json::run);
}

#[test]
fn segments_are_tracked() {
    make_up(16, |numbers| {
        let segments = (0..numbers.below(150)).map(|_| anything(numbers)).collect();
        tracker::run((segments, numbers.next() as u8));
    });
}

#[test]
fn frames_are_filtered() {
    let frames = first_frames(10);
    make_up(17, |numbers| {
        let ports = ["80", "1-65535", "9-8", "0-", "-", "x", "443 ", ""];
        let addresses = ["10.0.0.0/8", "::/0", "::1", "1.2.3", "0.0.0.0/33", "/", ""];
        let some = |numbers: &mut Numbers, of: &[&str]| {
            let chosen: Vec<_> = (0..numbers.below(3))
                .map(|_| of[numbers.below(of.len())])
                .collect();
            chosen.join(",")
        };
        let chosen = &frames[numbers.below(frames.len())];
        let frame = numbers.damage(chosen);
        filters::run(filters::Input {
            expression: (0..numbers.below(6)).map(|_| anything(numbers)).collect(),
            ports: &some(numbers, &ports),
            addresses: &some(numbers, &addresses),
            frame: &frame,
        });
    });
}
