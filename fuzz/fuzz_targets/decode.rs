//! Every parser: a frame of each link type is taken apart, and every field is looked at for `-vv`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor::visualization::onion::Onion;
use tcp_monitor_fuzz::{Follow, STYLE, frame};

fuzz_target!(|input: &[u8]| {
    if let Some(frame) = frame(input) {
        let mut follow = Follow::new(1, vec![Box::new(Onion { style: STYLE })]);
        follow.take(&frame);
        follow.finish();
    }
});
