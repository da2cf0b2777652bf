//! What the fuzz targets have in common.

pub mod json;

use std::path::PathBuf;
use tcp_monitor::analyzers::icmp_error::IcmpError;
use tcp_monitor::analyzers::{Frame, LinkType, decode};
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::tracking::wireshark::WiresharkView;
use tcp_monitor::tracking::{ConnectionTracker, LOOK_AHEAD, Located};
use tcp_monitor::utils::time::Timestamp;
use tcp_monitor::visualization::style::Style;
use tcp_monitor::visualization::{Output, Seen, Summary};

/// The link types that are taken apart, and one that is not.
pub const LINKS: [LinkType; 18] = [
    LinkType::ETHERNET,
    LinkType::NULL,
    LinkType::LOOP,
    LinkType::RAW,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL,
    LinkType::LINUX_SLL2,
    LinkType::PPP,
    LinkType::PPP_SERIAL,
    LinkType::PPP_ETHER,
    LinkType::CISCO_HDLC,
    LinkType::FDDI,
    LinkType::IEEE802_11,
    LinkType::RADIOTAP,
    LinkType::NFLOG,
    LinkType::INFINIBAND,
    LinkType(147),
];

/// How text is shown: without colour, so that no control character is the program's own.
pub const STYLE: Style = Style {
    color: false,
    width: Some(80),
};

/// A frame of an input's bytes: the first tells the link type, the second how much longer it was on the wire.
pub fn frame(input: &[u8]) -> Option<Frame<'_>> {
    let (&[link, cut], bytes) = input.split_first_chunk()?;
    Some(Frame {
        number: 1,
        time: Timestamp::from_nanos(1),
        link: LINKS[usize::from(link) % LINKS.len()],
        interface: 0,
        wire_len: bytes.len() as u32 + u32::from(cut) * 8,
        bytes,
    })
}

/// A file in memory with these bytes; one per process.
pub fn file(bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(format!("/dev/shm/tcp-monitor-fuzz-{}", std::process::id()));
    std::fs::write(&path, bytes).expect("/dev/shm can be written");
    path
}

/// The link of a frame and everything else that outputs need of it, handed out one after the other until the capture ends.
pub fn each_frame(bytes: &[u8], mut take: impl FnMut(&Frame<'_>)) {
    let Ok(mut source) = PcapReader::open(&file(bytes)) else {
        return;
    };
    loop {
        match source.next().expect("damage is an end, not an error") {
            Next::End(_) => break,
            Next::Frame(frame) => take(&frame),
            Next::Interface(_) | Next::Comments(_) | Next::Idle => {}
        }
    }
    let _ = (
        source.describe().link_types(),
        source.drops(),
        source.progress(),
    );
}

/// The second half of the program's loop, for one frame after the other.
pub struct Follow {
    tracker: ConnectionTracker,
    summary: Summary,
    /// What shows results, each with what it printed.
    outputs: Vec<(Box<dyn Output>, Vec<u8>)>,
}

impl Follow {
    /// With room for so many connections.
    pub fn new(connections: usize, outputs: Vec<Box<dyn Output>>) -> Self {
        Self {
            tracker: ConnectionTracker::new(connections),
            summary: Summary {
                wireshark: Some(WiresharkView::default()),
                ..Summary::default()
            },
            outputs: outputs
                .into_iter()
                .map(|output| (output, Vec::new()))
                .collect(),
        }
    }

    /// Decodes, tracks, judges and shows a frame.
    pub fn take(&mut self, frame: &Frame<'_>) {
        let packet = decode(frame);
        self.summary.totals.add(frame, &packet);
        let located = Located::of(frame, &packet, &self.tracker.hasher());
        let ahead = self.tracker.look_ahead(located.iter());
        assert!(ahead.len() <= LOOK_AHEAD);
        let ahead = ahead.first().copied().flatten();
        let quotes = IcmpError::of(&packet).and_then(|error| {
            self.tracker
                .note_icmp_error(frame.number, frame.time, &error)
        });
        if located.is_none() {
            self.summary.udp.observe(frame, &packet);
        }
        let event = located.as_ref().map(|located| {
            self.tracker
                .observe_located(located, ahead, packet.tcp_payload())
        });
        let view = self.summary.wireshark.as_mut().zip(event.as_ref());
        let wireshark = view.map(|(view, event)| view.observe(event));
        let seen = Seen {
            quotes,
            frame,
            packet: &packet,
            event: event.as_ref(),
            wireshark: wireshark.as_ref(),
            comments: &[],
            interface: None,
            interface_of_several: None,
            since_start: frame
                .time
                .since(self.summary.totals.first.unwrap_or_default()),
        };
        for (output, printed) in &mut self.outputs {
            output.packet(&seen, printed).expect("memory takes it");
        }
        for connection in self.tracker.take_evicted() {
            for (output, printed) in &mut self.outputs {
                let closed = output.closed(&connection, &self.summary, printed);
                closed.expect("memory takes it");
            }
        }
    }

    /// Ends the capture. Returns what each output printed, in which no control character may stand.
    pub fn finish(self) -> Vec<String> {
        let (tracker, summary) = (&self.tracker, &self.summary);
        let texts = self.outputs.into_iter().map(|(mut output, mut printed)| {
            let finished = output.finish(tracker, summary, &mut printed);
            finished.expect("memory takes it");
            let text = String::from_utf8(printed).expect("UTF-8");
            assert!(!has_controls(text.as_bytes()), "{text:?}");
            text
        });
        texts.collect()
    }
}

/// Whether a control character stands in UTF-8 text, other than the end of a line: U+0000 to U+001F, U+007F to U+009F. Looks at
/// many octets at once: the fuzzer keeps account of each comparison, and one for each character took half of its time.
fn has_controls(text: &[u8]) -> bool {
    let single = |octet: u8| (octet < b' ') & (octet != b'\n') | (octet == 0x7f);
    let double = |first: u8, second: u8| (first == 0xc2) & (second < 0xa0);
    let pairs = text.iter().zip(text.iter().skip(1));
    text.iter().fold(false, |any, &octet| any | single(octet))
        | pairs.fold(false, |any, (&first, &second)| any | double(first, second))
}

#[test]
fn controls_are_found() {
    for code in 0..0x3000 {
        let c = char::from_u32(code).expect("no surrogate");
        for text in [format!("{c}"), format!("{}{c}ä{0}", "aé".repeat(40))] {
            assert_eq!(
                has_controls(text.as_bytes()),
                c.is_control() && c != '\n',
                "{text:?}"
            );
        }
    }
}
