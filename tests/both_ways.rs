//! What is kept or done in a short form must not show. Most segments are expected, and take a short way through the tracking. What comes out must be what comes out when every segment
//! takes the long one, past the judge: for each segment and, at the end, for each connection, figure by figure. Connections that are
//! over are kept as what the report shows of them, which must be what it would show of the whole ones.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::fixture;
use tcp_monitor::analyzers::decode;
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::tracking::glance::Glance;
use tcp_monitor::tracking::{Connection, ConnectionTracker, Direction, Event, Segment};
use tcp_monitor::utils::addressing::Endpoint;
use tcp_monitor::utils::time::{NANOS_PER_SECOND, Timestamp};

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

/// All that the table shows of a connection, and more.
fn shown(connection: &Connection, now: Timestamp) -> String {
    let ends = (connection.client, connection.server, connection.role_source);
    let times = (connection.first_frame, connection.start, connection.last);
    let states = (connection.summary_state(now), connection.ending);
    let waits = connection.time_to_first_byte();
    let waits = waits.map(|figures| figures.median);
    let words = connection.application.as_ref();
    let words = words.map(|application| &application.first_bytes.said);
    let sides = Direction::BOTH.map(|way| {
        let counts = &connection.flow(way).counts;
        let verdicts: Vec<_> = counts.verdicts().iter().collect();
        let stream = &connection.flow(way).stream;
        let places = (stream.base(), stream.end, stream.acknowledged, stream.fin);
        (connection.throughput(way), verdicts, places)
    });
    let glance = Glance::of(connection);
    let id = connection.id;
    format!("{id} {ends:?} {times:?} {states:?} {waits:?} {words:?} {sides:?} {glance:?}")
}

#[test]
fn what_is_over_is_shown_as_if_it_were_whole() {
    let mut all = 0;
    for path in captures() {
        let segments = segments(&path);
        let Some(latest) = segments.iter().map(|(.., segment)| segment.time).max() else {
            continue;
        };
        let mut tracker = ConnectionTracker::new(100_000);
        tracker.leave_out_measurements();
        for (sender, receiver, segment) in &segments {
            tracker.observe(*sender, *receiver, segment);
        }
        let now = latest.plus(120 * NANOS_PER_SECOND);
        let before: Vec<_> = tracker.all().map(|one| shown(&one, now)).collect();
        let number = tracker.kept();
        // Others begin long after: two that closed are looked at for each.
        for port in 0..number as u16 {
            let [client, server] =
                [1, 2].map(|host| Endpoint::new([198, 18, 0, host].into(), port));
            let mut syn = segments[0].2;
            (syn.time, syn.flags) = (now, tcp_monitor::analyzers::tcp::Flags::SYN);
            tracker.observe(client, server, &syn);
        }
        let after: Vec<_> = tracker
            .all()
            .take(number)
            .map(|one| shown(&one, now))
            .collect();
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "{}", path.display());
        }
        all += tracker.memory().over;
        let glances = tracker.glances();
        for (key, glance) in glances {
            assert_eq!(glance, Glance::of(&tracker.connection(key)));
        }
    }
    assert!(all > 100, "{all} connections were over");
}
