//! A whole capture file into JSON and into text: each line of the first is an object, and nothing steers the terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;
use tcp_monitor_fuzz::json::is_object;
use tcp_monitor_fuzz::{Follow, STYLE, each_frame};

fuzz_target!(|input: &[u8]| {
    let mut follow = Follow::new(
        8,
        vec![
            Box::new(JsonLines { packets: true }),
            Box::new(PacketLines { style: STYLE }),
            Box::new(Report { style: STYLE }),
        ],
    );
    each_frame(input, |frame| follow.take(frame));
    for line in follow.finish()[0].lines() {
        assert!(is_object(line), "{line}");
    }
});
