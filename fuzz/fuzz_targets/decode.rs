//! Every parser: a frame of each link type is taken apart, and every field is looked at for `-vv`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor::visualization::onion::Onion;
use tcp_monitor_fuzz::follow::{Made, follow};
use tcp_monitor_fuzz::{STYLE, frame};

fuzz_target!(|input: &[u8]| {
    if let Some(frame) = frame(input) {
        let mut source = Made::new(frame.link);
        source.push(frame.time, frame.wire_len, frame.bytes.to_vec());
        follow(source, 1, 1, vec![Box::new(Onion { style: STYLE })]);
    }
});
