//! What the fuzz targets have in common.

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
    /// What shows results.
    pub outputs: Vec<Box<dyn Output>>,
    /// What they printed.
    pub printed: Vec<u8>,
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
            outputs,
            printed: Vec::new(),
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
        for output in &mut self.outputs {
            output
                .packet(&seen, &mut self.printed)
                .expect("memory takes it");
        }
        for connection in self.tracker.take_evicted() {
            for output in &mut self.outputs {
                let closed = output.closed(&connection, &self.summary, &mut self.printed);
                closed.expect("memory takes it");
            }
        }
    }

    /// Ends the capture. Returns what was printed, in which no control character may stand.
    pub fn finish(mut self) -> String {
        for output in &mut self.outputs {
            let finished = output.finish(&self.tracker, &self.summary, &mut self.printed);
            finished.expect("memory takes it");
        }
        let text = String::from_utf8(self.printed).expect("UTF-8");
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
        text
    }
}
