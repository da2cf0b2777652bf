//! The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.

/// The sum of the 16-bit big-endian words of `bytes`, an odd last byte padded with zero. Sums can be added and then folded.
#[inline]
pub fn sum(bytes: &[u8]) -> u64 {
    // The byte order does not matter until the end (RFC 1071 §2(B)), so that eight bytes at a time are taken as they are, in two
    // halves whose carries gather above them: the compiler makes vectors of that.
    let (words, rest) = bytes.as_chunks::<8>();
    let (mut low, mut high) = (0u64, 0u64);
    for word in words {
        let word = u64::from_le_bytes(*word);
        low = low.wrapping_add(word & 0xffff_ffff);
        high = high.wrapping_add(word >> 32);
    }
    // Each part begins at an even place.
    let (fours, rest) = rest.as_chunks::<4>();
    let (twos, rest) = rest.as_chunks::<2>();
    let four = fours.first().map_or(0, |word| u32::from_le_bytes(*word));
    let two = twos.first().map_or(0, |word| u16::from_le_bytes(*word));
    let one = rest.first().copied().unwrap_or(0);
    let tail = u64::from(four)
        .wrapping_add(u64::from(two))
        .wrapping_add(u64::from(one));
    u64::from(fold(low.wrapping_add(high).wrapping_add(tail)).swap_bytes())
}

/// Folds a sum to 16 bits. All ones means that the bytes, their checksum among them, are right.
#[inline]
pub const fn fold(mut sum: u64) -> u16 {
    sum = (sum & 0xffff_ffff).wrapping_add(sum >> 32);
    // Three times: to 18 bits, to 17, and the last carry.
    sum = (sum & 0xffff).wrapping_add(sum >> 16);
    sum = (sum & 0xffff).wrapping_add(sum >> 16);
    sum = (sum & 0xffff).wrapping_add(sum >> 16);
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

    #[test]
    fn every_length_sums_what_its_words_do() {
        let bytes: Vec<u8> = (0..100u32).map(|n| (n * 151 + 250) as u8).collect();
        for len in 0..bytes.len() {
            let words = bytes[..len].chunks(2);
            let mut total: u32 = words
                .map(|word| u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0)))
                .sum();
            while total > 0xffff {
                total = (total & 0xffff) + (total >> 16);
            }
            assert_eq!(u32::from(fold(sum(&bytes[..len]))), total, "{len} bytes");
        }
        assert_eq!(fold(sum(&[0xff; 64])), 0xffff);
        assert_eq!(fold(u64::MAX), 0xffff);
    }
}
