//! Where in the LZ4 frame format a reader is, and so whether a file may end there (LZ4 Frame Format Description 1.6, "General Structure
//! of LZ4 Frame Format"). The decoder takes the end of a file in place of a block for the end of the frame, so that a file which was
//! cut there would look whole.

use std::io::{self, BufRead, Read};

/// What begins a frame of the format before this one, whose end nothing marks.
const LEGACY: u32 = 0x184c_2102;
/// Of a block's size: it is not compressed.
const UNCOMPRESSED: u32 = 1 << 31;

/// Which number comes next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Part {
    /// What begins a frame.
    #[default]
    Magic,
    /// Which parts the frame has.
    Flags,
    /// The size of a block; 0 ends the frame.
    Size,
}

/// A place between two octets of a file.
#[derive(Debug, Default)]
struct Place {
    /// Octets that are passed over before the next number.
    skipped: u64,
    part: Part,
    /// The number so far: least octet first.
    number: u32,
    /// Octets of it that came.
    octets: u8,
    flags: u32,
    is_legacy: bool,
}

impl Place {
    /// Goes on by these octets.
    fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.skipped > 0 {
                let passed = usize::try_from(self.skipped)
                    .map_or(bytes.len(), |skipped| skipped.min(bytes.len()));
                self.skipped = self.skipped.saturating_sub(passed as u64);
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            self.number = self.number >> 8 | u32::from(first) << 24;
            self.octets = self.octets.saturating_add(1);
            bytes = rest;
            if self.octets == 4 || self.part == Part::Flags {
                self.octets = 0;
                self.pass_number();
            }
        }
    }

    /// The number is whole: goes to the next.
    fn pass_number(&mut self) {
        match self.part {
            Part::Magic => {
                self.flags = 0;
                self.is_legacy = self.number == LEGACY;
                self.part = if self.is_legacy {
                    Part::Size
                } else {
                    Part::Flags
                };
            }
            Part::Flags => {
                self.flags = self.number >> 24;
                // The content's size, the dictionary; the largest block and the header's checksum are always there.
                let choices = self.has(3, 8).saturating_add(self.has(0, 4));
                self.skipped = choices.saturating_add(2);
                self.part = Part::Size;
            }
            Part::Size if self.number == 0 => {
                // The content's checksum.
                self.skipped = self.has(2, 4);
                self.is_legacy = false;
                self.part = Part::Magic;
            }
            Part::Size => {
                // The block with its checksum.
                let size = u64::from(self.number & !UNCOMPRESSED);
                self.skipped = size.saturating_add(self.has(4, 4));
            }
        }
    }

    /// The octets of something that is there if a bit of the flags is set.
    fn has(&self, bit: u32, octets: u64) -> u64 {
        if self.flags >> bit & 1 == 1 {
            octets
        } else {
            0
        }
    }

    /// Whether a file may end here.
    fn is_end(&self) -> bool {
        let is_between_blocks = self.skipped == 0 && self.octets == 0;
        is_between_blocks && (self.part == Part::Magic || self.is_legacy)
    }
}

/// Frames of LZ4 in a row, and how far they were read.
pub(super) struct Lz4Frames<R> {
    source: R,
    place: Place,
}

impl<R: BufRead> Lz4Frames<R> {
    /// The frames of a file, from its beginning.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            place: Place::default(),
        }
    }

    /// Whether the source has nothing more. An error if it should have.
    pub(super) fn has_ended(&mut self) -> io::Result<bool> {
        if !self.source.fill_buf()?.is_empty() {
            return Ok(false);
        }
        if self.place.is_end() {
            Ok(true)
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
}

impl<R: Read> Read for Lz4Frames<R> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(room)?;
        self.place.pass(room.get(..count).unwrap_or_default());
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{FrameEncoder, FrameInfo};
    use std::io::Write;

    fn frame(info: FrameInfo, content: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    /// Places at which a file may end, when it comes in pieces of a size.
    fn ends(bytes: &[u8], piece: usize) -> Vec<usize> {
        let mut place = Place::default();
        let mut at = 0;
        let mut ends = Vec::new();
        for piece in bytes.chunks(piece) {
            place.pass(piece);
            at += piece.len();
            ends.extend(place.is_end().then_some(at));
        }
        ends
    }

    #[test]
    fn a_file_may_end_behind_each_frame_and_nowhere_else() {
        let content: Vec<u8> = (0..150_000u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        for content in [&content[..], b"abc", b""] {
            for choice in 0..8 {
                let info = FrameInfo::new()
                    .block_checksums(choice & 1 != 0)
                    .content_checksum(choice & 2 != 0)
                    .content_size((choice & 4 != 0).then_some(content.len() as u64));
                let one = frame(info, content);
                let two = [&one[..], &one].concat();
                assert_eq!(ends(&two, 1), [one.len(), two.len()], "{choice}");
                assert_eq!(ends(&two, one.len()), [one.len(), two.len()], "{choice}");
                assert_eq!(ends(&two, two.len() - 1), [two.len()], "{choice}");
            }
        }
    }

    #[test]
    fn the_old_format_may_end_behind_each_block() {
        let bytes = [
            &LEGACY.to_le_bytes()[..],
            &[2, 0, 0, 0, 9, 9],
            &[1, 0, 0, 0, 9],
        ]
        .concat();
        assert_eq!(ends(&bytes, 1), [4, 10, 15]);
    }
}
