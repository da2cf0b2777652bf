//! A whole capture file into JSON and into text: each line of the first is an object, and nothing steers the terminal.

use super::super::follow::{MOST, follow};
use super::super::json::is_object;
use super::super::{STYLE, open};
use tcp_monitor::tracking::LOOK_AHEAD;
use tcp_monitor::visualization::Output;
use tcp_monitor::visualization::json_lines::JsonLines;
use tcp_monitor::visualization::packet_lines::PacketLines;
use tcp_monitor::visualization::report::Report;

/// Follows the capture with the outputs for machines and for people.
pub fn run(input: &[u8]) {
    let Some(source) = open(input) else {
        return;
    };
    let outputs: Vec<Box<dyn Output>> = vec![
        Box::new(JsonLines { packets: true }),
        Box::new(PacketLines { style: STYLE }),
        Box::new(Report { style: STYLE }),
    ];
    for line in follow(source, MOST, 8, LOOK_AHEAD, outputs)[0].lines() {
        assert!(is_object(line), "{line}");
    }
}
