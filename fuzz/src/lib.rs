//! What the fuzz targets have in common.

pub mod follow;
pub mod json;
pub mod targets;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tcp_monitor::analyzers::{Frame, LinkType};
use tcp_monitor::capture::pcap_reader::PcapReader;
use tcp_monitor::capture::{Next, Source};
use tcp_monitor::utils::time::Timestamp;
use tcp_monitor::visualization::style::Style;

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

/// A capture file with these bytes, if it is one. It stands in memory, without a name once it is open.
pub fn open(bytes: &[u8]) -> Option<PcapReader> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(format!(
        "/dev/shm/tcp-monitor-fuzz-{}-{number}",
        std::process::id()
    ));
    std::fs::write(&path, bytes).expect("/dev/shm can be written");
    let source = PcapReader::open(&path);
    std::fs::remove_file(&path).expect("it was written");
    source.ok()
}

/// The frames of a capture as inputs of the target `decode`.
pub fn frames(capture: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    each_frame(capture, |frame| {
        if let Some(link) = LINKS.iter().position(|link| *link == frame.link) {
            frames.push([&[link as u8, 0], frame.bytes].concat());
        }
    });
    frames
}

/// Hands out the frames of a capture file one after the other until it ends.
pub fn each_frame(bytes: &[u8], mut take: impl FnMut(&Frame<'_>)) {
    let Some(mut source) = open(bytes) else {
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

/// Whether a control character stands in UTF-8 text, other than the end of a line: U+0000 to U+001F, U+007F to U+009F. Looks at
/// many octets at once: the fuzzer keeps account of each comparison, and one for each character took half of its time.
pub fn has_controls(text: &[u8]) -> bool {
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
