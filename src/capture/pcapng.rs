//! pcapng (draft-ietf-opsawg-pcapng): a row of blocks. Sections of either byte order, interfaces of any link type and time
//! resolution, enhanced, simple and obsolete packet blocks, drop counters of interface statistics, names of addresses, comments; all
//! other blocks are skipped.
//!
//! Own code instead of the crate `pcap-parser`: that one builds a list of options for every packet block, hands out whole blocks
//! only (so a block that claims 4 GB would have to be held), and leaves time resolutions to its user. Here a frame is delivered as
//! soon as its bytes are there; what follows it in the block is skipped unheld.

use super::buffer::{Buffer, Filled};
use super::bytes::ByteOrder;
use super::classic_pcap::LARGEST_FRAME;
use super::described::Described;
use super::pcap_reader::{Record, Step, Stop};
use super::pcapng_options::Options;
use super::places::Places;
use super::{Drops, Interface, Resolution, SourceInfo};
use crate::analyzers::LinkType;
use crate::utils::time::Timestamp;
use std::net::IpAddr;

/// How a file begins: the section header's type is the same in both byte orders.
pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// What Wireshark shows among the frames and counts with them, though no network had it: systemd journal entries, custom blocks,
/// and system calls.
const COUNTED: [u32; 7] = [9, 0xbad, 0x4000_0bad, 0x204, 0x208, 0x216, 0x221];

const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
/// Type and length, and the length once more at the end: no block is shorter.
const SMALLEST_BLOCK: u32 = 12;
/// How much of a block that describes something is looked at. Its options rarely fill a kilobyte.
const DESCRIPTION_LIMIT: u32 = 1024 * 1024;
/// Bytes kept of an interface's name and description, and of a host's name.
const TEXT_LIMIT: usize = 256;
/// Comments that are kept of the capture as a whole, and of a frame.
const COMMENT_LIMIT: usize = 100;
/// Bytes kept of a comment.
const COMMENT_LENGTH: usize = 4096;
/// Names of addresses that are kept.
pub(super) const NAME_LIMIT: usize = 10_000;
/// Bytes of a frame's options that are looked at.
const PACKET_OPTIONS_LIMIT: u32 = 64 * 1024;
/// Code and length of an option.
const SHORTEST_OPTION: u32 = 4;

/// The reader of one pcapng file.
pub(super) struct Pcapng {
    order: ByteOrder,
    /// The first interface of this section among all of the file.
    first_interface: usize,
    /// The length that must stand once more at the end of the block whose frame was just delivered.
    closing_length: Option<u32>,
    /// The latest time seen, for simple packet blocks, which have none.
    latest: Timestamp,
    has_untimed_frames: bool,
    /// The interfaces so far.
    described: Described,
    /// Where the names of addresses stand among those that are kept.
    names: Places,
    /// A record whose comments were delivered first.
    held: Option<Record>,
}

/// Leaves the function with a step, unless the bytes are there.
macro_rules! fill {
    ($buffer:expr, $count:expr, $what:expr) => {
        match $buffer.fill($count) {
            Filled::Ready => {}
            other => return Step::unfilled(other, $what),
        }
    };
}

impl Pcapng {
    pub(super) fn new() -> Self {
        Self {
            order: ByteOrder::Little,
            first_interface: 0,
            closing_length: None,
            latest: Timestamp::default(),
            has_untimed_frames: false,
            described: Described::default(),
            names: Places::default(),
            held: None,
        }
    }

    /// The next frame or interface. Other blocks give [`Step::Nothing`].
    #[inline]
    pub(super) fn next(&mut self, buffer: &mut Buffer, info: &mut SourceInfo) -> Step {
        if let Some(record) = self.held.take() {
            return Step::Record(record);
        }
        if let Some(length) = self.closing_length {
            fill!(buffer, 4, "a block");
            let again = self.order.u32_at(buffer.window(), 0);
            if again != length {
                return Step::damaged(format!(
                    "a block of {length} bytes ends with the length {again}"
                ));
            }
            buffer.consume(4);
            self.closing_length = None;
        }
        match buffer.fill(SMALLEST_BLOCK as usize) {
            Filled::Ready => {}
            Filled::End if buffer.is_between_records() => return Step::Stop(Stop::Finished),
            other => return Step::unfilled(other, "a block header"),
        }
        let kind = self.order.u32_at(buffer.window(), 0);
        if kind == SECTION_HEADER {
            return self.section_header(buffer, info);
        }
        let length = self.order.u32_at(buffer.window(), 4);
        if let Some(damage) = impossible_block(length, SMALLEST_BLOCK) {
            return damage;
        }
        match kind {
            ENHANCED_PACKET | OBSOLETE_PACKET => self.packet(buffer, info, kind, length),
            SIMPLE_PACKET => self.simple_packet(buffer, info, length),
            INTERFACE_DESCRIPTION => self.interface_description(buffer, info, length),
            INTERFACE_STATISTICS => self.interface_statistics(buffer, info, length),
            NAME_RESOLUTION => self.name_resolution(buffer, info, length),
            _ => {
                self.close(buffer, length, 0);
                if COUNTED.contains(&kind) {
                    Step::Foreign
                } else {
                    Step::Nothing
                }
            }
        }
    }

    /// Gives up the rest of a block of which `consumed` bytes are consumed, and remembers to check its end.
    ///
    /// Blocks end at a multiple of four bytes; old writers (ntar) gave the length without this padding.
    #[inline]
    fn close(&mut self, buffer: &mut Buffer, length: u32, consumed: u32) {
        let whole = u64::from(length).next_multiple_of(4);
        let skipped = whole.saturating_sub(consumed.into()).saturating_sub(4);
        buffer.skip(skipped);
        // Nearly always the end is here already.
        match buffer.window().first_chunk::<4>() {
            Some(again) if self.order.u32(*again) == length => drop(buffer.consume(4)),
            _ => self.closing_length = Some(length),
        }
    }

    /// A section header decides the byte order, its own included.
    pub(super) fn section_header(&mut self, buffer: &mut Buffer, info: &mut SourceInfo) -> Step {
        fill!(buffer, 16, "a section header");
        let window = buffer.window();
        let orders = [ByteOrder::Little, ByteOrder::Big];
        let Some(order) = orders
            .into_iter()
            .find(|order| order.u32_at(window, 8) == BYTE_ORDER_MAGIC)
        else {
            return Step::damaged("a section header has no byte order mark".to_owned());
        };
        let (major, minor) = (order.u16_at(window, 12), order.u16_at(window, 14));
        if major != 1 {
            return Step::damaged(format!(
                "a section is of pcapng version {major}.{minor}, and only 1.x is known"
            ));
        }
        let length = order.u32_at(window, 4);
        if let Some(damage) = impossible_block(length, 28) {
            return damage;
        }
        let held = length.saturating_sub(4).min(DESCRIPTION_LIMIT);
        fill!(buffer, held as usize, "a section header");
        self.order = order;
        self.first_interface = info.interfaces.len();
        let block = buffer.window().get(..held as usize).unwrap_or_default();
        let options = Options::new(order, block.get(24..).unwrap_or_default());
        keep_comments(&mut info.comments, options);
        buffer.consume(held as usize);
        self.close(buffer, length, held);
        Step::Nothing
    }

    /// An enhanced or obsolete packet block: they differ in how the interface is written.
    #[inline]
    fn packet(&mut self, buffer: &mut Buffer, info: &SourceInfo, kind: u32, length: u32) -> Step {
        const HEADER: u32 = 28;
        if let Some(damage) = impossible_block(length, HEADER + 4) {
            return damage;
        }
        fill!(buffer, HEADER as usize, "a packet block");
        let Some(header) = buffer.window().first_chunk::<28>() else {
            return Step::Idle;
        };
        let number = match kind {
            OBSOLETE_PACKET => self.order.u16_at(header, 8).into(),
            _ => self.order.u32_at(header, 8),
        };
        let units = u64::from(self.order.u32_at(header, 12)) << 32
            | u64::from(self.order.u32_at(header, 16));
        let captured = self.order.u32_at(header, 20);
        let wire = self.order.u32_at(header, 24);
        if captured > LARGEST_FRAME || captured > length.saturating_sub(HEADER + 4) {
            return Step::damaged(format!(
                "a packet block of {length} bytes claims a frame of {captured} bytes"
            ));
        }
        let index = self.first_interface.saturating_add(number as usize);
        let Some(interface) = info.interfaces.get(index) else {
            return self.unknown_interface(info, number);
        };
        fill!(buffer, HEADER.saturating_add(captured) as usize, "a frame");
        buffer.consume(HEADER as usize);
        let time = interface
            .resolution
            .timestamp(units, interface.offset_seconds);
        self.latest = self.latest.max(time);
        let bytes = buffer.consume(captured as usize);
        let mut record = Record {
            time,
            link: interface.link,
            interface: index as u64,
            wire_len: wire.max(captured),
            bytes,
        };
        let described = HEADER.saturating_add(captured).next_multiple_of(4);
        let options = length.saturating_sub(4).saturating_sub(described);
        if options >= SHORTEST_OPTION
            && let Some(comments) = self.comments(buffer, &mut record, options, captured)
        {
            self.close(buffer, length, HEADER.saturating_add(captured));
            self.held = Some(record);
            return Step::Comments(comments);
        }
        self.close(buffer, length, HEADER.saturating_add(captured));
        Step::Record(record)
    }

    /// The comments among the options behind a frame that was just consumed. Bytes that are not there yet are waited for by giving
    /// up on the comments: a frame never waits.
    #[cold]
    fn comments(
        &self,
        buffer: &mut Buffer,
        record: &mut Record,
        options: u32,
        captured: u32,
    ) -> Option<Vec<String>> {
        let padding = (captured.wrapping_neg() % 4) as usize;
        let wanted = padding.saturating_add(options.min(PACKET_OPTIONS_LIMIT) as usize);
        // Reading may move what is in the buffer: the frame is put back for as long.
        buffer.put_back(&record.bytes);
        let whole = record.bytes.len().saturating_add(wanted);
        let is_there = buffer.fill(whole) == Filled::Ready;
        record.bytes = buffer.consume(captured as usize);
        let bytes = buffer.window().get(padding..wanted).filter(|_| is_there)?;
        let mut comments = Vec::new();
        keep_comments(&mut comments, Options::new(self.order, bytes));
        Some(comments).filter(|comments| !comments.is_empty())
    }

    /// A simple packet block: the first interface, no time, and the captured length follows from the others.
    fn simple_packet(&mut self, buffer: &mut Buffer, info: &mut SourceInfo, length: u32) -> Step {
        const HEADER: u32 = 12;
        if let Some(damage) = impossible_block(length, HEADER + 4) {
            return damage;
        }
        let wire = self.order.u32_at(buffer.window(), 8);
        let Some(interface) = info.interfaces.get(self.first_interface) else {
            return self.unknown_interface(info, 0);
        };
        let link = interface.link;
        let snap_length = if interface.snap_length == 0 {
            u32::MAX
        } else {
            interface.snap_length
        };
        let captured = wire.min(snap_length).min(length.saturating_sub(HEADER + 4));
        if captured > LARGEST_FRAME {
            return Step::damaged(format!("a packet block claims a frame of {captured} bytes"));
        }
        fill!(buffer, HEADER.saturating_add(captured) as usize, "a frame");
        if !self.has_untimed_frames {
            self.has_untimed_frames = true;
            info.problems.push("it has frames without a time (simple packet blocks); they were given the latest time before them".into());
        }
        buffer.consume(HEADER as usize);
        let bytes = buffer.consume(captured as usize);
        self.close(buffer, length, HEADER.saturating_add(captured));
        let interface = self.first_interface as u32;
        Step::Record(Record {
            time: self.latest,
            link,
            interface: u64::from(interface),
            wire_len: wire.max(captured),
            bytes,
        })
    }

    fn unknown_interface(&self, info: &SourceInfo, number: u32) -> Step {
        let known = info.interfaces.len().saturating_sub(self.first_interface);
        Step::damaged(format!(
            "a frame is of interface {number}, and its section has described {known}"
        ))
    }

    fn interface_description(
        &mut self,
        buffer: &mut Buffer,
        info: &mut SourceInfo,
        length: u32,
    ) -> Step {
        if let Some(damage) = impossible_block(length, 20) {
            return damage;
        }
        let held = length.saturating_sub(4).min(DESCRIPTION_LIMIT);
        fill!(buffer, held as usize, "an interface description");
        let block = buffer.window().get(..held as usize).unwrap_or_default();
        let link = LinkType(self.order.u16_at(block, 8).into());
        let mut interface =
            Interface::new(link, self.order.u32_at(block, 12), Resolution::MICROSECONDS);
        let options = || Options::new(self.order, block.get(16..).unwrap_or_default());
        keep_comments(&mut info.comments, options());
        for (code, value) in options() {
            match (code, value) {
                (2, text) => interface.name = Some(shortened(text, TEXT_LIMIT)),
                (3, text) => interface.description = Some(shortened(text, TEXT_LIMIT)),
                (9, [octet, ..]) => interface.resolution = Resolution::from_octet(*octet),
                (14, offset) => interface.offset_seconds = self.number(offset) as i64,
                _ => {}
            }
        }
        if let Err(wrong) = self.described.add(&interface) {
            return Step::damaged(format!("it describes {wrong}"));
        }
        let index = info.interfaces.len();
        info.interfaces.push(interface);
        buffer.consume(held as usize);
        self.close(buffer, length, held);
        Step::Interface(index)
    }

    fn interface_statistics(
        &mut self,
        buffer: &mut Buffer,
        info: &mut SourceInfo,
        length: u32,
    ) -> Step {
        if let Some(damage) = impossible_block(length, 24) {
            return damage;
        }
        let held = length.saturating_sub(4).min(DESCRIPTION_LIMIT);
        fill!(buffer, held as usize, "interface statistics");
        let block = buffer.window().get(..held as usize).unwrap_or_default();
        let index = self
            .first_interface
            .saturating_add(self.order.u32_at(block, 8) as usize);
        let mut drops = Drops::default();
        for (code, value) in Options::new(self.order, block.get(20..).unwrap_or_default()) {
            match code {
                5 => drops.interface = self.number(value),
                7 => drops.kernel = self.number(value),
                _ => {}
            }
        }
        // The counters run from the start of the capture: the latest block of an interface says it all.
        if let Some(interface) = info.interfaces.get_mut(index) {
            interface.drops = drops;
        }
        buffer.consume(held as usize);
        self.close(buffer, length, held);
        Step::Nothing
    }

    /// Records of type, length and value padded to four bytes, like options: an address and its names (draft-ietf-opsawg-pcapng
    /// §4.5).
    fn name_resolution(&mut self, buffer: &mut Buffer, info: &mut SourceInfo, length: u32) -> Step {
        let held = length.saturating_sub(4).min(DESCRIPTION_LIMIT);
        fill!(buffer, held as usize, "a name resolution block");
        let block = buffer.window().get(..held as usize).unwrap_or_default();
        for (kind, value) in Options::new(self.order, block.get(8..).unwrap_or_default()) {
            let (address, names) = match (kind, value) {
                (1, [a, b, c, d, names @ ..]) => (IpAddr::from([*a, *b, *c, *d]), names),
                (2, value) => match value.split_first_chunk::<16>() {
                    Some((address, names)) => (IpAddr::from(*address), names),
                    None => continue,
                },
                _ => continue,
            };
            let names = names
                .split(|&byte| byte == 0)
                .filter(|name| !name.is_empty());
            for name in names {
                if info.names.len() < NAME_LIMIT {
                    let pair = (address, shortened(name, TEXT_LIMIT));
                    self.names.place(&mut info.names, pair);
                }
            }
        }
        buffer.consume(held as usize);
        self.close(buffer, length, held);
        Step::Nothing
    }

    /// A 64-bit option value; 0 if it is shorter.
    fn number(&self, value: &[u8]) -> u64 {
        value
            .first_chunk()
            .map_or(0, |bytes| self.order.u64(*bytes))
    }
}

/// The damage that a block length is when it is too short for its kind.
#[inline]
fn impossible_block(length: u32, shortest: u32) -> Option<Step> {
    (length < shortest).then(|| Step::damaged(format!("a block claims a length of {length} bytes")))
}

/// Adds the comments (option 1) to those that are kept.
fn keep_comments(comments: &mut Vec<String>, options: Options<'_>) {
    let texts = options.filter(|(code, _)| *code == 1);
    let room = COMMENT_LIMIT.saturating_sub(comments.len());
    comments.extend(
        texts
            .map(|(_, text)| shortened(text, COMMENT_LENGTH))
            .take(room),
    );
}

/// An option's text, cut behind the last character that ends within what is kept; what is not UTF-8 is replaced, and may be three
/// times as long then.
fn shortened(text: &[u8], limit: usize) -> String {
    // A character that begins within the limit may end three octets behind it.
    let looked_at = text.get(..limit.saturating_add(3)).unwrap_or(text);
    let text = String::from_utf8_lossy(looked_at);
    let kept = text.get(..text.floor_char_boundary(limit));
    kept.unwrap_or_default().trim_end_matches('\0').to_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::pcap_reader::tests::{frames, reader};
    use super::super::{End, Next, Source};
    use super::*;

    /// Numbers in a section's byte order.
    struct Writer(ByteOrder, Vec<u8>);

    impl Writer {
        fn u16s(&self, numbers: &[u16]) -> Vec<u8> {
            let bytes = |n: &u16| {
                if self.0 == ByteOrder::Big {
                    n.to_be_bytes()
                } else {
                    n.to_le_bytes()
                }
            };
            numbers.iter().flat_map(bytes).collect()
        }

        fn u32s(&self, numbers: &[u32]) -> Vec<u8> {
            let bytes = |n: &u32| {
                if self.0 == ByteOrder::Big {
                    n.to_be_bytes()
                } else {
                    n.to_le_bytes()
                }
            };
            numbers.iter().flat_map(bytes).collect()
        }

        fn option(&self, code: u16, value: &[u8]) -> Vec<u8> {
            let mut bytes = [self.u16s(&[code, value.len() as u16]), value.to_vec()].concat();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        }

        fn block(&mut self, kind: u32, parts: &[Vec<u8>]) {
            let mut body = parts.concat();
            body.resize(body.len().next_multiple_of(4), 0);
            let length = self.u32s(&[body.len() as u32 + 12]);
            let block = [self.u32s(&[kind]), length.clone(), body, length].concat();
            self.1.extend(block);
        }

        fn section(&mut self, order: ByteOrder) {
            self.0 = order;
            self.block(
                SECTION_HEADER,
                &[
                    self.u32s(&[BYTE_ORDER_MAGIC]),
                    self.u16s(&[1, 0]),
                    vec![0xff; 8],
                ],
            );
        }

        fn interface(&mut self, link: u16, snap_length: u32, options: &[Vec<u8>]) {
            let fixed = [self.u16s(&[link, 0]), self.u32s(&[snap_length])].concat();
            self.block(INTERFACE_DESCRIPTION, &[fixed, options.concat()]);
        }

        fn enhanced(&mut self, interface: u32, units: u64, wire: u32, bytes: &[u8]) {
            let fixed = self.u32s(&[
                interface,
                (units >> 32) as u32,
                units as u32,
                bytes.len() as u32,
                wire,
            ]);
            let mut padded = bytes.to_vec();
            padded.resize(bytes.len().next_multiple_of(4), 0);
            self.block(
                ENHANCED_PACKET,
                &[fixed, padded, self.option(1, b"a comment")],
            );
        }
    }

    /// Two sections of different byte orders with every kind of block that is read, and one that is not.
    pub(in crate::capture) fn everything() -> Vec<u8> {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        file.interface(
            1,
            0,
            &[
                file.option(2, b"eth0"),
                file.option(3, b"first"),
                file.option(9, &[9]),
            ],
        );
        file.interface(
            101,
            5,
            &[
                file.option(9, &[0x80 | 10]),
                file.option(14, &100u64.to_le_bytes()),
            ],
        );
        file.enhanced(0, 5_000_000_001, 90, b"nanos");
        file.block(0xbad, &[vec![0; 1000]]);
        file.block(0xbad0, &[vec![0; 1000]]);
        file.enhanced(1, 1536, 3, b"two");
        file.block(
            OBSOLETE_PACKET,
            &[
                file.u16s(&[1, 0]),
                file.u32s(&[0, 1024, 3, 3]),
                b"old".to_vec(),
            ],
        );
        file.block(
            INTERFACE_STATISTICS,
            &[file.u32s(&[0, 0, 0]), file.option(5, &7u64.to_le_bytes())],
        );
        file.block(
            INTERFACE_STATISTICS,
            &[
                file.u32s(&[0, 0, 0]),
                file.option(5, &8u64.to_le_bytes()),
                file.option(7, &2u64.to_le_bytes()),
            ],
        );
        file.section(ByteOrder::Big);
        file.interface(113, 4, &[]);
        file.block(SIMPLE_PACKET, &[file.u32s(&[60]), b"simp".to_vec()]);
        file.enhanced(0, 1, 3, b"end");
        file.1
    }

    #[test]
    fn sections_interfaces_and_every_packet_block() {
        let (got, end) = frames(&everything());
        assert_eq!(end, End::Finished);
        let told: Vec<_> = got
            .iter()
            .map(|f| (f.interface, f.link.0, f.nanos, f.wire_len, &f.bytes[..]))
            .collect();
        assert_eq!(
            told,
            [
                (0, 1, 5_000_000_001, 90, &b"nanos"[..]),
                (1, 101, 101_500_000_000, 3, b"two"),
                (1, 101, 101_000_000_000, 3, b"old"),
                (2, 113, 101_500_000_000, 60, b"simp"),
                (2, 113, 1000, 3, b"end"),
            ]
        );
    }

    #[test]
    fn interfaces_and_drops_are_told() {
        let mut reader = reader(&everything()).unwrap();
        while !matches!(reader.next().unwrap(), Next::End(_)) {}
        assert_eq!(
            reader.drops(),
            Drops {
                kernel: 2,
                interface: 8
            }
        );
        let info = reader.describe();
        assert_eq!(info.interfaces[0].name.as_deref(), Some("eth0"));
        assert_eq!(info.interfaces[0].description.as_deref(), Some("first"));
        assert_eq!(info.interfaces[1].resolution, Resolution::Binary(10));
        assert_eq!(info.problems.len(), 1);
        assert_eq!((info.snap_length(), info.link_types().len()), (None, 3));
    }

    #[test]
    fn comments_and_names_are_told() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        let header = [
            file.u32s(&[BYTE_ORDER_MAGIC]),
            file.u16s(&[1, 0]),
            vec![0xff; 8],
        ];
        let said = file.option(1, b"about the whole");
        file.block(SECTION_HEADER, &[header.concat(), said]);
        file.interface(1, 0, &[file.option(1, b"about eth0")]);
        let v4 = file.option(1, b"\xc0\x00\x02\x01one\0two\0");
        let v6 = file.option(2, &[&[0; 15][..], &[1], b"self\0"].concat());
        let short = file.option(1, &[1, 2, 3]);
        file.block(NAME_RESOLUTION, &[short, v4, v6, vec![0; 4]]);
        file.enhanced(0, 0, 3, b"abc");
        let mut reader = reader(&file.1).unwrap();
        let mut told = Vec::new();
        loop {
            match reader.next().unwrap() {
                Next::Comments(comments) => told.extend(comments),
                Next::Frame(frame) => told.push(String::from_utf8_lossy(frame.bytes).into()),
                Next::End(end) => break assert_eq!(end, End::Finished),
                _ => {}
            }
        }
        assert_eq!(told, ["a comment", "abc"]);
        let info = reader.describe();
        assert_eq!(info.comments, ["about the whole", "about eth0"]);
        let names: Vec<_> = info
            .names
            .iter()
            .map(|(address, name)| format!("{address} {name}"))
            .collect();
        assert_eq!(names, ["192.0.2.1 one", "192.0.2.1 two", "::1 self"]);
    }

    #[test]
    fn cut_anywhere_it_ends() {
        let whole = everything();
        let mut most = 0;
        for cut in 28..whole.len() {
            let (got, _) = frames(&whole[..cut]);
            assert!(got.len() >= most);
            most = got.len();
        }
        assert_eq!(most, 5);
    }

    #[test]
    fn numbers_are_those_of_wireshark_which_counts_custom_blocks() {
        let mut reader = reader(&everything()).unwrap();
        let mut numbers = Vec::new();
        loop {
            match reader.next().unwrap() {
                Next::Frame(frame) => numbers.push(frame.number),
                Next::End(_) => break,
                _ => {}
            }
        }
        assert_eq!(numbers, [1, 3, 4, 5, 6]);
    }

    #[test]
    fn a_length_without_the_padding_is_what_old_writers_gave() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        file.interface(1, 0, &[]);
        for _ in 0..2 {
            let block = [
                file.u32s(&[2, 35, 0, 0, 0, 3, 3]),
                b"odd\0".to_vec(),
                file.u32s(&[35]),
            ]
            .concat();
            file.1.extend(block);
        }
        let (got, end) = frames(&file.1);
        assert_eq!((got.len(), end), (2, End::Finished));
        assert_eq!(got[1].bytes, b"odd");
    }

    fn damage(build: impl Fn(&mut Writer)) -> String {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        file.interface(1, 0, &[]);
        file.enhanced(0, 0, 4, b"good");
        build(&mut file);
        let (got, end) = frames(&file.1);
        assert_eq!(got.len(), 1);
        assert!(matches!(end, End::Damaged(_)));
        end.warning().unwrap().to_owned()
    }

    #[test]
    fn damage_says_what_and_where() {
        let unknown = damage(|file| file.enhanced(1, 0, 0, b""));
        assert_eq!(
            unknown,
            "test.pcap is damaged after frame 1 and was read up to there: a frame is of interface 1, and its section has described 1"
        );
        assert!(damage(|file| file.1.extend(file.u32s(&[9, 8, 8]))).contains("length of 8 bytes"));
        assert!(
            damage(|file| file.1.extend(file.u32s(&[9, 12, 16])))
                .contains("ends with the length 16")
        );
        assert!(
            damage(|file| file
                .1
                .extend(file.u32s(&[6, 32, 0, 0, 0, 65536, 65536, 32])))
            .contains("65536 bytes")
        );
        assert!(
            damage(|file| file.block(SECTION_HEADER, &[vec![1; 16]])).contains("byte order mark")
        );
    }

    #[test]
    fn a_block_that_claims_four_gigabytes_is_not_held() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        file.1.extend(file.u32s(&[0xbad, 0xffff_fff0, 1, 2]));
        assert!(matches!(frames(&file.1).1, End::Truncated(_)));
    }

    #[test]
    fn too_many_interfaces_are_damage() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        for _ in 0..=262_144 {
            file.1.extend(file.u32s(&[1, 20, 1, 0, 20]));
        }
        assert!(
            frames(&file.1)
                .1
                .warning()
                .unwrap()
                .contains("more than 262144 interfaces")
        );
    }

    #[test]
    fn texts_are_cut_behind_whole_characters_and_what_replaces_others() {
        assert_eq!(shortened(b"eth0\0\0", 4), "eth0");
        assert_eq!(shortened(&[0xff; 256], 256), "\u{fffd}".repeat(85));
        assert_eq!(shortened("äöü€".as_bytes(), 9), "äöü€");
        assert_eq!(shortened("äöü€".as_bytes(), 8), "äöü");
        assert_eq!(shortened("äöü€!".as_bytes(), 7), "äöü");
    }

    #[test]
    fn interfaces_with_too_much_text_are_damage() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        let texts = [file.option(2, &[0xff; 256]), file.option(3, &[b'd'; 257])];
        for _ in 0..30_000 {
            file.interface(1, 0, &texts);
        }
        let mut reader = reader(&file.1).unwrap();
        let end = loop {
            if let Next::End(end) = reader.next().unwrap() {
                break end;
            }
        };
        assert!(end.warning().unwrap().ends_with("octets together"));
        let interfaces = &reader.describe().interfaces;
        assert_eq!(interfaces.len(), (8 << 20) / (255 + 256));
    }

    #[test]
    fn a_name_is_kept_once_and_ten_thousand_at_most() {
        let mut file = Writer(ByteOrder::Little, Vec::new());
        file.section(ByteOrder::Little);
        for n in 0..11_000 {
            let name = format!("\n\0\0\u{1}{n}\0");
            let record = file.option(1, name.as_bytes());
            file.block(NAME_RESOLUTION, &[record.clone(), record, vec![0; 4]]);
        }
        let mut reader = reader(&file.1).unwrap();
        while !matches!(reader.next().unwrap(), Next::End(_)) {}
        let names = &reader.describe().names;
        assert_eq!(names.len(), NAME_LIMIT);
        assert_eq!(names.last().unwrap().1, "9999");
    }
}
