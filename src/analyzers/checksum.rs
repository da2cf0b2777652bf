//! The Internet checksum (RFC 1071): the ones' complement sum of 16-bit words.

/// The sum of the 16-bit big-endian words of `bytes`, an odd last byte padded with zero. Sums can be added and then folded.
#[inline]
pub fn sum(bytes: &[u8]) -> u64 {
    u64::from(fold(little_endian_sum(bytes)).swap_bytes())
}

/// The same of little-endian words: the two bytes of its fold stand the other way round, which all ones do not mind (RFC 1071
/// §2(B)). To be added to others of its kind with [`plus`] alone.
#[inline(always)]
pub fn little_endian_sum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let (pair, rest) = rest.as_chunks::<16>();
    let (word, rest) = rest.as_chunks::<8>();
    let mut sum = 0u64;
    for block in blocks {
        sum = add_words(sum, block.as_chunks().0);
    }
    // What is left over of four words: two of them, and one.
    if let Some(pair) = pair.first() {
        sum = add_words(sum, pair.as_chunks().0);
    }
    if let Some(word) = word.first() {
        sum = plus(sum, u64::from_le_bytes(*word));
    }
    plus(sum, last(bytes, rest.len()))
}

/// Adds words of eight bytes: a chain of additions, each of which takes the carry of the one before.
#[inline(always)]
fn add_words(mut sum: u64, words: &[[u8; 8]]) -> u64 {
    let mut carry = false;
    for word in words {
        (sum, carry) = sum.carrying_add(u64::from_le_bytes(*word), carry);
    }
    // After a carry the sum has room for one more.
    sum.wrapping_add(u64::from(carry))
}

/// The last bytes, fewer than eight, as a little-endian number.
#[inline(always)]
fn last(bytes: &[u8], count: usize) -> u64 {
    let shift = 63usize.saturating_sub(count.saturating_mul(8));
    match bytes.last_chunk() {
        // In two steps, because nothing may be shifted by 64.
        Some(eight) => u64::from_le_bytes(*eight) >> 1 >> shift,
        None => {
            let mut eight = [0; 8];
            eight
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(eight)
        }
    }
}

/// Both sums together. What is carried out of the highest of the four 16-bit places comes back in at the lowest.
#[inline]
pub const fn plus(a: u64, b: u64) -> u64 {
    let (sum, carry) = a.overflowing_add(b);
    sum.wrapping_add(carry as u64)
}

/// Folds a sum to 16 bits. All ones means that the bytes, their checksum among them, are right.
#[inline]
pub const fn fold(sum: u64) -> u16 {
    // Added to itself with the halves exchanged, the upper half is the sum of both with the carry of the lower half, that is, of
    // the same sum, come back in.
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
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
        let mixed: Vec<u8> = (0..200u32).map(|n| (n * 151 + 250) as u8).collect();
        // Every addition carries, and none.
        for bytes in [mixed, vec![0xff; 200], vec![0; 200]] {
            for len in 0..bytes.len() {
                let words = bytes[..len].chunks(2);
                let mut total: u32 = words
                    .map(|word| {
                        u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0))
                    })
                    .sum();
                while total > 0xffff {
                    total = (total & 0xffff) + (total >> 16);
                }
                assert_eq!(u32::from(fold(sum(&bytes[..len]))), total, "{len} bytes");
            }
        }
        assert_eq!(fold(u64::MAX), 0xffff);
        assert_eq!(plus(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!((fold(0), fold(1 << 48), fold(0xffff_0001)), (0, 1, 1));
    }
}
