//! The core of the onion: what the tracking says of the segment.

use super::Block;
use crate::tracking::wireshark::Analysis;
use crate::tracking::{Direction, Event};
use crate::utils::format;
use crate::visualization::packet_lines::Said;
use crate::visualization::wireshark_column::Column;

/// What the tracking says: the connection, the states, the verdicts.
pub(super) fn tracked(event: &Event<'_>, wireshark: Option<&Analysis>) -> Block {
    let connection = event.connection;
    let (before, after) = (event.states_before(), connection.states);
    let change = |direction: Direction| {
        if before[direction] == after[direction] {
            format!("{}", after[direction])
        } else {
            format!("{} → {}", before[direction], after[direction])
        }
    };
    let mut block = Block::new("Connection", "what tcp-monitor follows")
        .field(
            "Number",
            0,
            connection.id,
            format!("{} → {}", connection.client, connection.server),
        )
        .field("From", 0, event.direction.sender_name(), "")
        .field("Relative sequence", 0, event.relative_seq(), "")
        .field("Window, scaled", 0, event.window(), "bytes")
        .field("Client's state", 0, change(Direction::ToServer), "")
        .field("Server's state", 0, change(Direction::ToClient), "");
    if event.segment.flags.ack() {
        block = block.field("Relative acknowledgment", 0, event.relative_ack(), "");
    }
    if let Some(octets) = event.in_flight() {
        block = block.field("Bytes in flight", 0, octets, "sent and not acknowledged");
    }
    if let Some(nanos) = event.rtt() {
        block = block.field(
            "Round trip",
            0,
            format::duration(nanos),
            "from here to its sender and back",
        );
    }
    for verdict in event.judgement.verdicts.iter() {
        let said = Said {
            verdict,
            judgement: event.judgement,
        };
        block = block.field("Verdict", 0, said, verdict.rule().meaning);
    }
    match wireshark {
        Some(analysis) => block.field("Wireshark", 0, Column(analysis), "what tshark 4.0 shows"),
        None => block,
    }
}
