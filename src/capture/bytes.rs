//! Numbers out of capture files, in the byte order that the file says.

/// The byte order of a file or section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        }
    }

    /// The 16-bit number at an offset; 0 beyond the end (callers have checked the length).
    pub(super) fn u16_at(self, bytes: &[u8], offset: usize) -> u16 {
        bytes
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .map_or(0, |chunk| self.u16(*chunk))
    }

    /// The 32-bit number at an offset; 0 beyond the end (callers have checked the length).
    #[inline]
    pub(super) fn u32_at(self, bytes: &[u8], offset: usize) -> u32 {
        bytes
            .get(offset..)
            .and_then(<[u8]>::first_chunk)
            .map_or(0, |chunk| self.u32(*chunk))
    }

    /// The four 32-bit numbers of a record header.
    #[inline]
    pub(super) fn four(self, bytes: &[u8; 16]) -> [u32; 4] {
        let (words, _) = bytes.as_chunks::<4>();
        let at = |n: usize| words.get(n).copied().map_or(0, u32::from_le_bytes);
        let numbers = [at(0), at(1), at(2), at(3)];
        match self {
            ByteOrder::Little => numbers,
            ByteOrder::Big => numbers.map(u32::swap_bytes),
        }
    }
}
