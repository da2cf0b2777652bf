//! Capture files and standard input: finds out which format it is, numbers the frames and says in a sentence why it ended.
//!
//! Bytes are read into one reused buffer and parsed in place ([`super::classic_pcap`], [`super::pcapng`]). Works on pipes that are
//! still being written: a frame is delivered as soon as its bytes are there, and a quiet pipe gives [`Next::Idle`] every tenth of
//! a second. Compressed files are inflated on the way ([`super::compressed`]).

use super::buffer::{Buffer, Filled};
use super::classic_pcap::{self, ClassicPcap, FILE_HEADER_LEN};
use super::compressed::{Inflated, Method};
use super::input::Input;
use super::pcapng::{self, Pcapng};
use super::{Drops, End, Format, Next, Source, SourceInfo};
use crate::analyzers::{Frame, LinkType};
use crate::utils::time::Timestamp;
use anyhow::{Context, Result, bail};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// No record is believed to have been longer on the wire: damaged files claim anything. Wireshark has the same limit.
pub(super) const LONGEST_CLAIM: u32 = i32::MAX as u32;

/// What a format's reader found next.
pub(super) enum Step {
    Record(Record),
    /// One more interface is described: its place in [`SourceInfo::interfaces`].
    Interface(usize),
    /// What somebody wrote about the record that comes next.
    Comments(Vec<String>),
    /// Something was read that nobody needs to know; go on.
    Nothing,
    /// Something that is no frame, but takes a frame's number; go on.
    Foreign,
    /// More bytes have not arrived yet.
    Idle,
    Stop(Stop),
}

/// Why a format's reader stops: parts of sentences.
pub(super) enum Stop {
    Finished,
    /// The input ended within what is named here.
    Truncated(&'static str),
    /// What is impossible.
    Damaged(String),
    /// The system could not read on, and why.
    Unreadable(String),
}

/// A frame that is not numbered yet; `bytes` is its place in the buffer.
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    /// Wider than it needs to be: where two halves of eight octets are written one after the other and copied as one, the
    /// processor waits until both are in the cache, and a thousand other writes before them.
    pub(super) interface: u64,
    pub(super) wire_len: u32,
    pub(super) bytes: Range<usize>,
}

impl Step {
    pub(super) fn damaged(what: String) -> Step {
        Step::Stop(Stop::Damaged(what))
    }

    /// The step when the bytes of `what` are not there.
    #[cold]
    pub(super) fn unfilled(filled: Filled, what: &'static str) -> Step {
        match filled {
            Filled::Ready | Filled::Idle => Step::Idle,
            Filled::End => Step::Stop(Stop::Truncated(what)),
            Filled::Failed(error) => Step::Stop(Stop::Unreadable(error)),
        }
    }
}

/// What [`PcapReader::pull`] gives, with nothing borrowed.
pub(super) enum Pulled {
    Record(Record),
    Interface(usize),
    Comments(Vec<String>),
    Idle,
    End(End),
}

enum Reader {
    Classic(ClassicPcap),
    Pcapng(Pcapng),
}

/// A capture file, or a capture from standard input.
pub struct PcapReader {
    buffer: Buffer,
    reader: Reader,
    info: SourceInfo,
    size: Option<u64>,
    /// Of a compressed file, how much of it was read.
    consumed: Option<Arc<AtomicU64>>,
    /// The number of the latest frame.
    frames: u64,
    /// Whether the one interface of a classic file was told of.
    is_announced: bool,
    end: Option<End>,
}

impl PcapReader {
    /// Opens a capture file; `-` is standard input. Waits until the header has arrived, so signal handlers are better installed
    /// afterwards. Anything that is not a capture is refused with a sentence that names the file and what is wrong with it.
    pub fn open(path: &Path) -> Result<Self> {
        Self::from_input(Input::open(path)?)
    }

    fn from_input(input: Input) -> Result<Self> {
        let mut buffer = Buffer::new(input.reader);
        let mut info = SourceInfo::new(input.name, Format::Pcap);
        info.identities.extend(input.identity);
        let mut consumed = None;
        begins_with::<{ Method::TELLING }>(&mut buffer, Method::TELLING, &info.name)?;
        if let Some(method) = Method::of(buffer.window()) {
            let inflated = Inflated::start(method, buffer.into_rest())
                .with_context(|| format!("{} cannot be decompressed", info.name))?;
            info.compression = Some(method);
            consumed = Some(inflated.consumed());
            buffer = Buffer::new(Box::new(inflated));
        }
        let mut this = match begins_with(&mut buffer, 4, &info.name)? {
            Some(magic) if u32::from_le_bytes(magic) == pcapng::SECTION_HEADER => {
                Self::pcapng(buffer, info)?
            }
            Some(magic) if classic_pcap::recognize(magic).is_some() => Self::classic(buffer, info)?,
            _ => bail!(refusal(&mut buffer, &info.name, input.is_standard_input)),
        };
        (this.size, this.consumed) = (input.size, consumed);
        Ok(this)
    }

    fn classic(mut buffer: Buffer, mut info: SourceInfo) -> Result<Self> {
        let header: Option<[u8; FILE_HEADER_LEN]> =
            begins_with(&mut buffer, FILE_HEADER_LEN, &info.name)?;
        let Some(header) = header.as_ref().and_then(ClassicPcap::from_header) else {
            bail!(
                "{} is not a complete capture file: it ends within the file header",
                info.name
            );
        };
        buffer.consume(FILE_HEADER_LEN);
        info.format = header.format;
        info.interfaces.push(header.interface);
        info.problems.extend(header.problem);
        Ok(Self::new(buffer, Reader::Classic(header.reader), info))
    }

    fn pcapng(mut buffer: Buffer, mut info: SourceInfo) -> Result<Self> {
        info.format = Format::Pcapng;
        let mut reader = Pcapng::new();
        loop {
            match reader.section_header(&mut buffer, &mut info) {
                Step::Idle => {}
                Step::Stop(Stop::Damaged(what)) => bail!("{} cannot be read: {what}", info.name),
                Step::Stop(Stop::Unreadable(error)) => {
                    bail!("{} cannot be read: {error}", info.name)
                }
                Step::Stop(_) => bail!(
                    "{} is not a complete capture file: it ends within the file header",
                    info.name
                ),
                _ => break,
            }
        }
        Ok(Self::new(buffer, Reader::Pcapng(reader), info))
    }

    fn new(buffer: Buffer, reader: Reader, info: SourceInfo) -> Self {
        Self {
            buffer,
            reader,
            info,
            size: None,
            consumed: None,
            frames: 0,
            is_announced: false,
            end: None,
        }
    }

    /// What is next, with nothing borrowed.
    #[inline]
    fn step(&mut self) -> Step {
        match &mut self.reader {
            Reader::Classic(reader) if self.is_announced => reader.next(&mut self.buffer),
            Reader::Classic(_) => {
                self.is_announced = true;
                Step::Interface(0)
            }
            Reader::Pcapng(reader) => reader.next(&mut self.buffer, &mut self.info),
        }
    }

    /// What is next, the long way.
    #[inline(never)]
    fn next_of_any_kind(&mut self) -> Result<Next<'_>> {
        if let Some(end) = &self.end {
            return Ok(Next::End(end.clone()));
        }
        loop {
            // Taken apart where it is returned: moving it costs more than reading it.
            return Ok(match self.step() {
                Step::Record(record) => {
                    self.frames = self.frames.saturating_add(1);
                    Next::Frame(self.lend(&record, self.frames, record.interface as u32))
                }
                Step::Interface(index) => self
                    .info
                    .interfaces
                    .get(index)
                    .map_or(Next::Idle, Next::Interface),
                Step::Comments(comments) => Next::Comments(comments),
                Step::Nothing => continue,
                Step::Foreign => {
                    self.frames = self.frames.saturating_add(1);
                    continue;
                }
                Step::Idle => Next::Idle,
                Step::Stop(stop) => Next::End(self.stop(stop)),
            });
        }
    }

    /// What is next, for [`super::merged`], which keeps the place of a frame while it looks at other files.
    pub(super) fn pull(&mut self) -> Pulled {
        if let Some(end) = &self.end {
            return Pulled::End(end.clone());
        }
        loop {
            return match self.step() {
                Step::Record(record) => {
                    self.frames = self.frames.saturating_add(1);
                    Pulled::Record(record)
                }
                Step::Interface(index) => Pulled::Interface(index),
                Step::Comments(comments) => Pulled::Comments(comments),
                Step::Nothing | Step::Foreign => continue,
                Step::Idle => Pulled::Idle,
                Step::Stop(stop) => Pulled::End(self.stop(stop)),
            };
        }
    }

    /// Reads no further, because of what is said here as a part of a sentence.
    pub(super) fn give_up(&mut self, wrong: String) -> End {
        self.stop(Stop::Damaged(wrong))
    }

    /// A pulled record as a frame, until the next pull.
    #[inline]
    pub(super) fn lend(&self, record: &Record, number: u64, interface: u32) -> Frame<'_> {
        Frame {
            number,
            time: record.time,
            link: record.link,
            interface,
            wire_len: record.wire_len.min(LONGEST_CLAIM),
            bytes: self.buffer.lend(record.bytes.clone()),
        }
    }

    #[cold]
    fn stop(&mut self, stop: Stop) -> End {
        let end = self.sentence(stop);
        self.end.insert(end).clone()
    }

    fn sentence(&self, stop: Stop) -> End {
        let name = &self.info.name;
        let after = match self.frames {
            0 => "before its first frame".to_owned(),
            frames => format!("after frame {frames}"),
        };
        match stop {
            Stop::Finished => End::Finished,
            Stop::Truncated(what) => {
                End::Truncated(format!("{name} is cut off {after}: it ends within {what}"))
            }
            Stop::Damaged(what) => End::Damaged(format!(
                "{name} is damaged {after} and was read up to there: {what}"
            )),
            Stop::Unreadable(error) => {
                End::Damaged(format!("{name} cannot be read on {after}: {error}"))
            }
        }
    }
}

impl Source for PcapReader {
    #[inline]
    fn next(&mut self) -> Result<Next<'_>> {
        // What ends a classic file leaves no whole record behind, so that this need not look whether it has ended.
        if let Reader::Classic(reader) = &self.reader
            && self.is_announced
            && let Some(header) = reader.whole_record(&self.buffer)
        {
            self.frames = self.frames.wrapping_add(1);
            let frame = reader.take_whole(header, &mut self.buffer, self.frames);
            return Ok(Next::Frame(frame));
        }
        self.next_of_any_kind()
    }

    fn describe(&self) -> &SourceInfo {
        &self.info
    }

    fn drops(&mut self) -> Drops {
        self.info
            .interfaces
            .iter()
            .fold(Drops::default(), |sum, interface| Drops {
                kernel: sum.kernel.saturating_add(interface.drops.kernel),
                interface: sum.interface.saturating_add(interface.drops.interface),
            })
    }

    fn progress(&self) -> Option<f64> {
        let read = match &self.consumed {
            Some(consumed) => consumed.load(Ordering::Relaxed),
            None => self.buffer.position(),
        };
        self.size.map(|size| (read as f64 / size as f64).min(1.0))
    }
}

/// The first `N` bytes, however long they take to arrive; `None` if the input is shorter.
fn begins_with<const N: usize>(
    buffer: &mut Buffer,
    wanted: usize,
    name: &str,
) -> Result<Option<[u8; N]>> {
    loop {
        match buffer.fill(wanted) {
            Filled::Idle => {}
            Filled::Failed(error) => bail!("{name} cannot be read: {error}"),
            Filled::Ready | Filled::End => return Ok(buffer.window().first_chunk().copied()),
        }
    }
}

/// What files begin with that are compressed in ways that are not read here, what did it, and what undoes it.
const COMPRESSED: [(&[u8], &str, &str); 2] = [
    (b"BZh", "bzip2", "bzcat"),
    (&[0x1f, 0x9d], "compress", "zcat"),
];

/// Captures in other formats, all of which editcap converts.
const FOREIGN: [(&[u8], &str); 4] = [
    (b"snoop\0\0\0", "Solaris snoop"),
    (b"GMBU", "Microsoft Network Monitor"),
    (b"RTSS", "Microsoft Network Monitor"),
    (b"TRSNIFF data", "Sniffer"),
];

/// The sentence about what this is instead of a capture.
fn refusal(buffer: &mut Buffer, name: &str, is_standard_input: bool) -> String {
    // A kilobyte tells text from other things; whether it is there does not matter.
    buffer.fill(1024);
    let bytes = buffer.window();
    let file = if is_standard_input { "FILE" } else { name };
    if bytes.is_empty() {
        return format!("{name} is empty (0 bytes), not a capture file");
    }
    if let Some((_, method, command)) = COMPRESSED
        .iter()
        .find(|(magic, ..)| bytes.starts_with(magic))
    {
        return format!(
            "{name} is compressed with {method}; decompress it first, e.g. `{command} {file} | tcp-monitor -f -`"
        );
    }
    if let Some((_, program)) = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return format!(
            "{name} is a {program} capture, not pcap or pcapng; convert it first, e.g. `editcap -F pcap {file} NEW.pcap`"
        );
    }
    if is_text(bytes) {
        return format!("{name} is text, not a pcap or pcapng file");
    }
    format!("{name} is not a pcap or pcapng file")
}

fn is_text(bytes: &[u8]) -> bool {
    let sample = bytes.get(..1024).unwrap_or(bytes);
    sample.utf8_chunks().next().is_some_and(|chunk| {
        // The sample may be cut within a character.
        let is_whole =
            chunk.invalid().is_empty() || chunk.valid().len().saturating_add(4) > sample.len();
        is_whole
            && !chunk
                .valid()
                .contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\x1b'))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::{Cursor, Read};

    #[derive(Debug, PartialEq, Eq)]
    pub(in crate::capture) struct Owned {
        pub(in crate::capture) nanos: i64,
        pub(in crate::capture) link: LinkType,
        pub(in crate::capture) interface: u32,
        pub(in crate::capture) wire_len: u32,
        pub(in crate::capture) bytes: Vec<u8>,
    }

    fn from(reader: Box<dyn Read + Send>, size: u64) -> Result<PcapReader> {
        let (name, identity) = ("test.pcap".to_owned(), None);
        PcapReader::from_input(Input {
            name,
            reader,
            identity,
            size: Some(size),
            is_standard_input: false,
        })
    }

    pub(in crate::capture) fn reader(bytes: &[u8]) -> Result<PcapReader> {
        from(Box::new(Cursor::new(bytes.to_vec())), bytes.len() as u64)
    }

    fn drain(reader: &mut PcapReader) -> (Vec<Owned>, End) {
        let (mut frames, mut told) = (Vec::new(), 0);
        loop {
            match reader.next().unwrap() {
                Next::Interface(_) => told += 1,
                Next::Idle | Next::Comments(_) => {}
                Next::End(end) => return (frames, end),
                Next::Frame(frame) => {
                    assert!(frame.interface < told && frame.wire_len as usize >= frame.bytes.len());
                    assert!(frame.number > frames.len() as u64);
                    frames.push(Owned {
                        nanos: frame.time.nanos(),
                        link: frame.link,
                        interface: frame.interface,
                        wire_len: frame.wire_len,
                        bytes: frame.bytes.to_vec(),
                    });
                }
            }
        }
    }

    pub(in crate::capture) fn frames(bytes: &[u8]) -> (Vec<Owned>, End) {
        drain(&mut reader(bytes).unwrap())
    }

    fn refused(bytes: &[u8]) -> String {
        reader(bytes).err().expect("refused").to_string()
    }

    #[test]
    fn what_is_no_capture_is_refused_by_name() {
        assert_eq!(
            refused(b""),
            "test.pcap is empty (0 bytes), not a capture file"
        );
        assert!(
            refused(b"BZh91AY&").contains("compressed with bzip2")
                && refused(b"BZh9").contains("`bzcat test.pcap |")
        );
        assert!(refused(b"snoop\0\0\0\0").contains("Solaris snoop"));
        assert!(refused("Hällo, world\n".as_bytes()).contains("is text"));
        assert!(refused(&[1, 2, 3, 4, 5]).ends_with("is not a pcap or pcapng file"));
        assert!(refused(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]).contains("ends within the file header"));
        assert!(refused(&[0x0a, 0x0d, 0x0d, 0x0a, 28, 0]).contains("ends within the file header"));
    }

    #[test]
    fn paths_that_cannot_be_read_are_refused_by_name() {
        let refused = |path: &str| {
            PcapReader::open(Path::new(path))
                .err()
                .expect("refused")
                .to_string()
        };
        assert_eq!(
            refused("/no/such\x1bfile"),
            "/no/such\\u{1b}file: no such file"
        );
        assert_eq!(refused("/tmp"), "/tmp is a directory, not a capture file");
        assert!(refused("/dev/null").contains("is empty"));
    }

    /// Hands out one byte at a time with pauses, as a slow pipe does.
    struct Drip(Cursor<Vec<u8>>, bool);

    impl Read for Drip {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                Err(std::io::ErrorKind::WouldBlock.into())
            } else {
                self.0.read(&mut room[..1])
            }
        }
    }

    fn drip(bytes: &[u8]) -> Result<PcapReader> {
        let slow = Drip(Cursor::new(bytes.to_vec()), false);
        from(Box::new(slow), bytes.len() as u64)
    }

    /// A header and this many records with frames of 0, 1, 2 … bytes.
    fn classic(records: u32) -> Vec<u8> {
        let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1];
        let mut bytes: Vec<u8> = header
            .iter()
            .flat_map(|number: &u32| number.to_le_bytes())
            .collect();
        for len in 0..records {
            bytes.extend(
                [len, 0, len, len]
                    .iter()
                    .flat_map(|number| number.to_le_bytes()),
            );
            bytes.extend(vec![7; len as usize]);
        }
        bytes
    }

    #[test]
    fn a_slow_pipe_gives_the_same_frames() {
        for bytes in [classic(20), pcapng::tests::everything()] {
            let mut reader = drip(&bytes).unwrap();
            assert_eq!(frames(&bytes), drain(&mut reader));
            assert_eq!(reader.progress(), Some(1.0));
        }
    }

    #[test]
    fn a_header_alone_is_a_capture_without_frames() {
        assert_eq!(frames(&classic(0)).1, End::Finished);
    }

    #[test]
    fn a_read_error_ends_it_with_what_was_read() {
        struct Fails;
        impl Read for Fails {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("the disk is on fire"))
            }
        }
        let mut reader = from(Box::new(Cursor::new(classic(3)).chain(Fails)), 1).unwrap();
        let (got, end) = drain(&mut reader);
        assert_eq!(got.len(), 3);
        assert_eq!(
            end.warning(),
            Some("test.pcap cannot be read on after frame 3: the disk is on fire")
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000), format in 0..4usize) {
            let magics: [&[u8]; 4] = [&[], &[0xd4, 0xc3, 0xb2, 0xa1], &[0xa1, 0xb2, 0x3c, 0x4d], &[0x0a, 0x0d, 0x0d, 0x0a]];
            let bytes = [magics[format], &bytes].concat();
            if let Ok(mut reader) = reader(&bytes) {
                drain(&mut reader);
            }
        }

        #[test]
        fn damaged_files_end_and_a_slow_pipe_gives_the_same_frames(position in any::<prop::sample::Index>(), value in any::<u32>(), width in 1..=4usize, cut in any::<prop::sample::Index>()) {
            for mut bytes in [classic(20), pcapng::tests::everything()] {
                let at = position.index(bytes.len() - 4);
                bytes[at..at + width].copy_from_slice(&value.to_le_bytes()[..width]);
                bytes.truncate(cut.index(bytes.len()) + 1);
                // Where a record is not there whole when it is asked for, it goes the long way.
                if let (Ok(mut quick), Ok(mut slow)) = (reader(&bytes), drip(&bytes)) {
                    assert_eq!(drain(&mut quick), drain(&mut slow));
                }
            }
        }
    }
}
