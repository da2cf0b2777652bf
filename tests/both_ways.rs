//! Most segments are expected, and take a short way through the tracking. What comes out must be what comes out when every segment
//! takes the long one, past the judge: for each segment and, at the end, for each connection, figure by figure.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::fixture;
use tcp_monitor::analyzers::decode;
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::tracking::{ConnectionTracker, Event, Segment};
use tcp_monitor::utils::addressing::Endpoint;

fn said(event: &Event<'_>) -> String {
    let numbers = (event.relative_seq(), event.relative_ack());
    let places = (event.offset(), event.ack_offset(), event.window());
    let before = (event.states_before(), event.hops_before());
    let measured = (event.in_flight(), event.rtt());
    let verdicts = event.judgement.verdicts;
    let states = event.connection.states;
    format!("{numbers:?} {places:?} {before:?} {measured:?} {verdicts:?} {states:?}")
}

/// The segments of a capture with their ends.
fn segments(path: &Path) -> Vec<(Endpoint, Endpoint, Segment)> {
    let mut segments = Vec::new();
    let Ok(mut source) = PcapReader::open(path) else {
        return segments;
    };
    loop {
        match source.next().unwrap() {
            Next::End(_) => return segments,
            Next::Frame(frame) => segments.extend(Segment::of(&frame, &decode(&frame))),
            _ => {}
        }
    }
}

fn captures() -> impl Iterator<Item = PathBuf> {
    ["", "built", "truth"]
        .into_iter()
        .flat_map(|directory| fs::read_dir(fixture(directory)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
}

#[test]
fn the_short_way_and_the_long_one_come_to_the_same() {
    let mut all = 0;
    for path in captures() {
        for measures in [true, false] {
            let (mut short, mut long) =
                (ConnectionTracker::new(1000), ConnectionTracker::new(1000));
            long.judge_all();
            if !measures {
                short.leave_out_measurements();
                long.leave_out_measurements();
            }
            for (sender, receiver, segment) in segments(&path) {
                all += 1;
                let quickly = said(&short.observe(sender, receiver, &segment));
                let slowly = said(&long.observe(sender, receiver, &segment));
                let place = format!("{} frame {}", path.display(), segment.frame);
                assert_eq!(quickly, slowly, "{place}");
            }
            for (short, long) in short.all().zip(long.all()) {
                assert_eq!(format!("{short:#?}"), format!("{long:#?}"), "{path:?}");
            }
            assert_eq!(short.total(), long.total());
        }
    }
    assert!(all > 10_000, "{all} segments");
}
