//! The file readers: pcap, pcapng, and whatever else the bytes announce.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor_fuzz::each_frame;

fuzz_target!(|input: &[u8]| {
    let mut captured = 0;
    each_frame(input, |frame| {
        assert!(frame.wire_len as usize >= frame.bytes.len());
        captured += frame.bytes.len();
    });
    // Compressed ones hold more than they are long.
    assert!(captured <= input.len() || !matches!(input, [0xa1 | 0xd4 | 0x4d | 0x0a, ..]));
});
