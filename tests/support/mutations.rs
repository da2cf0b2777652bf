//! Damage done to bytes, the same in every run.
#![allow(dead_code, reason = "each test file uses a part of it")]

/// A small generator of numbers.
pub struct Numbers(pub u64);

impl Numbers {
    /// Any number of 31 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number below a limit; 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() as usize) % limit.max(1)
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    /// A copy with up to eight places changed: a byte, a bit, a byte at the edge, four bytes at once. No bytes stay none.
    pub fn damage(&mut self, original: &[u8]) -> Vec<u8> {
        let mut bytes = original.to_vec();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            let end = (at + 4).min(bytes.len());
            let Some(byte) = bytes.get_mut(at) else {
                break;
            };
            match self.below(4) {
                0 => *byte = self.next() as u8,
                1 => *byte ^= 1 << self.below(8),
                2 => *byte = [0, 0xff, 0x7f, 0x80][self.below(4)],
                _ => bytes[at..end].fill([0, 0xff][self.below(2)]),
            }
        }
        bytes
    }
}
