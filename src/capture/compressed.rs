//! Compressed captures: known by their content, not by their name, and inflated on a thread of their own, since that costs more
//! than all of the analysis (perf/NOTES.md).
//!
//! Memory is bounded whatever the file claims: a few chunks in flight, and the window that the format needs, of which no more than
//! 128 MiB is believed. Files of several parts in a row are read through. Parts of zstd that are to be skipped are.

use super::lz4_frames::Lz4Frames;
use flate2::bufread::MultiGzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder as ZstdDecoder};
use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Bytes that are handed over at a time.
const CHUNK: usize = 256 * 1024;
/// Chunks that are inflated ahead.
const AHEAD: usize = 4;
/// Bytes read from the file at a time.
const READ: usize = 128 * 1024;
/// The largest window that is believed, in bytes; `xz -9` and `zstd -19` need 64 MiB and 8.
const LARGEST_WINDOW: u32 = 128 << 20;
/// How long a read waits before it says that nothing came.
const PATIENCE: Duration = Duration::from_millis(100);

/// How a file is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// gzip (RFC 1952).
    Gzip,
    /// Zstandard (RFC 8878).
    Zstd,
    /// xz.
    Xz,
    /// LZ4, the frame format and the one before it.
    Lz4,
}

impl Method {
    /// Bytes that tell the method.
    pub(super) const TELLING: usize = 6;

    /// The method by a file's first bytes; `None` if it is not compressed by any of these.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        const MAGICS: [(&[u8], Method); 6] = [
            (&[0x1f, 0x8b], Method::Gzip),
            (&[0x28, 0xb5, 0x2f, 0xfd], Method::Zstd),
            // A frame to be skipped, as parallel writers put first.
            (&[0x50, 0x2a, 0x4d, 0x18], Method::Zstd),
            (&[0xfd, b'7', b'z', b'X', b'Z', 0], Method::Xz),
            (&[0x04, 0x22, 0x4d, 0x18], Method::Lz4),
            (&[0x02, 0x21, 0x4c, 0x18], Method::Lz4),
        ];
        let found = MAGICS.iter().find(|(magic, _)| bytes.starts_with(magic));
        found.map(|(_, method)| *method)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Method::Gzip => "gzip",
            Method::Zstd => "zstd",
            Method::Xz => "xz",
            Method::Lz4 => "lz4",
        })
    }
}

/// What comes out of a compressed file. A read waits for a tenth of a second at most.
pub(super) struct Inflated {
    arriving: Receiver<io::Result<Vec<u8>>>,
    /// Chunks that were read go back to be filled again.
    emptied: Sender<Vec<u8>>,
    chunk: Vec<u8>,
    at: usize,
    consumed: Arc<AtomicU64>,
}

impl Inflated {
    /// Starts inflating what `compressed` gives, on a thread of its own.
    pub(super) fn start(method: Method, compressed: Box<dyn Read + Send>) -> io::Result<Self> {
        let (send, arriving) = sync_channel(AHEAD);
        let (emptied, empty) = channel();
        let consumed = Arc::new(AtomicU64::new(0));
        let source = Patient {
            input: compressed,
            consumed: Arc::clone(&consumed),
        };
        thread::Builder::new()
            .name("inflate".to_owned())
            .spawn(move || inflate(method, source, &send, &empty))?;
        Ok(Self {
            arriving,
            emptied,
            chunk: Vec::new(),
            at: 0,
            consumed,
        })
    }

    /// Bytes of the compressed file that were read so far, for showing progress.
    pub(super) fn consumed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.consumed)
    }
}

impl Read for Inflated {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            match self.arriving.recv_timeout(PATIENCE) {
                Ok(chunk) => {
                    let old = std::mem::replace(&mut self.chunk, chunk?);
                    self.at = 0;
                    // At the end nobody wants it back.
                    let _ = self.emptied.send(old);
                }
                Err(RecvTimeoutError::Timeout) => return Err(ErrorKind::WouldBlock.into()),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let count = rest.len().min(room.len());
        room[..count].copy_from_slice(&rest[..count]);
        self.at = self.at.saturating_add(count);
        Ok(count)
    }
}

/// The thread: inflates chunk by chunk until the end, an error, or nobody listens any more.
fn inflate(
    method: Method,
    source: Patient,
    send: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) {
    let mut decoder = decoder(method, BufReader::with_capacity(READ, source));
    loop {
        let mut chunk = empty.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let result = match decoder.read(&mut chunk) {
            Ok(0) => return,
            Ok(count) => {
                chunk.truncate(count);
                Ok(chunk)
            }
            Err(error) => Err(in_words(method, &error)),
        };
        let is_over = result.is_err();
        if send.send(result).is_err() || is_over {
            return;
        }
    }
}

fn in_words(method: Method, error: &io::Error) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        io::Error::other(format!("its {method} data are cut off"))
    } else {
        io::Error::other(format!("its {method} data are damaged: {error}"))
    }
}

fn decoder(method: Method, source: BufReader<Patient>) -> Box<dyn Read> {
    match method {
        Method::Gzip => Box::new(MultiGzDecoder::new(source)),
        Method::Zstd => Box::new(Zstd::new(source)),
        Method::Xz => Box::new(XzReader::new_mem_limit(source, true, LARGEST_WINDOW / 1024)),
        Method::Lz4 => Box::new(Lz4(Lz4Decoder::new(Lz4Frames::new(source)))),
    }
}

/// Waits for as long as it takes: on the thread nobody else has anything to do.
struct Patient {
    input: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
}

impl Read for Patient {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.input.read(room) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Ok(count) => {
                    self.consumed.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// LZ4 frames in a row: the decoder says that it is at the end behind each of them, and where the file ends in one.
struct Lz4(Lz4Decoder<Lz4Frames<BufReader<Patient>>>);

impl Read for Lz4 {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(room)? {
                0 if self.0.get_mut().has_ended()? => return Ok(0),
                0 => {}
                count => return Ok(count),
            }
        }
    }
}

/// Zstandard frames in a row.
struct Zstd {
    source: BufReader<Patient>,
    decoder: ZstdDecoder,
    in_frame: bool,
    /// What is to be said once all that was decoded before it is handed out.
    fault: Option<io::Error>,
}

/// What ends a frame: a last block, uncompressed and of no octets, and room for a checksum (RFC 8878 §3.1.1.2).
const END_OF_FRAME: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

impl Zstd {
    fn new(source: BufReader<Patient>) -> Self {
        let mut decoder = ZstdDecoder::new();
        decoder.set_max_window_size(LARGEST_WINDOW.into());
        Self {
            source,
            decoder,
            in_frame: false,
            fault: None,
        }
    }

    /// Goes to the next frame with content; `false` at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.in_frame = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let wanted = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.source).take(wanted), &mut io::sink())?;
                    if skipped < wanted {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.in_words(error)),
            }
        }
        Ok(false)
    }

    /// Ends a frame that cannot be read on. The decoder keeps as much as its window holds, of which a small capture never gets out,
    /// until its frame is over.
    fn give_up(&mut self, error: FrameDecoderError) {
        self.fault = Some(self.in_words(error));
        let one = BlockDecodingStrategy::UptoBlocks(1);
        // It cannot fail in any way that matters more than what was wrong before.
        let _ = self.decoder.decode_blocks(&END_OF_FRAME[..], one);
    }

    /// The decoder's errors hide that the input has ended.
    fn in_words(&mut self, error: FrameDecoderError) -> io::Error {
        match self.source.fill_buf() {
            Ok([]) => ErrorKind::UnexpectedEof.into(),
            _ => io::Error::other(error.to_string()),
        }
    }

    fn checked(&self) -> io::Result<()> {
        let (said, is) = (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        );
        match said {
            Some(_) if said != is => Err(io::Error::other("wrong checksum")),
            _ => Ok(()),
        }
    }
}

impl Read for Zstd {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame && !self.next_frame()? {
                return Ok(0);
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                if let Err(error) = self.decoder.decode_blocks(&mut self.source, one) {
                    self.give_up(error);
                    break;
                }
            }
            let count = self.decoder.read(room)?;
            if count > 0 {
                return Ok(count);
            }
            if let Some(fault) = self.fault.take() {
                return Err(fault);
            }
            self.checked()?;
            self.in_frame = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn inflated(method: Method, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        let mut reader = Inflated::start(method, Box::new(io::Cursor::new(bytes)))?;
        let mut room = [0; 1000];
        loop {
            match reader.read(&mut room) {
                Ok(0) => return Ok(all),
                Ok(count) => all.extend(&room[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn content() -> Vec<u8> {
        (0..300_000u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lz4(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// "tcp-monitor\n", compressed by `xz`.
    const XZ: [u8; 68] = [
        0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x04, 0xe6, 0xd6, 0xb4, 0x46, 0x02, 0x00, 0x21,
        0x01, 0x16, 0x00, 0x00, 0x00, 0x74, 0x2f, 0xe5, 0xa3, 0x01, 0x00, 0x0b, 0x74, 0x63, 0x70,
        0x2d, 0x6d, 0x6f, 0x6e, 0x69, 0x74, 0x6f, 0x72, 0x0a, 0x00, 0x7f, 0x59, 0xd1, 0xbc, 0x63,
        0x3f, 0xf4, 0x59, 0x00, 0x01, 0x24, 0x0c, 0xa6, 0x18, 0xd8, 0xd8, 0x1f, 0xb6, 0xf3, 0x7d,
        0x01, 0x00, 0x00, 0x00, 0x00, 0x04, 0x59, 0x5a,
    ];

    #[test]
    fn several_parts_in_a_row_are_one_file() {
        let content = content();
        for (method, compress) in [
            (Method::Gzip, gzip as fn(&[u8]) -> Vec<u8>),
            (Method::Zstd, zstd),
            (Method::Lz4, lz4),
        ] {
            let (first, second) = content.split_at(100_000);
            let bytes = [compress(first), compress(second)].concat();
            assert_eq!(Method::of(&bytes), Some(method));
            assert!(inflated(method, bytes).unwrap() == content, "{method}");
        }
    }

    #[test]
    fn what_is_cut_off_says_so_behind_what_was_there() {
        for (method, mut bytes) in [
            (Method::Gzip, gzip(&content())),
            (Method::Zstd, zstd(&content())),
            (Method::Lz4, lz4(&content())),
        ] {
            bytes.truncate(bytes.len() / 2);
            let error = inflated(method, bytes).unwrap_err().to_string();
            assert_eq!(error, format!("its {method} data are cut off"));
        }
    }

    /// A window is larger than these blocks, so that the decoder would keep all of them to itself.
    #[test]
    fn zstd_blocks_before_a_cut_come_out() {
        let content = content();
        let mut bytes = zstd(&content);
        bytes.truncate(bytes.len() - 10);
        let mut reader = Inflated::start(Method::Zstd, Box::new(io::Cursor::new(bytes))).unwrap();
        let (mut all, mut room) = (Vec::new(), [0; 1000]);
        let error = loop {
            match reader.read(&mut room) {
                Ok(count) => all.extend(&room[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => break error.to_string(),
            }
        };
        assert_eq!(error, "its zstd data are cut off");
        assert!(content.starts_with(&all) && all.len() >= 2 * 128 * 1024);
    }

    #[test]
    fn what_is_damaged_says_so() {
        let mut bytes = gzip(&content());
        let at = bytes.len() - 8;
        bytes[at] ^= 1;
        let error = inflated(Method::Gzip, bytes).unwrap_err().to_string();
        assert!(error.starts_with("its gzip data are damaged"), "{error}");
    }

    #[test]
    fn zstd_frames_to_be_skipped_are() {
        let skip = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];
        let bytes = [&skip[..], &zstd(b"abc"), &skip].concat();
        assert_eq!(Method::of(&bytes), Some(Method::Zstd));
        assert_eq!(inflated(Method::Zstd, bytes).unwrap(), b"abc");
    }

    #[test]
    fn windows_that_no_memory_holds_are_refused() {
        // A frame that claims a window of 3.75 TiB.
        let bytes = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x01, 0, 0];
        assert!(inflated(Method::Zstd, bytes).is_err());
    }

    #[test]
    fn only_compressed_files_are_known() {
        assert_eq!(Method::of(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0]), None);
        assert_eq!(Method::of(&[]), None);
        assert_eq!(Method::of(&XZ), Some(Method::Xz));
    }

    #[test]
    fn xz_files_in_a_row() {
        let twice = inflated(Method::Xz, [XZ, XZ].concat()).unwrap();
        assert_eq!(twice, b"tcp-monitor\ntcp-monitor\n");
        let error = inflated(Method::Xz, XZ[..40].to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "its xz data are cut off");
    }
}
