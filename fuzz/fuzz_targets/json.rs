//! A whole capture file into JSON and into text: each line of the first is an object, and nothing steers the terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;
use tcp_monitor_fuzz::{Follow, STYLE, each_frame};

fuzz_target!(|input: &[u8]| {
    let mut objects = Follow::new(8, vec![Box::new(JsonLines { packets: true })]);
    let mut text = Follow::new(
        8,
        vec![
            Box::new(PacketLines { style: STYLE }),
            Box::new(Report { style: STYLE }),
        ],
    );
    each_frame(input, |frame| {
        objects.take(frame);
        text.take(frame);
    });
    for line in objects.finish().lines() {
        let object: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(object.is_object(), "{line}");
    }
    text.finish();
});
