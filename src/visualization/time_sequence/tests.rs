//! Sheets by value and as pictures: of transfers made here, segment by segment.

use super::*;
use crate::analyzers::tcp::Flags;
use crate::tracking::{ConnectionTracker, Segment};
use crate::utils::addressing::Endpoint;
use crate::utils::seq::Seq;
use crate::utils::time::NANOS_PER_MILLI;
use crate::visualization::chart::braille::{Braille, TEXT_HEIGHT};
use crate::visualization::chart::file::{png, svg};
use crate::visualization::chart::sheet::{Size, check};
use crate::visualization::marks::MarkKind;
use crate::visualization::trace::Window;
use plotters::backend::SVGBackend;
use std::borrow::Cow;

/// A conversation that is tracked and traced.
struct Conversation {
    tracker: ConnectionTracker,
    trace: ConnectionTrace,
    window: Window,
    frame: u64,
    time: i64,
}

const CLIENT: u32 = 1_000;
const SERVER: u32 = 5_000;

impl Conversation {
    fn new() -> Self {
        Self {
            tracker: ConnectionTracker::new(10),
            trace: ConnectionTrace::default(),
            window: Window::default(),
            frame: 0,
            time: 0,
        }
    }

    /// A segment `wait` milliseconds behind the one before it; numbers are relative to the sender's first.
    fn segment(
        &mut self,
        from_client: bool,
        flags: Flags,
        seq: u32,
        ack: u32,
        len: u32,
        wait: i64,
    ) {
        self.frame += 1;
        self.time += wait * NANOS_PER_MILLI;
        let endpoint = |last, port| Endpoint::new([10, 0, 0, last].into(), port);
        let (client, server) = (endpoint(1, 40_000), endpoint(2, 80));
        let (sender, receiver, own, other) = if from_client {
            (client, server, CLIENT, SERVER)
        } else {
            (server, client, SERVER, CLIENT)
        };
        let segment = Segment {
            frame: self.frame,
            time: Timestamp::from_nanos(self.time),
            wire_len: 54 + len,
            seq: Seq(own).plus(seq),
            ack: Seq(other).plus(ack),
            flags,
            window: 60_000,
            payload_len: len,
            ..Segment::example()
        };
        let event = self.tracker.observe(sender, receiver, &segment);
        self.trace.observe(&event, self.window);
    }

    fn handshake(&mut self) {
        self.segment(true, Flags::SYN, 0, 0, 0, 0);
        self.segment(false, Flags::SYN.with(Flags::ACK), 0, 1, 0, 20);
        self.segment(true, Flags::ACK, 1, 1, 0, 0);
    }

    /// So many segments of 1000 octets from the client, each acknowledged 20 ms later; every hundredth is sent again by a timeout.
    fn transfer(&mut self, segments: u32) {
        for at in 0..segments {
            let seq = 1 + at * 1000;
            self.segment(true, Flags::ACK, seq, 1, 1000, 1);
            if at % 100 == 99 {
                self.segment(true, Flags::ACK, seq, 1, 1000, 300);
            }
            self.segment(false, Flags::ACK, 1, seq + 1000, 0, 20);
        }
    }

    fn close(&mut self, seq: u32) {
        self.segment(true, Flags::FIN.with(Flags::ACK), seq, 1, 0, 1);
        self.segment(false, Flags::FIN.with(Flags::ACK), 1, seq + 1, 0, 20);
        self.segment(true, Flags::ACK, seq + 1, 2, 0, 0);
    }

    fn sheet(&self) -> TimeSequence<'_> {
        let Some(Cow::Borrowed(connection)) = self.tracker.all().next() else {
            panic!("a connection of more than a SYN");
        };
        TimeSequence {
            connection,
            trace: &self.trace,
            begin: Timestamp::from_nanos(0),
            asked: (None, None),
        }
    }
}

fn transferred(segments: u32) -> Conversation {
    let mut conversation = Conversation::new();
    conversation.handshake();
    conversation.transfer(segments);
    conversation.close(1 + segments * 1000);
    conversation
}

#[test]
fn every_text_of_a_sheet_is_readable_at_every_size() {
    for segments in [0, 1, 30, 500] {
        let conversation = transferred(segments);
        for (width, height) in [(400, 300), (800, 600), (1600, 1000), (4000, 2500)] {
            let mut text = String::new();
            let mut sheet =
                Sheet::new(SVGBackend::with_string(&mut text, (width, height))).unwrap();
            conversation.sheet().draw(&mut sheet).unwrap();
            check::texts_are_readable(&sheet);
        }
    }
}

#[test]
fn a_sheet_names_what_it_shows() {
    let conversation = transferred(300);
    let text = svg(Size::default(), &conversation.sheet()).unwrap();
    for word in [
        "10.0.0.1:40000",
        "10.0.0.2:80",
        "(http)",
        "3 retransmissions (3 rto)",
        "timeout (RTO) (3)",
        "Sequence numbers, client → server",
        "Bytes in flight",
        "Round trip from here to the server and back",
        "Throughput",
        "200 kB",
        "SYN",
        "FIN",
    ] {
        assert!(text.contains(word), "{word} is missing");
    }
    assert!(
        !text.contains("fast retransmission"),
        "the legend lists only what occurs"
    );
}

#[test]
fn a_png_opens_and_is_not_blank() {
    let conversation = transferred(50);
    let size = Size {
        width: 800,
        height: 600,
    };
    let bytes = png(size, &conversation.sheet()).unwrap();
    let mut reader = ::png::Decoder::new(std::io::Cursor::new(bytes))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (800, 600));
    let inked = pixels
        .chunks(3)
        .filter(|pixel| pixel.iter().any(|&value| value < 0xe0))
        .count();
    assert!(inked > 800 * 600 / 100, "{inked} pixels are inked");
}

#[test]
fn no_mark_of_a_long_transfer_is_lost() {
    let conversation = transferred(100_000);
    let flow = &conversation.trace.flows.0[0];
    let repeats: u64 = MarkKind::all()
        .filter(|kind| matches!(kind, MarkKind::Retransmission(_)))
        .map(|kind| flow.count(kind))
        .sum();
    assert_eq!(repeats, 1000);
    assert!(conversation.trace.memory() < 4_000_000);
    assert_eq!(flow.payload.total(), 100_000 * 1000 + 1000 * 1000);
    assert_eq!(flow.delivered.total(), 100_000 * 1000);
}

#[test]
fn a_window_of_time_keeps_where_the_lines_come_from() {
    let mut conversation = Conversation::new();
    conversation.window.from = Timestamp::from_nanos(1000 * NANOS_PER_MILLI);
    conversation.handshake();
    conversation.transfer(99);
    let flow = &conversation.trace.flows.0[0];
    let (time, first) = flow.acknowledged.values.samples()[0];
    assert_eq!(time, conversation.window.from);
    assert!(
        first.first > 1,
        "the line begins where it was before the window"
    );
    assert!(
        flow.segments
            .samples()
            .iter()
            .all(|(time, _)| *time >= conversation.window.from)
    );
}

#[test]
fn bytes_in_flight_fall_when_they_are_acknowledged() {
    let conversation = transferred(10);
    let values = conversation.trace.flows.0[0].in_flight.values.samples();
    let (highest, last) = (
        values.iter().map(|(_, value)| value.high).max(),
        values.last().unwrap().1.last,
    );
    assert_eq!((highest, last), (Some(1000), 0));
}

#[test]
fn the_terminal_shows_the_same() {
    let conversation = transferred(40);
    let mut picture = Braille::new(80, 34);
    let mut sheet = Sheet::with_unit(&mut picture, TEXT_HEIGHT).unwrap();
    conversation.sheet().draw(&mut sheet).unwrap();
    check::texts_are_readable(&sheet);
    sheet.finish().unwrap();
    let mut text = Vec::new();
    picture.write(false, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("Connection 0: 10.0.0.1:40000"));
    assert!(
        text.chars()
            .filter(|c| ('\u{2801}'..='\u{28ff}').contains(c))
            .count()
            > 100
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80));
}
