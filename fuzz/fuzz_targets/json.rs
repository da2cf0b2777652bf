//! A whole capture file into JSON and into text: each line of the first is an object, and nothing steers the terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor::tracking::LOOK_AHEAD;
use tcp_monitor::visualization::Output;
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;
use tcp_monitor_fuzz::follow::follow;
use tcp_monitor_fuzz::json::is_object;
use tcp_monitor_fuzz::{STYLE, open};

fuzz_target!(|input: &[u8]| {
    let Some(source) = open(input) else {
        return;
    };
    let outputs: Vec<Box<dyn Output>> = vec![
        Box::new(JsonLines { packets: true }),
        Box::new(PacketLines { style: STYLE }),
        Box::new(Report { style: STYLE }),
    ];
    for line in follow(source, 8, LOOK_AHEAD, outputs)[0].lines() {
        assert!(is_object(line), "{line}");
    }
});
