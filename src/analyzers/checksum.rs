//! The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.

/// The sum of the 16-bit big-endian words of `bytes`, an odd last byte padded with zero. Sums can be added and then folded.
pub fn sum(bytes: &[u8]) -> u64 {
    // Four bytes at a time: carries out of the 32-bit words gather in the upper half and are folded in the end (RFC 1071 §2(B)).
    let mut chunks = bytes.chunks_exact(4);
    let mut total = 0u64;
    for chunk in &mut chunks {
        total = total.wrapping_add(u64::from(u32::from_be_bytes([
            chunk[0], chunk[1], chunk[2], chunk[3],
        ])));
    }
    let mut last = [0u8; 4];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    total.wrapping_add(u64::from(u32::from_be_bytes(last)))
}

/// Folds a sum to 16 bits. All ones means that the bytes, their checksum among them, are right.
pub const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(
            fold(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])),
            0xddf2
        );
    }

    #[test]
    fn odd_lengths_are_padded() {
        assert_eq!(fold(sum(&[1, 2, 3])), 0x0402);
        assert_eq!(fold(sum(&[])), 0);
    }
}
