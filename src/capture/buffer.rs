//! The one buffer a capture is read through: plain `read` into memory that is used again and again, parsed in place. This was
//! measured to be faster than a memory map and than libpcap's reader (DESIGN.md section 5).
//!
//! It never waits for more than was asked for, so that a frame from a pipe is delivered as soon as its bytes are there. It grows
//! only when it is full of bytes that did arrive, at most doubling, whatever length a file claims.

use std::io::{ErrorKind, Read};
use std::ops::Range;

/// Large enough that a system call costs nothing per frame, small enough to stay in the second-level cache.
const FIRST_SIZE: usize = 256 * 1024;

/// The outcome of asking for bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    /// They are there.
    Ready,
    /// They are not there yet; ask again.
    Idle,
    /// The input ended before.
    End,
    /// The input cannot be read; what the system said.
    Failed(String),
}

/// A window on the input: the bytes that arrived and were not consumed yet.
pub(super) struct Buffer {
    input: Box<dyn Read + Send>,
    data: Vec<u8>,
    start: usize,
    end: usize,
    /// Bytes to be dropped as soon as they arrive. When not zero, the window is empty.
    to_skip: u64,
    /// Bytes read from the input so far.
    read: u64,
}

impl Buffer {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        Self {
            input,
            data: vec![0; FIRST_SIZE],
            start: 0,
            end: 0,
            to_skip: 0,
            read: 0,
        }
    }

    /// All of the input from the window on.
    pub(super) fn into_rest(self) -> Box<dyn Read + Send> {
        let window = self.window().to_vec();
        Box::new(std::io::Cursor::new(window).chain(self.input))
    }

    /// The bytes that are there.
    #[inline]
    pub(super) fn window(&self) -> &[u8] {
        self.data.get(self.start..self.end).unwrap_or_default()
    }

    #[inline]
    fn available(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Bytes consumed or skipped so far, for showing progress.
    pub(super) fn position(&self) -> u64 {
        self.read.saturating_sub(self.available() as u64)
    }

    /// Whether nothing is left over: neither unconsumed bytes nor some still to be skipped. The input may end here.
    pub(super) fn is_between_records(&self) -> bool {
        self.start == self.end && self.to_skip == 0
    }

    /// Asks for `wanted` bytes (at least one) in the window, reading only if they are not there.
    #[inline]
    pub(super) fn fill(&mut self, wanted: usize) -> Filled {
        if self.available() >= wanted {
            Filled::Ready
        } else {
            self.read_until(wanted)
        }
    }

    /// The first `N` bytes of the window, and what is there behind them; `None` if they are not there.
    #[inline]
    pub(super) fn first<const N: usize>(&self) -> Option<(&[u8; N], &[u8])> {
        self.window().split_first_chunk()
    }

    /// Gives up `N` bytes of the window and `count` behind them, and lends the latter until the next `fill`; changes nothing and
    /// lends nothing if they are not there.
    #[inline]
    pub(super) fn take_behind<const N: usize>(&mut self, count: usize) -> &[u8] {
        let window = self.data.get(self.start..self.end).unwrap_or_default();
        let behind = window
            .split_first_chunk::<N>()
            .and_then(|(_, rest)| rest.get(..count));
        if behind.is_some() {
            self.start = self.start.saturating_add(N).saturating_add(count);
        }
        behind.unwrap_or_default()
    }

    /// Gives up the first `count` bytes of the window, or all of them. They can still be looked at through [`Buffer::lend`] until
    /// the next `fill`. Returns where they are.
    #[inline]
    pub(super) fn consume(&mut self, count: usize) -> Range<usize> {
        let from = self.start;
        self.start = from.saturating_add(count).min(self.end);
        from..self.start
    }

    /// Bytes that were consumed since the last `fill`.
    #[inline]
    pub(super) fn lend(&self, range: Range<usize>) -> &[u8] {
        self.data.get(range).unwrap_or_default()
    }

    /// Takes back the consumption of bytes, if nothing was read, skipped or consumed since.
    pub(super) fn put_back(&mut self, range: &Range<usize>) {
        if range.end == self.start {
            self.start = range.start;
        }
    }

    /// Consumes `count` bytes without ever holding them all.
    #[inline]
    pub(super) fn skip(&mut self, count: u64) {
        let here = count.min(self.available() as u64);
        self.start = self.start.saturating_add(here as usize);
        self.to_skip = self.to_skip.saturating_add(count.saturating_sub(here));
    }

    #[cold]
    fn read_until(&mut self, wanted: usize) -> Filled {
        while self.available() < wanted {
            self.make_room(wanted);
            let room = self.data.get_mut(self.end..).unwrap_or_default();
            match self.input.read(room) {
                Ok(0) => return Filled::End,
                Ok(count) => self.arrived(count),
                // A signal, too, is a reason to let the caller look around.
                Err(error)
                    if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
                {
                    return Filled::Idle;
                }
                Err(error) => return Filled::Failed(error.to_string()),
            }
        }
        Filled::Ready
    }

    /// Moves what is left, less than a record, to the front, and grows if the whole buffer is full with it.
    fn make_room(&mut self, wanted: usize) {
        self.data.copy_within(self.start..self.end, 0);
        self.end = self.available();
        self.start = 0;
        if self.end == self.data.len() {
            let size = wanted
                .max(self.end.saturating_add(1))
                .min(self.end.saturating_mul(2));
            self.data.resize(size, 0);
        }
    }

    fn arrived(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.data.len());
        self.read = self.read.saturating_add(count as u64);
        let owed = std::mem::take(&mut self.to_skip);
        self.skip(owed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out one byte at a time, and nothing at every second call.
    struct Drip(Vec<u8>, bool);

    impl Read for Drip {
        fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::WouldBlock.into());
            }
            let Some(byte) = self.0.pop() else {
                return Ok(0);
            };
            room[0] = byte;
            Ok(1)
        }
    }

    #[test]
    fn waits_for_what_was_asked_and_no_more() {
        let mut buffer = Buffer::new(Box::new(Drip(vec![3, 2, 1], false)));
        assert_eq!(buffer.fill(2), Filled::Idle);
        assert_eq!(buffer.fill(2), Filled::Idle);
        assert_eq!(buffer.window(), [1]);
        assert_eq!(buffer.fill(2), Filled::Ready);
        let range = buffer.consume(2);
        assert_eq!(buffer.lend(range), [1, 2]);
    }

    #[test]
    fn skips_what_has_not_arrived() {
        let mut buffer = Buffer::new(Box::new(&[7; 10][..]));
        buffer.skip(9);
        assert_eq!(buffer.fill(1), Filled::Ready);
        assert_eq!((buffer.window().len(), buffer.position()), (1, 9));
        buffer.skip(5);
        assert_eq!(buffer.fill(1), Filled::End);
        assert!(!buffer.is_between_records());
    }

    #[test]
    fn grows_only_with_what_arrives() {
        let mut buffer = Buffer::new(Box::new(std::io::repeat(5).take(FIRST_SIZE as u64 + 10)));
        assert_eq!(buffer.fill(usize::MAX), Filled::End);
        assert_eq!(buffer.window().len(), FIRST_SIZE + 10);
        assert!(buffer.data.len() <= 2 * FIRST_SIZE);
    }
}
