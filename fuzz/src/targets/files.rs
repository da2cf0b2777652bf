//! The file readers: pcap, pcapng, and whatever else the bytes announce.

use super::super::each_frame;

/// Reads the file to its end.
pub fn run(input: &[u8]) {
    let mut captured = 0;
    each_frame(input, |frame| {
        assert!(frame.wire_len as usize >= frame.bytes.len());
        captured += frame.bytes.len();
    });
    // Compressed ones hold more than they are long.
    assert!(captured <= input.len() || !matches!(input, [0xa1 | 0xd4 | 0x4d | 0x0a, ..]));
}
