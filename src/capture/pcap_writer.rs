//! `-o`: frames saved to a file or to standard output, with their own link type, snap length, both lengths and every digit of
//! their time.
//!
//! pcapng where the name asks for it or the source may have several interfaces, with their names and descriptions and the packets'
//! comments; otherwise classic pcap, in nanoseconds unless the source has no more than microseconds. Simple packet blocks become
//! enhanced ones. Not kept: blocks that are no packets, and times before 1970, which become 1970.

use super::{FileIdentity, Format, Interface, SourceInfo, printable};
use crate::analyzers::Frame;
use crate::utils::time::{NANOS_PER_SECOND, Timestamp};
use anyhow::{Context, Result, anyhow, bail};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use std::path::Path;

/// A capture being written. What was written is complete only after [`PcapWriter::finish`].
pub struct PcapWriter {
    /// How people know it, control characters escaped.
    name: String,
    output: BufWriter<File>,
    format: Container,
    frames: u64,
}

#[derive(Clone, Copy)]
enum Container {
    /// One link type; nanoseconds a unit.
    Classic {
        nanos_per_unit: i64,
    },
    Pcapng,
}

impl PcapWriter {
    /// Creates the file (`-` is standard output) for the frames of a source, and writes its header. An existing file is overwritten,
    /// unless it is the very file that is being read, through whatever links: that is refused, and nothing is touched.
    ///
    /// It is pcapng if its name ends in `.pcapng`, if comments are to be written, or if the source may have several link types.
    /// The caller hands on every [`super::Next::Interface`] and then the frames.
    pub fn create(path: &Path, source: &SourceInfo, with_comments: bool) -> Result<Self> {
        let is_standard_output = path == Path::new("-");
        let name = if is_standard_output {
            "standard output".to_owned()
        } else {
            printable(&path.to_string_lossy())
        };
        let opened = if is_standard_output {
            io::stdout().as_fd().try_clone_to_owned().map(File::from)
        } else {
            // Not truncated before it is known which file this is.
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
        };
        let file = opened.with_context(|| format!("{name} cannot be written"))?;
        let metadata = file
            .metadata()
            .with_context(|| format!("{name} cannot be written"))?;
        let identity = FileIdentity::of(&metadata);
        if identity.is_some_and(|identity| source.identities.contains(&identity)) {
            bail!(
                "{name} is the file that is being read ({}); write to another one",
                source.name
            );
        }
        if identity.is_some() && !is_standard_output {
            file.set_len(0)
                .with_context(|| format!("{name} cannot be written"))?;
        }
        let extension = path.extension().and_then(OsStr::to_str);
        let is_pcapng = extension.is_some_and(|extension| extension.eq_ignore_ascii_case("pcapng"));
        Self::start(name, file, source, is_pcapng || with_comments)
    }

    fn start(name: String, file: File, source: &SourceInfo, pcapng: bool) -> Result<Self> {
        let fits_microseconds = source
            .interfaces
            .iter()
            .all(|interface| interface.resolution.fits_microseconds());
        let format = match source.format {
            _ if pcapng => Container::Pcapng,
            Format::Pcapng => Container::Pcapng,
            _ if fits_microseconds => Container::Classic {
                nanos_per_unit: 1000,
            },
            _ => Container::Classic { nanos_per_unit: 1 },
        };
        let mut this = Self {
            name,
            output: BufWriter::with_capacity(256 * 1024, file),
            format,
            frames: 0,
        };
        let header = match format {
            Container::Classic { nanos_per_unit } => {
                let interface = source
                    .interfaces
                    .first()
                    .ok_or_else(|| anyhow!("{} has no interface", source.name))?;
                classic_header(interface, nanos_per_unit)
            }
            Container::Pcapng => section_header(),
        };
        this.put(&[&header])?;
        Ok(this)
    }

    /// Takes one more interface, in the order in which the source tells of them.
    pub fn add_interface(&mut self, interface: &Interface) -> Result<()> {
        match self.format {
            // The header has it already.
            Container::Classic { .. } => Ok(()),
            Container::Pcapng => self.put(&[&interface_description(interface)]),
        }
    }

    /// Writes a frame, in pcapng with comments.
    pub fn write(&mut self, frame: &Frame<'_>, comments: &[String]) -> Result<()> {
        self.frames = self.frames.saturating_add(1);
        match self.format {
            Container::Classic { nanos_per_unit } => {
                let header = record_header(frame, nanos_per_unit);
                self.put(&[&header, frame.bytes])
            }
            Container::Pcapng => {
                let padding = frame.bytes.len().wrapping_neg() % 4;
                let options = comment_options(comments);
                let rest = padding.saturating_add(options.len()).saturating_add(32);
                let length = frame.bytes.len().saturating_add(rest) as u32;
                let header = packet_header(frame, length);
                self.put(&[
                    &header,
                    frame.bytes,
                    &[0; 3][..padding.min(3)],
                    &options,
                    &length.to_le_bytes(),
                ])
            }
        }
    }

    /// Hands on what is buffered, so that a reader of the file or pipe has every frame written so far.
    pub fn flush(&mut self) -> Result<()> {
        self.output
            .flush()
            .with_context(|| format!("writing {}", self.name))
    }

    /// Completes the file and returns how many frames it has. A disk that is full shows here at the latest.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        Ok(self.frames)
    }

    fn put(&mut self, parts: &[&[u8]]) -> Result<()> {
        // A closed pipe is to be found below the context: it ends the program quietly.
        parts
            .iter()
            .try_for_each(|part| self.output.write_all(part))
            .with_context(|| format!("writing {}", self.name))
    }
}

/// Little-endian words in a row.
fn words<const N: usize>(numbers: [u32; N]) -> Vec<u8> {
    numbers.into_iter().flat_map(u32::to_le_bytes).collect()
}

fn classic_header(interface: &Interface, nanos_per_unit: i64) -> Vec<u8> {
    let magic = if nanos_per_unit == 1 {
        0xa1b2_3c4d
    } else {
        0xa1b2_c3d4
    };
    let version = 4 << 16 | 2;
    words([
        magic,
        version,
        0,
        0,
        interface.snap_length,
        interface.link.0,
    ])
}

fn record_header(frame: &Frame<'_>, nanos_per_unit: i64) -> [u8; 16] {
    let nanos = nanos_since_1970(frame.time);
    let seconds = u32::try_from(nanos / NANOS_PER_SECOND).unwrap_or(u32::MAX);
    let fraction = (nanos % NANOS_PER_SECOND)
        .checked_div(nanos_per_unit)
        .unwrap_or(0);
    array([
        seconds,
        fraction as u32,
        frame.bytes.len() as u32,
        frame.wire_len,
    ])
}

fn section_header() -> Vec<u8> {
    words([0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28])
}

fn interface_description(interface: &Interface) -> Vec<u8> {
    let mut options = Vec::new();
    for (code, text) in [(2u16, &interface.name), (3, &interface.description)] {
        if let Some(text) = text {
            put_option(&mut options, code, text.as_bytes());
        }
    }
    // Frames carry nanoseconds, whatever unit their capture had.
    put_option(&mut options, 9, &[9]);
    put_option(&mut options, 0, &[]);
    let length = options.len().saturating_add(20) as u32;
    let mut block = words([1, length, interface.link.0 & 0xffff, interface.snap_length]);
    block.extend(options);
    block.extend(length.to_le_bytes());
    block
}

/// The options behind a frame; none, and nothing allocated, without comments.
fn comment_options(comments: &[String]) -> Vec<u8> {
    let mut options = Vec::new();
    for comment in comments {
        put_option(&mut options, 1, comment.as_bytes());
    }
    if !options.is_empty() {
        put_option(&mut options, 0, &[]);
    }
    options
}

fn put_option(options: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    options.extend(code.to_le_bytes());
    options.extend((value.len() as u16).to_le_bytes());
    options.extend(value);
    options.resize(options.len().next_multiple_of(4), 0);
}

/// An enhanced packet block up to its frame.
fn packet_header(frame: &Frame<'_>, length: u32) -> [u8; 28] {
    let nanos = nanos_since_1970(frame.time) as u64;
    let captured = frame.bytes.len() as u32;
    array([
        6,
        length,
        frame.interface,
        (nanos >> 32) as u32,
        nanos as u32,
        captured,
        frame.wire_len,
    ])
}

/// Neither format has times before 1970.
fn nanos_since_1970(time: Timestamp) -> i64 {
    time.nanos().max(0)
}

/// Little-endian words in a row, without the heap: once for every frame.
fn array<const WORDS: usize, const BYTES: usize>(numbers: [u32; WORDS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    for (place, number) in bytes.chunks_exact_mut(4).zip(numbers) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::pcap_reader::{PcapReader, tests::reader};
    use super::super::{Next, Source, pcapng};
    use super::*;
    use crate::analyzers::LinkType;
    use std::path::PathBuf;

    /// A directory of its own for a test, gone with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(test: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("tcp-monitor-{test}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
            let path = self.0.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn copy(source: &mut PcapReader, path: &Path) -> Result<u64> {
        let mut writer = PcapWriter::create(path, source.describe(), false)?;
        let mut comments = Vec::new();
        loop {
            match source.next()? {
                Next::Interface(interface) => writer.add_interface(interface)?,
                Next::Frame(frame) => writer.write(&frame, &std::mem::take(&mut comments))?,
                Next::Comments(read) => comments = read,
                Next::Idle => {}
                Next::End(_) => return writer.finish(),
            }
        }
    }

    fn classic(nanoseconds: bool) -> Vec<u8> {
        let magic = if nanoseconds {
            0xa1b2_3c4d
        } else {
            0xa1b2_c3d4
        };
        let mut bytes = words([magic, 4 << 16 | 2, 0, 0, 96, 101]);
        bytes.extend(words([1_700_000_000, 999_999, 3, 1500]));
        bytes.extend(b"abc");
        bytes.extend(words([u32::MAX, 0, 0, 0]));
        bytes
    }

    #[test]
    fn classic_files_come_out_as_they_went_in() {
        let scratch = Scratch::new("classic");
        for nanoseconds in [false, true] {
            let bytes = classic(nanoseconds);
            let path = scratch.0.join("out.pcap");
            assert_eq!(copy(&mut reader(&bytes).unwrap(), &path).unwrap(), 2);
            assert_eq!(std::fs::read(&path).unwrap(), bytes);
        }
    }

    #[test]
    fn pcapng_keeps_interfaces_times_and_lengths() {
        let scratch = Scratch::new("pcapng");
        let path = scratch.0.join("out.pcapng");
        let bytes = pcapng::tests::everything();
        assert_eq!(copy(&mut reader(&bytes).unwrap(), &path).unwrap(), 5);
        let (mut before, mut after) = (reader(&bytes).unwrap(), PcapReader::open(&path).unwrap());
        loop {
            let told = |next: Next<'_>| match next {
                Next::Interface(i) => format!(
                    "{:?} {:?} {} {}",
                    i.name, i.description, i.link.0, i.snap_length
                ),
                Next::End(end) => format!("{end:?}"),
                // Numbers differ: the block that is no frame is not written.
                Next::Frame(frame) => format!("{:?}", Frame { number: 0, ..frame }),
                Next::Idle => "idle".to_owned(),
                Next::Comments(comments) => format!("{comments:?}"),
            };
            let (was, is) = (told(before.next().unwrap()), told(after.next().unwrap()));
            assert_eq!(was, is);
            if was == "Finished" {
                break;
            }
        }
    }

    #[test]
    fn the_name_or_comments_ask_for_pcapng() {
        let scratch = Scratch::new("asked");
        let bytes = classic(true);
        let format = |name: &str, with_comments| {
            let path = scratch.0.join(name);
            let mut source = reader(&bytes).unwrap();
            let mut writer = PcapWriter::create(&path, source.describe(), with_comments).unwrap();
            let comment = ["said".to_owned()];
            loop {
                match source.next().unwrap() {
                    Next::Interface(interface) => writer.add_interface(interface).unwrap(),
                    Next::Frame(frame) => writer.write(&frame, &comment).unwrap(),
                    Next::End(_) => break,
                    _ => {}
                }
            }
            writer.finish().unwrap();
            let mut written = PcapReader::open(&path).unwrap();
            let mut comments = 0;
            loop {
                match written.next().unwrap() {
                    Next::Comments(read) => comments += usize::from(read == comment),
                    Next::End(end) => break assert_eq!(end, super::super::End::Finished),
                    _ => {}
                }
            }
            (written.describe().format, comments)
        };
        assert_eq!(format("out.pcap", false), (Format::Pcap, 0));
        assert_eq!(format("out.PCAPNG", false), (Format::Pcapng, 2));
        assert_eq!(format("out.pcap", true), (Format::Pcapng, 2));
    }

    #[test]
    fn times_before_1970_and_after_2106_are_brought_into_the_range() {
        let frame = |nanos| Frame {
            number: 1,
            time: Timestamp::from_nanos(nanos),
            link: LinkType::ETHERNET,
            interface: 0,
            wire_len: 1,
            bytes: &[],
        };
        assert_eq!(record_header(&frame(-1), 1)[..8], [0; 8]);
        assert_eq!(record_header(&frame(i64::MAX), 1)[..4], [0xff; 4]);
    }

    #[test]
    fn the_file_being_read_is_never_written_to() {
        let scratch = Scratch::new("same");
        let bytes = classic(true);
        let input = scratch.file("in.pcap", &bytes);
        let (symbolic, hard) = (scratch.0.join("symbolic.pcap"), scratch.0.join("hard.pcap"));
        std::os::unix::fs::symlink(&input, &symbolic).unwrap();
        std::fs::hard_link(&input, &hard).unwrap();
        for output in [&input, &symbolic, &hard] {
            let error = copy(&mut PcapReader::open(&input).unwrap(), output)
                .unwrap_err()
                .to_string();
            assert!(error.contains("is the file that is being read"), "{error}");
            assert_eq!(std::fs::read(&input).unwrap(), bytes);
        }
    }

    #[test]
    fn an_older_longer_file_is_overwritten_entirely() {
        let scratch = Scratch::new("longer");
        let output = scratch.file("out.pcap", &[7; 10_000]);
        copy(&mut reader(&classic(true)).unwrap(), &output).unwrap();
        assert_eq!(std::fs::read(&output).unwrap(), classic(true));
    }

    #[test]
    fn a_full_disk_names_the_file() {
        let error = copy(&mut reader(&classic(true)).unwrap(), Path::new("/dev/full")).unwrap_err();
        assert_eq!(error.to_string(), "writing /dev/full");
        assert_eq!(
            error
                .root_cause()
                .downcast_ref::<io::Error>()
                .unwrap()
                .kind(),
            io::ErrorKind::StorageFull
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let error = copy(
            &mut reader(&classic(true)).unwrap(),
            Path::new("/no/such/out.pcap"),
        )
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/no/such/out.pcap cannot be written")
        );
    }
}
