//! Every parser: a frame of each link type is taken apart, and every field is looked at for `-vv`.

use super::super::follow::{MOST, Made, follow};
use super::super::{STYLE, frame};
use tcp_monitor::visualization::onion::Onion;

/// Takes the frame apart, as [`super::super::frame`] reads it.
pub fn run(input: &[u8]) {
    if let Some(frame) = frame(input) {
        let mut source = Made::new(frame.link);
        source.push(frame.time, frame.wire_len, frame.bytes.to_vec());
        follow(source, MOST, 1, 1, vec![Box::new(Onion { style: STYLE })]);
    }
}
